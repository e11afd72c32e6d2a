use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::batch::Batch;
use super::error::WorkError;
use super::journal::Journal;
use super::observe::Observer;
use super::observed::Observed;
use super::progress::Progress;
use super::report::{Report, Stopped};
use super::workloads::Workloads;
use crate::oci::{Digest, RepositoryName};
use crate::pruning::{Operation, operations};
use crate::registry::Client;
use crate::retention::{
    Deletes, InUse, Inventory, Mandate, Memory, Policy, RepositoryPlan, Server, Store, StoredPlan, decide,
};

/// After so many operations the whole repository is read again and decided on anew.
const BATCH: usize = 200;

/// Carries a stored plan out over the open registry.
///
/// Repository by repository and batch by batch, everything is read and decided again: what goes is what stands in the
/// stored plan *and* in the decision of the moment. Right before each operation its tags are resolved once more, and
/// workloads are asked whether they use it.
pub struct Pruner<'a, J> {
    /// The registry.
    pub client: &'a Client,
    /// Whose rules decide.
    pub policies: &'a [Policy],
    /// What workloads use, asked for anew before each operation.
    pub in_use: &'a dyn Workloads,
    /// What earlier passes saw; what goes is forgotten.
    pub memory: &'a mut Memory,
    /// Where intents are recorded.
    pub journal: &'a mut J,
    /// What the storage showed, if somebody read it in this run.
    pub store: Option<Arc<Store>>,
    /// The upper bound of what goes.
    pub plan: &'a StoredPlan,
    /// Whether single tags may be removed from 2.8 by way of a placeholder.
    pub tombstones: bool,
    /// The one `now` of the pass.
    pub now: Timestamp,
    /// Who watches.
    pub progress: &'a dyn Progress,
}

/// Operations that only take away come first in all repositories; those that must store something come after.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    TakeAway,
    Store,
}

/// What a run has learned on its way.
#[derive(Default)]
pub(super) struct Run {
    pub(super) report: Report,
    /// A write failed with a server error, so nothing more is stored.
    pub(super) writes_failed: bool,
    /// Whether the store was seen to take a write.
    pub(super) has_room: Option<bool>,
    /// Manifests that were put back because something that stays needs them.
    pub(super) mended: BTreeSet<(RepositoryName, Digest)>,
    /// Tombstones that a run before this one may have left.
    pub(super) tombstones: Vec<(RepositoryName, Digest)>,
    servers: BTreeMap<RepositoryName, Server>,
}

impl<J: Journal> Pruner<'_, J> {
    /// Does it all. An error of the registry, or not to know what workloads use, stops the run, and is in the report; what is left, the next run finishes.
    ///
    /// # Errors
    ///
    /// Only if what must be recorded cannot be.
    pub async fn run(mut self) -> Result<Report, WorkError> {
        let mut run = Run { tombstones: self.tombstones_of_others(), ..Run::default() };
        let open = self.journal.open_intents().repositories();
        let names: BTreeSet<RepositoryName> =
            self.plan.entries.iter().map(|entry| &entry.repository).chain(open).cloned().collect();
        let phases = [Phase::TakeAway, Phase::Store];
        let work: Vec<_> = phases.into_iter().flat_map(|phase| names.iter().map(move |it| (phase, it))).collect();
        for (phase, name) in work {
            if self.progress.is_called_off() {
                break;
            }
            match self.prune_repository(name, phase, &mut run).await {
                Ok(()) => {}
                Err(error @ (WorkError::Registry(_) | WorkError::HiddenTag { .. } | WorkError::Workloads(_))) => {
                    run.report.stop(&error);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        if self.progress.is_called_off() {
            run.report.stopped.get_or_insert(Stopped::CalledOff);
        }
        Ok(run.report)
    }

    async fn prune_repository(&mut self, name: &RepositoryName, phase: Phase, run: &mut Run) -> Result<(), WorkError> {
        let Some(server) = self.server(name, run).await? else { return Ok(()) };
        let save: BTreeSet<Digest> = self.digests_of(name);
        let mut attempted: Vec<Operation> = Vec::new();
        let mut before: Option<Observed> = None;
        while !self.progress.is_called_off() {
            let in_use = self.in_use.in_use()?;
            let observed = self.observer(&in_use).repository(name, before.as_ref(), &save).await?;
            let plan = self.decide(name, &observed, &in_use, server);
            if self.mend(name, &observed, &plan, run).await? {
                before = Some(observed);
                continue;
            }
            let next: Vec<Operation> = operations(&observed.repository, &plan, server.deletes_tags())
                .into_iter()
                .filter(|operation| operation.writes(server.deletes_tags()) == (phase == Phase::Store))
                .filter(|operation| !attempted.contains(operation))
                .take(BATCH)
                .collect();
            let finished = next.is_empty() && phase == Phase::Store;
            if finished {
                self.remove_tombstones(name, &observed, run).await?;
            }
            self.settle(name, &observed, &plan, finished).await?;
            if next.is_empty() {
                return Ok(());
            }
            self.intend(name, &next, &observed).await?;
            let mut batch = Batch::new(name, server, in_use, observed, plan);
            for operation in next {
                if self.progress.is_called_off() {
                    break;
                }
                let outcome = self.carry_out(&operation, &mut batch, run).await?;
                run.report.record(name, &operation, &outcome);
                self.progress.operated(name, &operation, &outcome);
                attempted.push(operation);
            }
            if batch.last_deleted.is_some() {
                self.look_around(&mut batch, run).await?;
            }
            before = Some(batch.observed);
        }
        Ok(())
    }

    /// What the server lets be deleted in this repository; `None` if nothing.
    async fn server(&self, name: &RepositoryName, run: &mut Run) -> Result<Option<Server>, WorkError> {
        let server = match run.servers.get(name) {
            Some(server) => *server,
            None => self.client.probe(name).await?,
        };
        let first = run.servers.insert(name.clone(), server).is_none();
        if let Deletes::Refused(refusal) = server.deletes {
            if first {
                run.report.refused.push((name.clone(), refusal));
            }
            return Ok(None);
        }
        Ok(Some(server))
    }

    pub(super) fn observer<'o>(&'o self, in_use: &'o InUse) -> Observer<'o> {
        Observer {
            client: self.client,
            policies: self.policies,
            in_use,
            store: self.store.as_ref(),
            memory: self.memory,
            open: self.journal.open_intents(),
            progress: self.progress,
        }
    }

    /// The decision of the moment, within the stored plan.
    fn decide(&self, name: &RepositoryName, observed: &Observed, in_use: &InUse, server: Server) -> RepositoryPlan {
        let repositories = [(name.clone(), observed.repository.clone())].into();
        let inventory = Inventory { store: self.store.clone(), ..Inventory::of_api(server, repositories) };
        let mandate = Mandate { tombstones: self.tombstones, within: Some(&self.plan.entries) };
        let mut plan = decide(&inventory, self.policies, in_use, mandate, self.now);
        plan.repositories.remove(0)
    }

    fn digests_of(&self, name: &RepositoryName) -> BTreeSet<Digest> {
        let planned = self.plan.entries.iter().filter(|entry| entry.repository == *name).map(|entry| &entry.digest);
        planned.chain(self.journal.open_intents().digests_of(name)).cloned().collect()
    }
}
