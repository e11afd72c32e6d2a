use std::sync::Arc;

use crate::retention::InUse;

/// What workloads use, as it is known at this moment.
pub trait Workloads: Sync {
    /// All of it. Cheap: it is asked for before each operation.
    fn in_use(&self) -> Arc<InUse>;
}

/// For whoever reads it once.
impl Workloads for Arc<InUse> {
    fn in_use(&self) -> Arc<InUse> {
        Self::clone(self)
    }
}
