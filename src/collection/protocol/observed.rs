use jiff::{SignedDuration, Timestamp};

use super::journal::{Claim, GuardDemand, Journal, Machine, Run, Strategy, Uid, Zeroed};
use super::step::Target;

/// The world as the operator read it, for one run.
///
/// The parts are read in the order of the fields: the guard before the Deployment, the Deployment before the pods. So
/// a guard that was seen to hold held while the rest was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Observed {
    /// How it was read.
    pub depth: Depth,
    /// The run that it is of.
    pub run: Run,
    /// What the preflight says. It only matters before a run begins.
    pub preflight: Preflight,
    /// Another run of the same Deployment is not over, by its journal or its annotations.
    pub is_taken: bool,
    /// Whether the admission guard holds.
    pub guard: Guard,
    /// The `RegistryCollection`; `None` if there is none any more, and the run is known by its annotation alone.
    pub request: Option<Request>,
    /// The Deployment.
    pub deployment: Option<Deployment>,
    /// The keeper's Job.
    pub keeper: Keeper,
    /// The collector's Job, and what there is of its pod.
    pub collector: Collector,
    /// The machine that the collector was released on; before, that of a registry's pod.
    pub machine: MachineState,
    /// Since when this process has watched the pods without a gap. What vanished before, it did not see.
    pub watched_since: Timestamp,
    /// Every pod that has the store, found by volume, but for the collector's; and those that are gone without having been
    /// seen to end: of all that were watched, and of all that the journal names.
    pub pods: Vec<Pod>,
}

/// How a view was read. What is remembered may only say that there is nothing to do yet: every effect is decided on a
/// live view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// From what watches brought. It may lag, also behind our own writes.
    Remembered,
    /// Each object by a request of its own, from the API server's newest.
    Live,
    /// That, and each pod was asked whether it takes writes, and a lift that must be refused was tried as a dry run.
    Proved,
}

/// What the preflight says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Preflight {
    /// Nothing yet.
    NotYet,
    /// The registry may be frozen.
    Passed,
    /// It may not; the stable code of the reason.
    Refused(String),
}

/// Whether the admission guard of the chart holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guard {
    /// Not asked.
    Unknown,
    /// A lift was refused, with the guard's own message.
    InForce,
    /// A lift was not refused.
    Absent,
}

/// A `RegistryCollection`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// What a write of it must find.
    pub target: Target,
    /// It is being deleted.
    pub is_deleting: bool,
    /// It is suspended, or what the run would remove came into use.
    pub is_withdrawn: bool,
    /// Our finalizer is on it.
    pub has_finalizer: bool,
    /// What is asked for. It matters when the run begins, and never again.
    pub asks: Asks,
    /// What was journalled.
    pub journal: Option<Journal>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Asks {
    /// How to freeze.
    pub strategy: Strategy,
    /// What must hold it.
    pub guard: GuardDemand,
    /// For how long at most.
    pub max_read_only: SignedDuration,
    /// How long the collector is expected to take, and the thaw after it.
    pub expected: SignedDuration,
}

/// The Deployment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Deployment {
    /// What a write of it must find.
    pub target: Target,
    /// How far its controller is.
    pub rollout: Rollout,
    /// The registry's environment entry.
    pub entry: Entry,
    /// `spec.paused`.
    pub is_paused: bool,
    /// `spec.replicas`.
    pub replicas: i32,
    /// The annotation that names a run.
    pub claim: Option<Claim>,
    /// The annotation of a zero.
    pub zeroed: Option<Zeroed>,
    /// Our field manager owns something of it by apply.
    pub is_applied: bool,
    /// The run whose collector a person vouches to be dead.
    pub collector_dead: Option<Run>,
}

/// How far the Deployment's controller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rollout {
    /// `metadata.generation`.
    pub generation: i64,
    /// `status.observedGeneration`.
    pub observed_generation: i64,
    /// The status says that all replicas are of the newest template. That is not to say that no other pod is left.
    pub is_complete: bool,
}

/// The entry of the registry's environment that makes it read-only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// There is none.
    Absent,
    /// With the value that we set.
    ReadOnly,
    /// With another value, or from elsewhere.
    Other,
}

