use serde::Serialize;

use crate::oci::{RepositoryName, Tag};
use crate::pruning::{Operation, Skip};
use crate::retention::Refusal;

/// What became of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// It was done already.
    Already,
    /// Left undone, because the world had changed.
    Skipped(Skip),
    /// The registry failed; whoever comes next finds the record of it.
    Failed(String),
}

/// An operation that was not carried out, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Where.
    pub repository: RepositoryName,
    /// What.
    pub operation: String,
    /// Why.
    pub why: String,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Tags that are gone.
    pub deleted_tags: usize,
    /// Manifests that are gone.
    pub deleted_manifests: usize,
    /// Operations left undone because somebody pushed meanwhile, or for want of space.
    pub skipped: Vec<Failure>,
    /// Operations at which the registry failed.
    pub failed: Vec<Failure>,
    /// What a deletion had taken from under a push of the same moment, and what was put back.
    pub restored: Vec<(RepositoryName, Tag)>,
    /// Repositories that let nothing be deleted.
    pub refused: Vec<(RepositoryName, Refusal)>,
    /// Why the run stopped early, if it did; the next one goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

impl Report {
    /// Whether everything that was to be done is done.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.refused.is_empty() && self.stopped.is_none()
    }

    pub(super) fn record(&mut self, repository: &RepositoryName, operation: &Operation, outcome: &Outcome) {
        let failure = |why: String| Failure { repository: repository.clone(), operation: operation.to_string(), why };
        match outcome {
            Outcome::Done | Outcome::Already => {
                self.deleted_tags += operation.tags().len();
                self.deleted_manifests += usize::from(matches!(operation, Operation::Delete { .. }));
            }
            Outcome::Skipped(skip) => self.skipped.push(failure(skip.to_string())),
            Outcome::Failed(why) => self.failed.push(failure(why.clone())),
        }
    }
}
