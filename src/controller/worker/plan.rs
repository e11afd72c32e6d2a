//! A turn that plans.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{Worker, id, mode};
use crate::api::{LastRunStatus, Mode, RunResult, RunStatus, WaitingStatus};
use crate::controller::files::Files;
use crate::controller::gather::{Gathered, gather};
use crate::controller::known::Ending;
use crate::controller::make::{Made, make, number};
use crate::controller::registries::Registry;
use crate::controller::resource::Resource;
use crate::controller::shelves;
use crate::controller::storage::Runner;
use crate::controller::story::{Standing, reconciling};
use crate::controller::trouble::Trouble;
use crate::oci::{RepositoryName, Tag};
use crate::retention::{Deletes, StoredPlan};
use crate::schedule::Turn;

impl Worker {
    /// Makes a plan and, where the turn is to carry it out, stores it as a run, which the next turn takes up.
    pub(super) async fn plan(
        &mut self,
        registry: &Registry,
        resource: &Resource,
        turn: Turn,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let Some(known) = self.known.get_mut(&resource.key) else { return Ok(()) };
        if known.status.observed_generation != Some(resource.generation) {
            known.status.conditions = reconciling(&known.status.conditions, resource.generation, now);
            self.show(resource, None, now).await;
        }
        let gathered = gather(&self.context, registry, resource).await?;
        let made = self.make(registry, resource, &gathered, now).await?;
        let is_open = self.files.as_ref().is_some_and(Files::is_open);
        let runs = turn == Turn::Run && resource.enforces();
        let Some(known) = self.known.get_mut(&resource.key) else { return Ok(()) };
        if turn == Turn::Run {
            known.status.last_handled_reconcile_at.clone_from(&resource.requested);
            known.accepted.clone_from(&resource.accept);
        }
        if runs && (!made.approval.approved.is_empty() || is_open) {
            self.context.serves_this_crd().await?;
            if let Deletes::Refused(refusal) = made.plan.server.deletes {
                return Err(Trouble::of_refusal(refusal));
            }
            let plan = made.part(&self.context, resource, &made.approval.approved, Vec::new()).await?;
            known.status.observed_generation = Some(resource.generation);
            known.status.run = Some(RunStatus {
                id: id(now),
                start_time: Time(now),
                generation: resource.generation,
                counts: made.record.header.counts.clone(),
                deleted: 0,
                plan,
            });
            known.failures = None;
            return self.write(resource, now).await;
        }
        let standing = standing(resource, &made, known.status.waiting.as_ref(), runs);
        let ending = Ending {
            turn,
            mode: mode(resource, turn),
            id: id(now),
            start: now,
            result: RunResult::Succeeded,
            was_cut: false,
            standing,
            counts: made.record.header.counts.clone(),
            deleted: 0,
            failed: 0,
            plan: Some(made.stored),
        };
        self.end(resource, ending).await
    }

    /// Makes the plan of now, stores it, and takes over what it says of the registry.
    pub(super) async fn make(
        &mut self,
        registry: &Registry,
        resource: &Resource,
        gathered: &Gathered,
        now: Timestamp,
    ) -> Result<Made, Trouble> {
        let ours = self.ours(registry).await?;
        self.store = match self.runner(registry)? {
            Some(runner) => Some(runner.storage(&self.context, now).await?),
            None => None,
        };
        let files = Files::open(&mut self.files, &self.context, &registry.identities).await?;
        let made = make(&self.context, resource, gathered, files, self.store.as_ref(), ours, now).await?;
        let waiting = self.waiting(resource, &made, now).await?;
        if let Some(known) = self.known.get_mut(&resource.key) {
            known.is_untidy |= known.status.plan.as_ref() != Some(&made.stored);
            known.status.plan = Some(made.stored.clone());
            known.status.registry = Some(made.registry());
            known.status.storage.clone_from(&made.storage);
            known.status.workloads = Some(made.workloads.clone());
            known.status.rules.clone_from(&made.record.header.rules);
            known.status.waiting = waiting;
        }
        Ok(made)
    }

    /// What runs the registry, where a resource that is served here names it: its storage is read.
    pub(super) fn runner<'r>(&self, registry: &'r Registry) -> Result<Option<Runner<'r>>, Trouble> {
        Runner::of(registry, |it| self.context.serves(&it.key))
    }

    /// The tags that the last run of each resource may have deleted.
    async fn ours(&self, registry: &Registry) -> Result<BTreeSet<(RepositoryName, Tag)>, Trouble> {
        let mut ours = BTreeSet::new();
        for resource in &registry.resources {
            let Some(status) = self.known.get(&resource.key).map(|known| &known.status) else { continue };
            let deleted = |run: &&LastRunStatus| run.deleted > 0 || run.result != RunResult::Succeeded;
            let ended = status.last_run.as_ref().filter(|run| run.mode == Mode::Enforce).filter(deleted);
            let plans = [status.run.as_ref().map(|run| &run.plan), ended.and_then(|run| run.plan.as_ref())];
            for plan in plans.into_iter().flatten() {
                let record = shelves::load(&self.context, resource, plan).await?;
                let entries = record.map(|record| record.stored(Timestamp::UNIX_EPOCH).entries).unwrap_or_default();
                ours.extend(entries.into_iter().filter_map(|entry| Some((entry.repository, entry.tag?))));
            }
        }
        Ok(ours)
    }

    /// The part of the plan that waits, stored.
    async fn waiting(
        &self,
        resource: &Resource,
        made: &Made,
        now: Timestamp,
    ) -> Result<Option<WaitingStatus>, Trouble> {
        let Some(waiting) = &made.approval.waiting else { return Ok(None) };
        let plan = made.part(&self.context, resource, &waiting.entries, waiting.causes.clone()).await?;
        let before = self.known.get(&resource.key).and_then(|known| known.status.waiting.as_ref());
        let counts = |before: &&WaitingStatus| {
            before.plan.hash == plan.hash && now < StoredPlan::acceptable_until(before.since.0)
        };
        let since = before.filter(counts).map(|before| before.since.clone());
        Ok(Some(WaitingStatus {
            reasons: waiting.causes.iter().map(|cause| cause.code().to_owned()).collect(),
            message: waiting.causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            tags: number(waiting.entries.len()),
            since: since.unwrap_or(Time(now)),
            plan,
        }))
    }
}

/// How a resource stands whose plan is made and needs nothing else now.
fn standing(resource: &Resource, made: &Made, waiting: Option<&WaitingStatus>, runs: bool) -> Standing {
    match made.plan.server.deletes {
        Deletes::Refused(refusal) if resource.enforces() && made.record.header.counts.condemned > 0 => {
            return Standing::Troubled(Trouble::of_refusal(refusal));
        }
        _ => {}
    }
    match waiting {
        Some(waiting) if resource.enforces() => Standing::Waits(waiting.clone()),
        None if runs => Standing::Pruned { tags: 0, manifests: 0, skipped: 0 },
        _ => Standing::Planned {
            mode: resource.spec.mode,
            counts: made.record.header.counts.clone(),
            causes: made.approval.waiting.as_ref().map(|waiting| waiting.causes.clone()).unwrap_or_default(),
        },
    }
}
