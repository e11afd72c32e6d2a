//! One pass of a run: some seconds of deleting, within the stored plan and what resources and workloads say now.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use super::files::Files;
use super::gather::Gathered;
use super::registries::Registry;
use super::trouble::Trouble;
use crate::oci::RepositoryName;
use crate::pruning::Operation;
use crate::retention::{Store, StoredPlan};
use crate::worker::{Outcome, Progress, Pruner, Report};

/// How long a pass deletes. An edit, a suspension or a deletion takes effect after this at the latest.
const PASS: Duration = Duration::from_secs(20);

/// Deletes for a while, or to the end where there is nothing that `stops` it.
pub(super) async fn pass(
    gathered: &Gathered,
    files: &mut Files,
    bound: &StoredPlan,
    store: Option<Arc<Store>>,
    stops: Option<Stops>,
    now: Timestamp,
) -> Result<Report, Trouble> {
    let passing = Passing { deleting_since: OnceLock::new(), stops };
    let pruner = Pruner {
        client: &gathered.client,
        policies: &gathered.policies,
        in_use: &*gathered.workloads,
        store,
        memory: &mut files.memory.memory,
        journal: &mut files.journal,
        plan: bound,
        tombstones: false,
        now,
        progress: &passing,
    };
    let report = pruner.run().await;
    files.memory.save().await?;
    Ok(report?)
}

/// What ends a pass before its plan is done.
#[derive(Clone)]
pub(super) struct Stops {
    /// The process is to end.
    pub(super) shutdown: watch::Receiver<bool>,
    /// Something about the resources of the registry changed.
    pub(super) changed: watch::Receiver<Arc<Registry>>,
}

impl Stops {
    fn came(&self) -> bool {
        *self.shutdown.borrow() || self.changed.has_changed().unwrap_or(true)
    }
}

struct Passing {
    deleting_since: OnceLock<Instant>,
    stops: Option<Stops>,
}

impl Progress for Passing {
    fn operated(&self, repository: &RepositoryName, operation: &Operation, outcome: &Outcome) {
        self.deleting_since.get_or_init(Instant::now);
        tracing::info!(%repository, %operation, ?outcome, "operated");
    }

    fn is_called_off(&self) -> bool {
        let Some(stops) = &self.stops else { return false };
        stops.came() || self.deleting_since.get().is_some_and(|since| since.elapsed() > PASS)
    }
}
