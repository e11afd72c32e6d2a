use std::env;
use std::path::PathBuf;
use std::time::Duration;

use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use tower::timeout::TimeoutLayer;

use super::error::ClusterError;

/// How long it may take to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an API server may take to begin an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// How long an answer may pause. A watch on which nothing happens ends by itself before that.
const IDLE_TIMEOUT: Duration = Duration::from_secs(295);

/// Which cluster is meant; what is absent is as `kubectl` has it.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The kubeconfig.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it.
    pub context: Option<String>,
}

/// A cluster that was found, not yet asked for anything.
#[derive(Clone, Debug)]
pub struct Configuration {
    config: Config,
    origin: Origin,
}

/// Where a configuration comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Somebody's kubeconfig.
    Kubeconfig,
    /// The pod in which this runs.
    Pod,
}

impl Configuration {
    /// Finds the configuration as `kubectl` does: the file that is named, those of `KUBECONFIG`, or `~/.kube/config`;
    /// else that of the pod in which this runs. `None` if there is none of all that.
    ///
    /// # Errors
    ///
    /// [`ClusterError::Configuration`] if one is there, or is named, and cannot be used.
    pub async fn find(place: &Place) -> Result<Option<Self>, ClusterError> {
        let options = KubeConfigOptions { context: place.context.clone(), ..KubeConfigOptions::default() };
        let kubeconfig = match &place.kubeconfig {
            Some(file) => Some(Kubeconfig::read_from(file)),
            None => usual(place.context.is_some()),
        };
        if let Some(kubeconfig) = kubeconfig {
            let config = Config::from_custom_kubeconfig(kubeconfig.map_err(unusable)?, &options).await;
            return Ok(Some(Self { config: config.map_err(unusable)?, origin: Origin::Kubeconfig }));
        }
        if env::var_os("KUBERNETES_SERVICE_HOST").is_none() {
            return Ok(None);
        }
        let wrong = |why| ClusterError::Configuration(format!("the service account of this pod cannot be used: {why}"));
        Ok(Some(Self { config: Config::incluster().map_err(wrong)?, origin: Origin::Pod }))
    }

    /// Where it comes from.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The namespace of the context, or of the pod.
    pub fn namespace(&self) -> &str {
        &self.config.default_namespace
    }

    /// A client for it. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// [`ClusterError::Configuration`] if its certificates or its login cannot be used.
    pub fn client(&self) -> Result<Client, ClusterError> {
        client(self.config.clone())
    }
}

/// A client that gives up on an API server which does not answer: nothing waits for ever.
///
/// # Errors
///
/// [`ClusterError::Configuration`] if the certificates or the login cannot be used.
pub fn client(mut config: Config) -> Result<Client, ClusterError> {
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(IDLE_TIMEOUT);
    config.reset_reader_on_write = true;
    let builder = ClientBuilder::try_from(config).map_err(|error| {
        let cause = super::error::Cause::from(&error);
        ClusterError::Configuration(format!("the cluster cannot be reached as configured: {cause}"))
    })?;
    Ok(builder.with_layer(&TimeoutLayer::new(ANSWER_TIMEOUT)).build())
}

/// The kubeconfig that nobody named, if there is one. Who names a `context` means that there is.
fn usual(required: bool) -> Option<Result<Kubeconfig, KubeconfigError>> {
    match Kubeconfig::from_env() {
        Ok(Some(kubeconfig)) => return Some(Ok(kubeconfig)),
        Ok(None) => {}
        Err(error) => return Some(Err(error)),
    }
    let file = env::home_dir().map(|home| home.join(".kube/config"));
    let file = file.filter(|file| required || file.exists());
    match file {
        Some(file) => Some(Kubeconfig::read_from(file)),
        None => required.then_some(Err(KubeconfigError::FindPath)),
    }
}

/// What is said about a kubeconfig has nothing of its text, which may be a login.
fn unusable(error: KubeconfigError) -> ClusterError {
    let why = match error {
        KubeconfigError::Parse(_) => "it is no kubeconfig".to_owned(),
        KubeconfigError::ReadConfig(why, file) => format!("{} cannot be read: {why}", file.display()),
        other => other.to_string(),
    };
    ClusterError::Configuration(format!("the kubeconfig cannot be used: {why}"))
}
