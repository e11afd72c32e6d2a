use super::report::Outcome;
use crate::oci::RepositoryName;
use crate::pruning::Operation;

/// Who wants to watch the work go on. Nothing depends on it.
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
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {}
