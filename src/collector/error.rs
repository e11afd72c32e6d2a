use std::fmt;

use crate::collection::garbage::{Objection, Outcome, OutputError};
use crate::registry::RegistryError;
use crate::storage::StorageError;

/// Why a collection did not come to its end, or was not begun.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// Which program collects is not known.
    #[error("the registry's program is not known: {0}; say it with --executable")]
    EntryPointUnknown(String),
    /// The storage could not be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// There are no blobs.
    #[error("{0}: there are no blobs, so nothing is to be collected")]
    NoBlobs(String),
    /// Nothing at all would stay.
    #[error(
        "no tag links a manifest and nothing is known to be in use, so all {0} blobs would go; if that is meant, remove \
         the storage itself"
    )]
    NothingKept(u64),
    /// Something kept is missing or damaged already.
    #[error("{0}; push the image again, or delete its tag and what names it")]
    Unwhole(Several),
    /// A link to a manifest is empty, and could not be mended.
    #[error(
        "a link to a manifest is empty or cut, as a full disk leaves it, and garbage-collect fails as long as it is; it could \
         not be mended: {0}; free some space"
    )]
    NotMended(StorageError),
    /// The process that deletes what a plan condemns is not as it has to be.
    #[error("the registry's process that would delete what the plan condemns cannot be used: {0}")]
    Private(String),
    /// It serves something else.
    #[error(
        "the registry's process that would delete what the plan condemns serves another storage than was read: {0}"
    )]
    Elsewhere(Several),
    /// A deletion failed.
    #[error("to {operation} failed: {why}")]
    NotDeleted {
        /// What was to be done, and where.
        operation: String,
        /// Why it was not.
        why: Box<RegistryError>,
    },
    /// What the registry said to have deleted is there.
    #[error("the registry did not delete what it said to have deleted: {0}")]
    Remain(Several),
    /// After the deletions something is missing that was not to go.
    #[error("after the deletions of the plan there is no more: {0}")]
    Cut(Several),
    /// The dry run contradicts our own reckoning.
    #[error("the dry run of garbage-collect contradicts what is stored: {text}")]
    Vetoed {
        /// The stable code.
        reason: &'static str,
        /// The contradictions.
        text: Several,
    },
    /// What it printed is not what it prints.
    #[error("the output of garbage-collect is not understood: {problem}{}", Because(said.as_deref()))]
    Output {
        /// What is wrong with it.
        problem: OutputError,
        /// What it said on standard error.
        said: Option<String>,
    },
    /// It failed.
    #[error("garbage-collect {}{}", Ending(*code), Because(said.as_deref()))]
    Failed {
        /// Its exit code; `None` if a signal ended it.
        code: Option<i32>,
        /// What it said on standard error.
        said: Option<String>,
    },
    /// It could not be started, or its output not be read.
    #[error("garbage-collect could not be run: {0}")]
    NotRun(std::io::Error),
    /// The collection began to delete something kept, or what it had not shown before, and was ended at once.
    #[error("garbage-collect was ended, since it did otherwise than its dry run: {0}")]
    Contradicted(String),
    /// After the collection something kept is missing or damaged.
    #[error("after the collection {0}")]
    Lost(Several),
    /// Somebody wrote to the storage during the collection.
    #[error("somebody wrote to the storage while it was collected, so that what was pushed may be broken: {0}")]
    Written(Several),
    /// Somebody wanted an end.
    #[error("told to end")]
    Stopped,
}

/// What is found several times: how often, and some of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Several {
    count: usize,
    examples: Vec<String>,
}

/// How much of it is told.
const EXAMPLES: usize = 5;

impl Several {
    /// Some of all.
    pub(super) fn of<T: fmt::Display>(all: impl IntoIterator<Item = T>) -> Self {
        let mut several = Self { count: 0, examples: Vec::new() };
        for one in all {
            several.count += 1;
            if several.examples.len() < EXAMPLES {
                several.examples.push(one.to_string());
            }
        }
        several
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl fmt::Display for Several {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.examples.join("; "))?;
        match self.count - self.examples.len() {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// How a process ended, in words.
struct Ending(Option<i32>);

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(code) => write!(f, "failed with exit code {code}"),
            None => f.write_str("was killed"),
        }
    }
}

/// What it said, if it said anything.
struct Because<'a>(Option<&'a str>);

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |said| write!(f, ": {said}"))
    }
}

impl CollectorError {
    /// The dry run's objections.
    pub(super) fn vetoed(objections: &[Objection<'_>]) -> Self {
        let reason = objections.first().map_or("OutputNotUnderstood", Objection::reason);
        Self::Vetoed { reason, text: Several::of(objections) }
    }

    /// The stable code.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::EntryPointUnknown(_) => "EntryPointUnknown",
            Self::Storage(error) => error.reason(),
            Self::NoBlobs(_) => "StorageEmpty",
            Self::NothingKept(_) => "NothingKept",
            Self::Unwhole(_) => "KeptDamaged",
            Self::NotMended(_) => "LinkDamaged",
            Self::Private(_) => "PrivateRegistryUnusable",
            Self::Elsewhere(_) => "StoreDiffers",
            Self::NotDeleted { .. } | Self::Remain(_) => "DeletionFailed",
            Self::Vetoed { reason, .. } => reason,
            Self::Output { .. } => "OutputNotUnderstood",
            Self::Failed { .. } | Self::NotRun(_) => "GarbageCollectFailed",
            Self::Contradicted(_) => "GarbageCollectContradicted",
            Self::Lost(_) | Self::Cut(_) => "KeptLost",
            Self::Written(_) => "StoreWritten",
            Self::Stopped => "Stopped",
        }
    }

    /// How a run ends by it, after anything was begun or before.
    pub(super) fn outcome(&self, has_begun: bool) -> Outcome {
        match self {
            Self::Lost(_) | Self::Cut(_) | Self::Written(_) => Outcome::Damaged,
            _ if has_begun => Outcome::Incomplete,
            _ => Outcome::Refused,
        }
    }
}
