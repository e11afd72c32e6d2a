//! What a worker knows of one resource: its status as last written, and how its runs went.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::resource::Resource;
use super::story::{Standing, Words, undone};
use crate::api::{LastRunStatus, Mode, PlanCounts, PlanReference, RegistryRetentionStatus, RunResult};
use crate::retention::{StoredPlan, means};
use crate::schedule::{Asks, Due, Failures, History, Turn, due};
use crate::worker::Report;

/// What a worker knows of one resource.
pub(super) struct Known {
    pub(super) uid: String,
    pub(super) sight: Sight,
    /// Plans may be stored that nobody needs any more.
    pub(super) is_untidy: bool,
    /// As it was last written; what a watch shows may be older.
    pub(super) written: RegistryRetentionStatus,
    /// As the API server had it then: one whose definition is older drops fields.
    pub(super) taken_as: RegistryRetentionStatus,
    /// As it is to be.
    pub(super) status: RegistryRetentionStatus,
    pub(super) failures: Option<Failures>,
    /// The acceptance that was answered with a run.
    pub(super) accepted: Option<String>,
    /// The upper bound of the run in progress, once it was read.
    pub(super) bound: Option<StoredPlan>,
    /// What the run in progress did so far, in this process.
    pub(super) report: Report,
}

/// How what is known of a resource came about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sight {
    /// By a watch: what was written a moment ago may be missing.
    Watched,
    /// Read live since this worker began; nobody else wrote the status since, as far as is known.
    Live,
    /// Somebody else wrote the status, so what is known here counts for nothing until it is read again.
    Overtaken,
}

/// How a run ended.
pub(super) struct Ending {
    pub(super) turn: Turn,
    /// Whether it was to delete, whatever the resource says by now.
    pub(super) mode: Mode,
    pub(super) id: String,
    pub(super) start: Timestamp,
    pub(super) result: RunResult,
    /// It was ended before its time, and nothing stood in its way.
    pub(super) was_cut: bool,
    pub(super) standing: Standing,
    pub(super) counts: PlanCounts,
    pub(super) deleted: i64,
    pub(super) failed: i64,
    pub(super) plan: Option<PlanReference>,
}

impl Known {
    pub(super) fn new(resource: &Resource) -> Self {
        let status = resource.status.clone();
        // A run that left something undone before this process began is tried again at once.
        let failures = status.last_run.as_ref().filter(|run| run.result != RunResult::Succeeded).map(|run| Failures {
            count: 0,
            since: run.completion_time.0,
            turn: if run.mode == Mode::Enforce { Turn::Run } else { Turn::Plan },
        });
        Self {
            uid: resource.uid.clone(),
            sight: Sight::Watched,
            is_untidy: true,
            written: status.clone(),
            taken_as: status.clone(),
            status,
            failures,
            accepted: None,
            bound: None,
            report: Report::default(),
        }
    }

    /// What is due for `resource`.
    pub(super) fn due(&self, resource: &Resource, now: Timestamp) -> Due {
        if self.sight == Sight::Overtaken {
            return Due::Now(Turn::Resume);
        }
        let waiting = self.status.waiting.as_ref().map(|waiting| waiting.plan.hash.as_str());
        let accepted = resource
            .accept
            .as_deref()
            .filter(|typed| waiting.is_some_and(|hash| means(typed, hash)) && self.accepted.as_deref() != Some(typed));
        let asks = Asks {
            generation: resource.generation,
            suspended: resource.spec.suspend,
            enforces: resource.enforces(),
            schedule: resource.schedule.as_ref(),
            requested: resource.requested.as_deref(),
            accepted: accepted.is_some(),
        };
        let history = History {
            planned: self.status.observed_generation,
            answered: self.status.last_handled_reconcile_at.as_deref(),
            is_running: self.status.run.is_some(),
            last_start: self.status.last_run.as_ref().map(|run| run.start_time.0),
            failures: self.failures,
        };
        due(asks, history, now)
    }

    /// Takes in how a run ended.
    pub(super) fn end(&mut self, resource: &Resource, ending: Ending, now: Timestamp) -> Words {
        let succeeded = ending.result == RunResult::Succeeded;
        let before = self.failures.filter(|it| it.turn == ending.turn).map_or(0, |it| it.count);
        // Whoever was cut goes on at once; whoever failed waits.
        let count = if ending.failed == 0 && ending.was_cut { 0 } else { before.saturating_add(1) };
        self.failures = (!succeeded).then_some(Failures { count, since: now, turn: ending.turn });
        let words = self.stand(resource, &ending.standing, now);
        if succeeded {
            self.status.last_successful_run = Some(Time(now));
        }
        self.status.run = None;
        self.status.last_run = Some(LastRunStatus {
            id: ending.id,
            mode: ending.mode,
            start_time: Time(ending.start),
            completion_time: Time(now),
            result: ending.result,
            message: words.message.clone(),
            counts: ending.counts,
            deleted: ending.deleted,
            failed: ending.failed,
            plan: ending.plan,
        });
        (self.bound, self.report) = (None, Report::default());
        words
    }

    /// Says how the resource stands.
    pub(super) fn stand(&mut self, resource: &Resource, standing: &Standing, now: Timestamp) -> Words {
        let mut words = standing.words(&resource.key, &self.status.rules);
        words.message += undone(&resource.spec, self.status.storage.is_some());
        self.status.conditions = standing.conditions(&self.status.conditions, &words, resource.generation, now);
        self.status.observed_generation = Some(resource.generation);
        words
    }

    /// When the schedule lets it run next.
    pub(super) fn foresee(&mut self, resource: &Resource, now: Timestamp) {
        let from = self.status.last_run.as_ref().map_or(now, |run| run.start_time.0.max(now));
        let next = resource.schedule.as_ref().filter(|_| !resource.spec.suspend);
        self.status.next_run_time = next.and_then(|schedule| schedule.next_after(from)).map(Time);
    }

    /// Whether all that is to be said is said.
    pub(super) fn is_written(&self) -> bool {
        self.status == self.written
    }

    /// The reason of `Ready`, as it was last written.
    pub(super) fn said(&self) -> Option<&str> {
        self.written.condition("Ready").map(|it| it.reason.as_str())
    }
}
