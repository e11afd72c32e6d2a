use std::collections::BTreeSet;

use super::args;
use super::error::CliError;
use super::exit::Exit;
use super::signals::Signals;
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
    let signals = Signals::listen(|| tracing::info!("told to end; what is begun is finished"))?;
    let ended = controller::run(configuration.client()?, options, signals.stop).await;
    ended.map_err(|why| CliError::Internal(why.to_string()))?;
    Ok(Exit::Done)
}
