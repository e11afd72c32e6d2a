use super::exit::Exit;
use super::plugin::PluginError;
use super::state::StateError;
use crate::cluster::ClusterError;
use crate::registry::RegistryError;
use crate::storage::StorageError;
use crate::worker::WorkError;

/// Why a command ended without doing what it was told. Its text may have several lines; each is printed escaped.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// The command line, or a file named there, is wrong.
    #[error("{0}")]
    Usage(String),
    /// A file of resources is wrong: one line each.
    #[error("{}", .0.join("\n"))]
    Resources(Vec<String>),
    /// The registry, or the way to it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The cluster, or the way to it.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The same, where a person may choose to do without.
    #[error("{0}; or add --ignore-cluster, and protect neither what workloads use nor what others keep")]
    Asked(ClusterError),
    /// The registry lets nothing be deleted.
    #[error("{0}; nothing was deleted")]
    Refused(&'static str),
    /// Work stopped.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// The state directory.
    #[error(transparent)]
    State(#[from] StateError),
    /// The registry's storage, or an inventory of it.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// How the registry is started in its image is not known.
    #[error("{0}")]
    EntryPointUnknown(String),
    /// The storage cannot be read from beside the registry.
    #[error("{0}")]
    StoreNotShared(String),
    /// A file that was asked for.
    #[error("{0}")]
    Unwritten(String),
    /// A command of the plugin.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// A fault of this program.
    #[error("{0}; this is a fault of registry-retention itself")]
    Internal(String),
}

impl CliError {
    /// The code that the process ends with.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_)
            | Self::Resources(_)
            | Self::EntryPointUnknown(_)
            | Self::StoreNotShared(_)
            | Self::Cluster(ClusterError::Configuration(_))
            | Self::Asked(ClusterError::Configuration(_))
            | Self::Storage(StorageError::Nothing { .. } | StorageError::Saved { .. })
            | Self::State(StateError::NoSuchPlan(_)) => Exit::Usage,
            Self::Registry(_)
            | Self::Cluster(_)
            | Self::Asked(_)
            | Self::Refused(_)
            | Self::Storage(
                StorageError::NoBlobs { .. } | StorageError::Unreadable { .. } | StorageError::Bucket { .. },
            )
            | Self::Work(WorkError::Registry(_) | WorkError::HiddenTag { .. } | WorkError::Workloads(_)) => {
                Exit::Registry
            }
            Self::Plugin(error) => error.exit(),
            Self::State(_) | Self::Work(WorkError::Journal(_)) => Exit::State,
            Self::Storage(StorageError::Unwritten(_)) | Self::Unwritten(_) | Self::Internal(_) => Exit::Internal,
        }
    }

    /// The stable code.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Usage(_) => "Usage",
            Self::Resources(_) => "InvalidFile",
            Self::Registry(error) => error.reason(),
            Self::Cluster(error) | Self::Asked(error) => error.reason(),
            Self::Refused(_) => "Refused",
            Self::Work(error) => error.reason(),
            Self::State(error) => error.reason(),
            Self::Storage(error) => error.reason(),
            Self::EntryPointUnknown(_) => "EntryPointUnknown",
            Self::StoreNotShared(_) => "StoreNotShared",
            Self::Unwritten(_) => "Unwritten",
            Self::Plugin(_) => "Plugin",
            Self::Internal(_) => "Internal",
        }
    }
}