/// The keeper's Job.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Keeper {
    /// There is none.
    Absent,
    /// One of another run.
    OfAnotherRun(Uid),
    /// Ours. It is not running, or has not tried the thaw as a dry run.
    NotReady(Uid),
    /// Ours. It runs, and can thaw.
    Ready(Uid),
    /// Ours, and its work has ended.
    Ended(Uid),
    /// Being deleted.
    Ending,
}

/// The collector's Job, and what there is of its pod.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Collector {
    /// Neither Job nor pod.
    Absent {
        /// Since when nobody has seen any. Known to this process alone: whoever restarts begins to wait anew.
        since: Timestamp,
    },
    /// A Job of another run, and nothing of ours.
    OfAnotherRun {
        /// That Job.
        job: Uid,
        /// As above.
        since: Timestamp,
    },
    /// Ours, and never released.
    Suspended(Target),
    /// Ours, and released; nobody reported that its container has ended.
    Running(Uid),
    /// Ours. The kubelet reported that its container has terminated, and how.
    Ended(Uid, Report),
    /// Ours, and being deleted; or its Job is gone and its pod is not.
    Ending,
}

/// What the collector's container left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Report {
    /// Exit code 0 and the summary.
    Succeeded,
    /// Anything else.
    Failed,
}

/// A machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MachineState {
    /// Its kubelet answers.
    Ready {
        /// Since when.
        since: Timestamp,
    },
    /// It does not.
    NotReady,
    /// There is no such Node any more.
    Gone,
}

/// A pod that has the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pod {
    /// Which.
    pub uid: Uid,
    /// Where.
    pub machine: Machine,
    /// It was started with our entry.
    pub is_frozen: bool,
    /// How far it is.
    pub life: Life,
    /// What it answered when it was asked whether it takes writes.
    pub answer: Answer,
}

/// How far a pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Life {
    /// It may be writing: pending, running or terminating.
    Running,
    /// Its containers were seen to end.
    Ended,
    /// It is not listed any more, and nobody saw its containers end.
    Missing {
        /// Until when they may be running nevertheless; `None` while their machine does not answer.
        until: Option<Timestamp>,
    },
}

/// What a pod answers to a write that cannot succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// It was not asked, or gave no answer.
    Unknown,
    /// It takes writes.
    Writable,
    /// It takes none.
    ReadOnly,
}

impl Pod {
    /// Whether it can write, or cannot be told not to.
    pub fn may_write(&self, now: Timestamp) -> bool {
        let is_alive = match self.life {
            Life::Running => true,
            Life::Ended => false,
            Life::Missing { until } => until.is_none_or(|until| now < until),
        };
        is_alive && !self.is_frozen
    }
}

impl Rollout {
    /// Whether the controller has done all that the newest spec asks for.
    pub fn is_done(&self) -> bool {
        self.observed_generation >= self.generation && self.is_complete
    }
}

impl Deployment {
    /// The claim, if it is this run's.
    pub fn claim_of(&self, run: &Run) -> Option<&Claim> {
        self.claim.as_ref().filter(|claim| claim.terms.run == *run)
    }

    /// The mark of a zero, if it is this run's.
    pub fn zeroed_by(&self, run: &Run) -> Option<&Zeroed> {
        self.zeroed.as_ref().filter(|zeroed| zeroed.run == *run)
    }
}

impl Keeper {
    /// Our Job, if it can still be deleted.
    pub fn job(&self) -> Option<&Uid> {
        match self {
            Self::Absent | Self::OfAnotherRun(_) | Self::Ending => None,
            Self::NotReady(uid) | Self::Ready(uid) | Self::Ended(uid) => Some(uid),
        }
    }
}

impl Collector {
    /// Our Job, if it can still be deleted.
    pub fn job(&self) -> Option<&Uid> {
        match self {
            Self::Absent { .. } | Self::OfAnotherRun { .. } | Self::Ending => None,
            Self::Suspended(target) => Some(&target.uid),
            Self::Running(uid) | Self::Ended(uid, _) => Some(uid),
        }
    }
}
