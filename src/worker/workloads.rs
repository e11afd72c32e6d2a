use std::sync::Arc;

use crate::retention::{InUse, UnreadableReference};

/// What workloads use, as it is known at this moment.
pub trait Workloads: Sync {
    /// All of it. Cheap: it is asked for before each operation.
    ///
    /// # Errors
    ///
    /// If it is not known. Nothing more is deleted then.
    fn in_use(&self) -> Result<Arc<InUse>, WorkloadsError>;
}

/// What workloads use is not known at this moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct WorkloadsError {
    /// The stable code.
    pub reason: &'static str,
    /// A sentence.
    pub message: String,
}

/// For whoever reads it once.
impl Workloads for Arc<InUse> {
    fn in_use(&self) -> Result<Self, WorkloadsError> {
        Ok(Self::clone(self))
    }
}

impl From<UnreadableReference> for WorkloadsError {
    fn from(error: UnreadableReference) -> Self {
        Self { reason: "UnreadableReference", message: error.to_string() }
    }
}
