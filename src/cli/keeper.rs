use super::args;
use super::error::CliError;
use super::exit::Exit;
use super::signals::Signals;
use crate::cluster::{Configuration, Place};
use crate::collection::patch::Subject;
use crate::collection::protocol::Run;
use crate::keeper::{self, Options};

/// Watches a frozen registry until it is restored, or until it is told to end.
pub(super) async fn run(args: &args::Keeper) -> Result<Exit, CliError> {
    let configuration = Configuration::find(&Place::default()).await?;
    let none = || CliError::Usage("there is neither a kubeconfig nor the service account of a pod".into());
    let configuration = configuration.ok_or_else(none)?;
    let options = Options {
        subject: Subject {
            namespace: args.namespace.clone().unwrap_or_else(|| configuration.namespace().to_owned()),
            deployment: args.deployment.clone(),
            container: args.container.clone(),
        },
        run: Run::new(args.run.as_str()),
        collection: args.collection.clone(),
        listen: args.listen,
    };
    let signals = Signals::listen(|| tracing::info!("told to end"))?;
    let ended = Box::pin(keeper::run(configuration.client()?, options, signals.stop.clone())).await;
    ended.map_err(|why| CliError::Internal(why.to_string()))?;
    // Ended from outside with its work undone, its Job is to start it anew.
    Ok(signals.came().unwrap_or(Exit::Done))
}
