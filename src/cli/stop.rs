//! SIGINT and SIGTERM.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tokio::signal::unix::{SignalKind, signal};

use super::error::CliError;
use super::exit::Exit;
use super::screen;

/// Whether a person or the system wants the run to end.
///
/// While nothing is being deleted a signal ends the process at once: every file is there whole or not at all. During
/// deletions the operation in flight is ended first; a second signal does not wait for that either, and the journal
/// tells the next run.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// The exit code of the signal that came; 0 for none.
    came: AtomicU8,
    deleting: AtomicBool,
}

impl Stop {
    /// Begins to listen. Must be called in a runtime.
    pub(super) fn listen() -> Result<Self, CliError> {
        let stop = Self::default();
        for (kind, name, exit) in [
            (SignalKind::interrupt(), "SIGINT", Exit::Interrupted),
            (SignalKind::terminate(), "SIGTERM", Exit::Terminated),
        ] {
            let mut signals =
                signal(kind).map_err(|why| CliError::Internal(format!("{name} cannot be listened to: {why}")))?;
            let stop = stop.clone();
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    stop.received(name, exit);
                }
            });
        }
        Ok(stop)
    }

    fn received(&self, name: &str, exit: Exit) {
        let first = self.0.came.swap(exit.code(), Ordering::SeqCst) == 0;
        if first && self.0.deleting.load(Ordering::SeqCst) {
            screen::err(format_args!(
                "{name}: stopping after the operation in flight; run the same command again to go on"
            ));
            return;
        }
        let what = if first { "no deletion was under way" } else { "the next run goes on from the journal" };
        screen::err(format_args!("{name}: ended; {what}"));
        std::process::exit(i32::from(exit.code()));
    }

    /// From now on, or no longer, something is being deleted.
    pub(super) fn deleting(&self, deleting: bool) {
        self.0.deleting.store(deleting, Ordering::SeqCst);
    }

    /// How to end, if a signal came.
    pub(super) fn came(&self) -> Option<Exit> {
        let code = self.0.came.load(Ordering::SeqCst);
        [Exit::Interrupted, Exit::Terminated].into_iter().find(|exit| exit.code() == code)
    }
}
