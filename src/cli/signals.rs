use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::error::CliError;
use super::exit::Exit;

/// SIGINT and SIGTERM, for what is not ended by them at once: whoever works looks at `stop`.
pub(super) struct Signals {
    /// Turns true with the first.
    pub(super) stop: watch::Receiver<bool>,
    came: watch::Receiver<Option<Exit>>,
}

impl Signals {
    /// Begins to listen; `hear` is called at each. Must be called in a runtime.
    pub(super) fn listen(hear: impl Fn() + Clone + Send + 'static) -> Result<Self, CliError> {
        let (end, stop) = watch::channel(false);
        let (tell, came) = watch::channel(None);
        for (kind, exit) in [(SignalKind::interrupt(), Exit::Interrupted), (SignalKind::terminate(), Exit::Terminated)]
        {
            let mut signals = signal(kind).map_err(|why| CliError::Internal(format!("no signals: {why}")))?;
            let (end, tell, hear) = (end.clone(), tell.clone(), hear.clone());
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    hear();
                    tell.send_replace(Some(exit));
                    end.send_replace(true);
                }
            });
        }
        Ok(Self { stop, came })
    }

    /// How to end, if one came.
    pub(super) fn came(&self) -> Option<Exit> {
        *self.came.borrow()
    }
}
