//! The worker of one registry: one turn after another, for one of its resources at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use tokio::sync::watch;

use super::context::Context;
use super::gather::{gather, live};
use super::known::{Ending, Known};
use super::plan::{Files, Made, make, number};
use super::registries::Registry;
use super::resource::{Key, Resource};
use super::run::{Stops, pass};
use super::story::{Standing, Words, reconciling};
use super::trouble::Trouble;
use super::{clock, scribe, shelves};
use crate::api::{Mode, PlanCounts, RunResult, RunStatus, WaitingStatus};
use crate::retention::Deletes;
use crate::schedule::{Due, Failures, Turn};
use crate::worker::Stopped;

/// The worker of one registry. Nobody else touches that.
pub(super) struct Worker {
    pub(super) context: Arc<Context>,
    pub(super) registry: watch::Receiver<Arc<Registry>>,
    pub(super) shutdown: watch::Receiver<bool>,
    pub(super) known: BTreeMap<Key, Known>,
    /// What is kept of the registry; read anew after it could not be written.
    pub(super) files: Option<Files>,
}

impl Worker {
    /// Works until the registry has no resources any more, or the process ends.
    pub(super) async fn work(mut self) {
        loop {
            let registry = Arc::clone(&self.registry.borrow_and_update());
            self.know(&registry);
            if *self.shutdown.borrow() {
                return;
            }
            let now = clock::now();
            match self.next(&registry, now) {
                Due::Now((resource, turn)) => self.turn(&resource, turn, now).await,
                Due::At(at) => {
                    self.show_all(&registry, now).await;
                    if !self.rest(Some(at)).await {
                        return;
                    }
                }
                Due::WhenAsked => {
                    self.show_all(&registry, now).await;
                    if !self.rest(None).await {
                        return;
                    }
                }
            }
        }
    }

    /// Learns of new resources, and forgets those that are gone.
    fn know(&mut self, registry: &Registry) {
        self.known.retain(|key, known| registry.resources.iter().any(|it| it.key == *key && it.uid == known.uid));
        for resource in registry.resources.iter().filter(|it| self.context.serves(&it.key)) {
            self.known.entry(resource.key.clone()).or_insert_with(|| Known::new(resource));
        }
    }

    /// What is due first: what runs goes on before anything else.
    fn next(&self, registry: &Registry, now: Timestamp) -> Due<(Arc<Resource>, Turn)> {
        let mut wake: Option<Timestamp> = None;
        let mut first: Option<(Arc<Resource>, Turn)> = None;
        for resource in &registry.resources {
            let Some(known) = self.known.get(&resource.key) else { continue };
            match known.due(resource, now) {
                Due::Now(Turn::Resume) => return Due::Now((Arc::clone(resource), Turn::Resume)),
                Due::Now(turn) => drop(first.get_or_insert_with(|| (Arc::clone(resource), turn))),
                Due::At(at) => wake = Some(wake.map_or(at, |wake| wake.min(at))),
                Due::WhenAsked => {}
            }
        }
        match (first, wake) {
            (Some(turn), _) => Due::Now(turn),
            (None, Some(at)) => Due::At(at),
            (None, None) => Due::WhenAsked,
        }
    }

