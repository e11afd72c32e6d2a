use super::journal::JournalError;
use super::workloads::WorkloadsError;
use crate::oci::{RepositoryName, Tag};
use crate::registry::{Problem, RegistryError};

/// Why work on a registry stopped.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The registry, or the way to it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The tag list cannot be trusted.
    #[error(
        "{repository}: tag {tag} exists but is not listed, so the tag list hides tags (3.0 to 3.1.1 do so on S3); \
         nothing is deleted by such a list; upgrade the registry to 3.1.2 or later"
    )]
    HiddenTag {
        /// Where.
        repository: RepositoryName,
        /// Which.
        tag: Tag,
    },
    /// What workloads use is not known.
    #[error(transparent)]
    Workloads(#[from] WorkloadsError),
    /// What must be recorded before a deletion could not be.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl WorkError {
    /// The stable code.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Registry(error) => error.reason(),
            Self::HiddenTag { .. } => "HiddenTags",
            Self::Workloads(error) => error.reason,
            Self::Journal(_) => "JournalUnwritable",
        }
    }
}

impl WorkError {
    /// Whether trying again may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Registry(error) => error.is_transient(),
            Self::HiddenTag { .. } => false,
            Self::Workloads(_) | Self::Journal(_) => true,
        }
    }
}

/// Whether `error` tells of one thing that cannot be read, which keeps its repository, rather than of a registry that
/// cannot be worked with.
pub(super) fn is_of_content(error: &RegistryError) -> bool {
    matches!(
        error.problem(),
        Problem::ServerError { .. }
            | Problem::CutShort
            | Problem::TooLarge { .. }
            | Problem::DigestMismatch { .. }
            | Problem::Malformed(_)
            | Problem::IllegalName(_)
            | Problem::Unexpected { .. }
    )
}
