use std::collections::BTreeSet;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::args;
use super::error::CliError;
use super::exit::Exit;
use crate::cluster::{Configuration, Place};
use crate::controller::{self, Options};

/// Runs the operator until it is told to end.
pub(super) async fn run(args: &args::Controller) -> Result<Exit, CliError> {
    let configuration = Configuration::find(&Place::default()).await?;
    let none = || CliError::Usage("there is neither a kubeconfig nor the service account of a pod".into());
    let configuration = configuration.ok_or_else(none)?;
    let options = Options {
        namespace: args.namespace.clone().unwrap_or_else(|| configuration.namespace().to_owned()),
        namespaces: (!args.namespaces.is_empty()).then(|| args.namespaces.iter().cloned().collect::<BTreeSet<_>>()),
        listen: args.listen,
        image: args.image.clone(),
    };
    let stop = stop()?;
    let ended = controller::run(configuration.client()?, options, stop).await;
    ended.map_err(|why| CliError::Internal(why.to_string()))?;
    Ok(Exit::Done)
}

/// Turns true with the first signal to end.
fn stop() -> Result<watch::Receiver<bool>, CliError> {
    let (tell, hear) = watch::channel(false);
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let mut signals = signal(kind).map_err(|why| CliError::Internal(format!("no signals: {why}")))?;
        let tell = tell.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                tracing::info!("told to end; what is begun is finished");
                tell.send_replace(true);
            }
        });
    }
    Ok(hear)
}
