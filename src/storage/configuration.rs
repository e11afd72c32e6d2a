use super::Location;
use super::drivers::located;
use super::parameters::{Driver, driver};

/// Why a registry's configuration does not tell where its storage is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigurationError {
    /// No YAML, or not of the form of a registry's configuration.
    #[error("not a registry's configuration: it is no YAML, or `storage` is not as the registry reads it")]
    Unreadable,
    /// Another format.
    #[error("not a registry's configuration of version 0.1, which is the only one there is")]
    Version,
    /// A variable that the registry would not start with.
    #[error("the variable {0} is not as the registry reads it")]
    Variable(String),
    /// No storage.
    #[error("no storage driver is configured")]
    NoDriver,
    /// More than one.
    #[error("several storage drivers are configured; the registry would not start with them")]
    SeveralDrivers,
    /// A driver that is not read.
    #[error("the storage driver {0:?} cannot be read; filesystem, s3, gcs and azure can")]
    Driver(String),
    /// A parameter that cannot be honoured.
    #[error("storage.{driver}.{parameter}: {why}")]
    Parameter {
        /// The driver, or the section of its parameters.
        driver: &'static str,
        /// Its parameter.
        parameter: &'static str,
        /// What is the matter with it.
        why: &'static str,
    },
}

/// Finds the storage of a registry by its configuration file, `yaml`, and its environment (`REGISTRY_STORAGE_…`, which
/// stands over the file), as the registry itself does.
pub fn configured(
    yaml: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Location, ConfigurationError> {
    let Driver { name, parameters } = driver(yaml, environment)?;
    located(&name, &parameters)
}
