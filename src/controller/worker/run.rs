//! A turn that deletes: one pass of a run that is recorded.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Worker;
use crate::api::{Mode, RunResult, RunStatus};
use crate::controller::access::access;
use crate::controller::clock;
use crate::controller::files::Files;
use crate::controller::gather::{Gathered, gather};
use crate::controller::known::Ending;
use crate::controller::make::number;
use crate::controller::pass::{Stops, pass};
use crate::controller::registries::Registry;
use crate::controller::resource::Resource;
use crate::controller::shelves;
use crate::controller::story::Standing;
use crate::controller::trouble::Trouble;
use crate::registry::Client;
use crate::retention::{InUse, StoredPlan};
use crate::schedule::Turn;
use crate::worker::{Report, Stopped};

impl Worker {
    /// One pass of the run that is recorded, or its end.
    pub(super) async fn resume(
        &mut self,
        registry: &Registry,
        resource: &Resource,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let Some(known) = self.known.get(&resource.key) else { return Ok(()) };
        let Some(run) = known.status.run.clone() else { return Ok(()) };
        if let Some(why) = cut(resource, &run, now) {
            let standing = Standing::Incomplete(format!("the run was ended: {why}"));
            return self.end_run(resource, &run, RunResult::Incomplete, standing).await;
        }
        let Some(bound) = self.bound(resource, &run).await? else {
            let why = "the run was ended: its stored plan is gone, or is not what was stored";
            return self.end_run(resource, &run, RunResult::Incomplete, Standing::Incomplete(why.into())).await;
        };
        self.context.serves_this_crd().await?;
        let gathered = gather(&self.context, registry, resource).await?;
        if self.store.is_none() && self.runner(registry)?.is_some() {
            // This process did not plan the run: the storage is read again, and seen to be this registry's.
            let mut shutdown = self.shutdown.clone();
            tokio::select! {
                made = self.make(registry, resource, &gathered, now) => { made?; }
                _ = shutdown.wait_for(|told| *told) => return Ok(()),
            }
        }
        let files = Files::open(&mut self.files, &self.context, &registry.identities).await?;
        let stops = Stops { shutdown: self.shutdown.clone(), changed: self.registry.clone() };
        let passed = pass(&gathered, files, &bound, self.store.clone(), Some(stops), now).await?;
        let is_open = files.is_open();
        let Some(known) = self.known.get_mut(&resource.key) else { return Ok(()) };
        known.bound = Some(bound);
        self.context.metrics.deleted(&resource.key, passed.deleted_tags);
        known.report.absorb(passed);
        known.failures = None;
        if let Some(run) = &mut known.status.run {
            run.deleted = run.deleted.max(number(known.report.deleted_tags));
        }
        match &known.report.stopped {
            None => {}
            Some(Stopped::CalledOff) => return self.write(resource, now).await,
            Some(Stopped::By { reason, message, transient }) => {
                return Err(Trouble { reason, message: message.clone(), stalled: !transient });
            }
        }
        let (result, standing) = outcome(&known.report, is_open);
        if known.report.deleted_anything() {
            // What is left is planned at once, so that the status is about that, and the next run finds nothing new.
            self.make(registry, resource, &gathered, clock::now()).await?;
        }
        let Some(known) = self.known.get(&resource.key) else { return Ok(()) };
        let standing = match (&known.status.waiting, result) {
            (Some(waiting), RunResult::Succeeded) => Standing::Waits(waiting.clone()),
            _ => standing,
        };
        self.end_run(resource, &run, result, standing).await
    }

    /// The upper bound of the run; none if it is no longer stored whole.
    async fn bound(&self, resource: &Resource, run: &RunStatus) -> Result<Option<StoredPlan>, Trouble> {
        if let Some(bound) = self.known.get(&resource.key).and_then(|known| known.bound.clone()) {
            return Ok(Some(bound));
        }
        let record = shelves::load(&self.context, resource, &run.plan).await?;
        Ok(record.map(|record| record.stored(run.start_time.0)))
    }

    /// Nobody wants anything of the registry any more: what a deletion cut is put back, and nothing else is deleted.
    pub(super) async fn leave(&mut self, registry: &Registry) {
        let Some(files) = self.files.as_mut().filter(|files| files.is_open()) else { return };
        let Some(resource) = registry.resources.iter().find(|it| self.known.contains_key(&it.key)) else { return };
        let now = clock::now();
        let left = async {
            let client = Client::new(resource.endpoint.clone(), access(&self.context.client, resource).await?)?;
            let policies = registry.resources.iter().map(|it| it.policy.clone().keeps_only()).collect();
            let gathered = Gathered { client, policies, workloads: Box::new(Arc::<InUse>::default()) };
            let nothing = StoredPlan::new(BTreeSet::new(), Vec::new(), now);
            pass(&gathered, files, &nothing, None, None, now).await
        };
        match left.await {
            Ok(report) => tracing::info!(registry = registry.id(), restored = report.restored.len(), "left as it is"),
            Err(trouble) => tracing::warn!(registry = registry.id(), message = trouble.message, "left unfinished"),
        }
    }

    async fn end_run(
        &mut self,
        resource: &Resource,
        run: &RunStatus,
        result: RunResult,
        standing: Standing,
    ) -> Result<(), Trouble> {
        let Some(known) = self.known.get(&resource.key) else { return Ok(()) };
        let (deleted, failed) = (number(known.report.deleted_tags), number(known.report.failed.len()));
        let ending = Ending {
            turn: Turn::Run,
            mode: Mode::Enforce,
            id: run.id.clone(),
            start: run.start_time.0,
            result,
            was_cut: known.report.stopped.is_some() || known.report == Report::default(),
            standing,
            counts: run.counts.clone(),
            deleted: deleted.max(run.deleted),
            failed,
            plan: Some(run.plan.clone()),
        };
        self.end(resource, ending).await
    }
}

/// Why a run ends before its plan is done.
fn cut(resource: &Resource, run: &RunStatus, now: Timestamp) -> Option<&'static str> {
    let timeout = SignedDuration::try_from(resource.spec.timeout.duration()).unwrap_or(SignedDuration::MAX);
    if resource.spec.suspend {
        Some("the resource is suspended")
    } else if resource.spec.mode == Mode::DryRun {
        Some("spec.mode is DryRun now")
    } else if now.duration_since(run.start_time.0) > timeout {
        Some("spec.timeout has passed")
    } else {
        None
    }
}

/// How a run ended that did all it could.
fn outcome(report: &Report, is_open: bool) -> (RunResult, Standing) {
    if let Some((_, refusal)) = report.refused.first() {
        return (RunResult::Failed, Standing::Troubled(Trouble::of_refusal(*refusal)));
    }
    if let Some(failure) = report.failed.first() {
        let why = format!("{}: {} failed: {}", failure.repository, failure.operation, failure.why);
        return (RunResult::Incomplete, Standing::Incomplete(why));
    }
    if is_open {
        let why = "some of what was begun could not be finished";
        return (RunResult::Incomplete, Standing::Incomplete(why.into()));
    }
    let standing = Standing::Pruned {
        tags: number(report.deleted_tags),
        manifests: number(report.deleted_manifests),
        skipped: number(report.skipped.len()),
    };
    (RunResult::Succeeded, standing)
}