    /// Waits until something changes, or until `at`; false if there is nothing to wait for any more.
    async fn rest(&mut self, at: Option<Timestamp>) -> bool {
        let until = async {
            match at {
                Some(at) => clock::reach(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = self.registry.changed() => changed.is_ok(),
            _ = self.shutdown.changed() => false,
            () = until => true,
        }
    }

    /// One turn for one resource. Whatever stands in the way is said, and tried again later.
    async fn turn(&mut self, resource: &Resource, turn: Turn, now: Timestamp) {
        let (registry, resource) = match live(&self.context, &resource.key).await {
            Ok(Some((registry, now))) if now.uid == resource.uid => (registry, now),
            // The watch will tell.
            Ok(_) => return self.wait_for_the_watch().await,
            Err(trouble) => return self.trouble(resource, turn, trouble, now).await,
        };
        let ended = match turn {
            Turn::Resume => self.resume(&registry, &resource, now).await,
            Turn::Plan | Turn::Run => self.plan(&registry, &resource, turn, now).await,
        };
        if let Err(trouble) = ended {
            // What could not be written may be anything.
            self.files = None;
            self.trouble(&resource, turn, trouble, now).await;
        }
    }

    async fn wait_for_the_watch(&mut self) {
        self.rest(None).await;
    }

    /// Makes a plan and, where the turn is to carry it out, stores it as a run, which the next turn takes up.
    async fn plan(
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
        let files = match &mut self.files {
            Some(files) => files,
            none => none.insert(self.context.files(&registry.identities).await?),
        };
        let made = make(&self.context, resource, &gathered, files, now).await?;
        let is_open = files.is_open();
        let runs = turn == Turn::Run && resource.enforces();
        let waiting = self.waiting(resource, &made, now).await?;
        let Some(known) = self.known.get_mut(&resource.key) else { return Ok(()) };
        known.status.registry = Some(made.registry());
        known.status.workloads = Some(made.workloads.clone());
        known.status.rules.clone_from(&made.record.header.rules);
        known.status.waiting = waiting;
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
            id: id(now),
            start: now,
            result: RunResult::Succeeded,
            standing,
            counts: made.record.header.counts.clone(),
            deleted: 0,
            failed: 0,
            plan: Some(made.stored),
        };
        self.end(resource, ending).await
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
        let since = before.filter(|before| before.plan.hash == plan.hash).map(|before| before.since.clone());
        Ok(Some(WaitingStatus {
            reasons: waiting.causes.iter().map(|cause| cause.code().to_owned()).collect(),
            message: waiting.causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            tags: number(waiting.entries.len()),
            since: since.unwrap_or(Time(now)),
            plan,
        }))
    }

    /// One pass of the run that is recorded.
    async fn resume(&mut self, registry: &Registry, resource: &Resource, now: Timestamp) -> Result<(), Trouble> {
        let Some(known) = self.known.get(&resource.key) else { return Ok(()) };
        let Some(run) = known.status.run.clone() else { return Ok(()) };
        let timeout =
            jiff::SignedDuration::try_from(resource.spec.timeout.duration()).unwrap_or(jiff::SignedDuration::MAX);
        let cut = if resource.spec.suspend {
            Some("the run was ended: the resource is suspended")
        } else if resource.spec.mode == Mode::DryRun {
            Some("the run was ended: spec.mode is DryRun now")
        } else if now.duration_since(run.start_time.0) > timeout {
            Some("the run was ended: spec.timeout has passed")
        } else {
            None
        };
        if let Some(why) = cut {
            return self.end_run(resource, &run, RunResult::Incomplete, Standing::Incomplete(why.into())).await;
        }
        let bound = match &known.bound {
            Some(bound) => bound.clone(),
            None => match shelves::load(&self.context, resource, &run.plan).await? {
                Some(record) => record.stored(run.start_time.0),
                None => {
                    let why = "the run was ended: its stored plan is gone, or is not what was stored";
                    return self.end_run(resource, &run, RunResult::Incomplete, Standing::Incomplete(why.into())).await;
                }
            },
        };
        self.context.serves_this_crd().await?;
        let gathered = gather(&self.context, registry, resource).await?;
        let files = match &mut self.files {
            Some(files) => files,
            none => none.insert(self.context.files(&registry.identities).await?),
        };
        let stops = Stops { shutdown: self.shutdown.clone(), changed: self.registry.clone() };
        let passed = pass(&gathered, files, &bound, stops, now).await?;
        let is_open = files.is_open();
        let Some(known) = self.known.get_mut(&resource.key) else { return Ok(()) };
        known.bound = Some(bound);
        self.context.metrics.deleted(&resource.key, passed.report.deleted_tags);
        known.report.absorb(passed.report);
        known.failures = None;
        let report = &known.report;
        let (tags, manifests) = (number(report.deleted_tags), number(report.deleted_manifests));
        let (failed, skipped) = (report.failed.first().cloned(), number(report.skipped.len()));
        if let Some(run) = &mut known.status.run {
            run.deleted = run.deleted.max(tags);
        }
        if let Some((_, refusal)) = report.refused.first() {
            let trouble = Trouble::of_refusal(*refusal);
            return self.end_run(resource, &run, RunResult::Failed, Standing::Troubled(trouble)).await;
        }
        if !passed.finished {
            if let Some(Stopped::By { reason, message, transient }) = &report.stopped {
                return Err(Trouble { reason, message: message.clone(), stalled: !transient });
            }
            return self.write(resource, now).await;
        }
        let (result, standing) = match failed {
            None if !is_open => (RunResult::Succeeded, Standing::Pruned { tags, manifests, skipped }),
            None => {
                (RunResult::Incomplete, Standing::Incomplete("some of what was begun could not be finished".into()))
            }
            Some(failure) => {
                let why = format!("{}: {} failed: {}", failure.repository, failure.operation, failure.why);
                (RunResult::Incomplete, Standing::Incomplete(why))
            }
        };
        let standing = match (&known.status.waiting, result) {
            (Some(waiting), RunResult::Succeeded) => Standing::Waits(waiting.clone()),
            _ => standing,
        };
        self.end_run(resource, &run, result, standing).await
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
            id: run.id.clone(),
            start: run.start_time.0,
            result,
            standing,
            counts: run.counts.clone(),
            deleted: deleted.max(run.deleted),
            failed,
            plan: Some(run.plan.clone()),
        };
        self.end(resource, ending).await
    }

