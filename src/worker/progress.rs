use super::report::Outcome;
use crate::oci::RepositoryName;
use crate::pruning::Operation;

/// Who watches the work go on, and may call it off.
pub trait Progress: Sync {
    /// Reading begins of a repository with so many tags.
    fn reading(&self, repository: &RepositoryName, tags: usize) {
        let _ = (repository, tags);
    }

    /// One more thing was read.
    fn read(&self) {}

    /// An operation ended.
    fn operated(&self, repository: &RepositoryName, operation: &Operation, outcome: &Outcome) {
        let _ = (repository, operation, outcome);
    }

    /// Whether nothing more is to be begun; asked between two operations.
    fn is_called_off(&self) -> bool {
        false
    }
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {}
