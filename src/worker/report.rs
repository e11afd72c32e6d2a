use std::fmt;

use serde::{Serialize, Serializer};

use super::error::WorkError;
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
    pub stopped: Option<Stopped>,
}

/// Why a run stopped before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Whoever watches called it off.
    CalledOff,
    /// Something stood in the way.
    By {
        /// The stable code.
        reason: &'static str,
        /// A sentence.
        message: String,
        /// Whether it may pass by itself.
        transient: bool,
    },
}

impl Report {
    /// Adds what a later part of the same run did; how that ended is how the run stands.
    pub fn absorb(&mut self, later: Self) {
        self.deleted_tags += later.deleted_tags;
        self.deleted_manifests += later.deleted_manifests;
        self.restored.extend(later.restored);
        // What failed or was left is tried again by each part.
        (self.skipped, self.failed) = (later.skipped, later.failed);
        (self.refused, self.stopped) = (later.refused, later.stopped);
    }

    /// Whether anything is gone.
    pub fn deleted_anything(&self) -> bool {
        self.deleted_tags + self.deleted_manifests > 0
    }

    /// Whether everything that was to be done is done.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.refused.is_empty() && self.stopped.is_none()
    }

    pub(super) fn stop(&mut self, error: &WorkError) {
        let (reason, message) = (error.reason(), error.to_string());
        self.stopped = Some(Stopped::By { reason, message, transient: error.is_transient() });
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

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CalledOff => f.write_str("it was called off"),
            Self::By { message, .. } => f.write_str(message),
        }
    }
}

impl Serialize for Stopped {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