    /// A run ended: that is written, told, and tidied up after.
    async fn end(&mut self, resource: &Resource, ending: Ending) -> Result<(), Trouble> {
        let now = clock::now();
        let Some(known) = self.known.get_mut(&resource.key) else { return Ok(()) };
        let (deleted, result) = (ending.deleted, ending.result);
        let words = known.end(resource, ending, now);
        self.context.metrics.ended(&resource.key, result);
        self.show(resource, Some((&words, deleted > 0)), now).await;
        let Some(known) = self.known.get(&resource.key) else { return Ok(()) };
        shelves::tidy(&self.context, resource, known, now).await
    }

    /// Something stands in the way. A run that is recorded stays so, and is taken up again.
    async fn trouble(&mut self, resource: &Resource, turn: Turn, trouble: Trouble, now: Timestamp) {
        tracing::warn!(key = %resource.key, reason = trouble.reason, message = trouble.message, "nothing more is done now");
        let Some(known) = self.known.get_mut(&resource.key) else { return };
        if turn != Turn::Resume {
            let before = known.status.last_run.clone();
            let counts = before.as_ref().map_or_else(PlanCounts::default, |run| run.counts.clone());
            let plan = before.and_then(|run| run.plan);
            if turn == Turn::Run {
                known.status.last_handled_reconcile_at.clone_from(&resource.requested);
            }
            let standing = Standing::Troubled(trouble);
            let ending = Ending {
                turn,
                id: id(now),
                start: now,
                result: RunResult::Failed,
                standing,
                counts,
                deleted: 0,
                failed: 0,
                plan,
            };
            if let Err(why) = self.end(resource, ending).await {
                tracing::warn!(key = %resource.key, reason = why.reason, message = why.message, "not tidied up");
            }
            return;
        }
        let count = known.failures.map_or(0, |failures| failures.count).saturating_add(1);
        known.failures = Some(Failures { count, since: clock::now(), turn });
        let words = known.stand(resource, &Standing::Troubled(trouble), now);
        self.show(resource, Some((&words, false)), now).await;
    }

    /// Writes what is to be said of each resource, as far as it is new.
    async fn show_all(&mut self, registry: &Registry, now: Timestamp) {
        for resource in &registry.resources {
            let Some(known) = self.known.get_mut(&resource.key) else { continue };
            if resource.spec.suspend && known.status.run.is_none() {
                let words = known.stand(resource, &Standing::Suspended, now);
                self.show(resource, Some((&words, false)), now).await;
            } else {
                self.show(resource, None, now).await;
            }
        }
    }

    /// Writes the status, and tells of a change. One that cannot be written now is written with the next.
    async fn show(&mut self, resource: &Resource, words: Option<(&Words, bool)>, now: Timestamp) {
        let said = self.known.get(&resource.key).and_then(Known::said).map(str::to_owned);
        if let Err(trouble) = self.write(resource, now).await {
            tracing::warn!(key = %resource.key, message = trouble.message, "the status is not written");
        }
        let Some((words, always)) = words else { return };
        if always || said.as_deref() != Some(words.reason.as_str()) {
            let ready = self.known.get(&resource.key).is_some_and(|known| {
                known.status.conditions.iter().any(|it| it.type_ == "Ready" && it.status == "True")
            });
            scribe::tell(&self.context, &resource.key, &resource.uid, words, ready).await;
        }
    }

    async fn write(&mut self, resource: &Resource, now: Timestamp) -> Result<(), Trouble> {
        let Some(known) = self.known.get_mut(&resource.key) else { return Ok(()) };
        known.foresee(resource, now);
        if known.status == known.written {
            return Ok(());
        }
        scribe::write(&self.context, &resource.key, &resource.uid, &known.status).await?;
        known.written = known.status.clone();
        Ok(())
    }
}

/// How a resource stands whose plan is made and needs nothing else now.
fn standing(resource: &Resource, made: &Made, waiting: Option<&WaitingStatus>, runs: bool) -> Standing {
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

/// A run's name: when it began.
fn id(now: Timestamp) -> String {
    now.strftime("%Y%m%d-%H%M%S").to_string()
}
