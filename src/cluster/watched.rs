use std::sync::{Arc, Mutex, PoisonError};

use super::error::ClusterError;
use super::index::Index;
use crate::retention::{InUse, RegistryNames, UsedImages};
use crate::worker::{Workloads, WorkloadsError};

/// What is in use of one registry, as it is known right now: what an [`Index`] follows, and what a live read found
/// before anything was deleted.
pub struct Watched {
    index: Arc<Index>,
    names: RegistryNames,
    /// Nothing that the live read found is given up, even where the index has not heard of it, or no longer has it.
    read: UsedImages,
    known: Mutex<Option<(Arc<UsedImages>, Arc<InUse>)>>,
}

impl Watched {
    /// Of the registry of these `names`; `read` is what [`used_images`](super::used_images) gave after the index was
    /// synced.
    pub fn new(index: Arc<Index>, names: RegistryNames, read: UsedImages) -> Self {
        Self { index, names, read, known: Mutex::new(None) }
    }
}

impl Workloads for Watched {
    fn in_use(&self) -> Result<Arc<InUse>, WorkloadsError> {
        let images = self.index.snapshot()?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, in_use)) = known.as_ref().filter(|(of, _)| Arc::ptr_eq(of, &images)) {
            return Ok(Arc::clone(in_use));
        }
        let mut all = UsedImages::clone(&images);
        all.complete(&self.read);
        let in_use = Arc::new(InUse::of(&all, &self.names)?);
        *known = Some((images, Arc::clone(&in_use)));
        Ok(in_use)
    }
}

impl From<ClusterError> for WorkloadsError {
    fn from(error: ClusterError) -> Self {
        Self { reason: error.reason(), message: error.to_string() }
    }
}
