//! The world of the model: what the API server stores, what runs, and what is under way.

use registry_retention::collection::protocol::{
    Asks, Claim, Effect, Entry, Journal, MachineState, Observed, Report, Version, Zeroed,
};

/// How long a tick of the clock is.
pub(crate) const TICK: i64 = 60;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    /// In ticks.
    pub(crate) clock: i64,
    pub(crate) guard: bool,
    pub(crate) request: Option<Request>,
    pub(crate) deployment: Option<Deployment>,
    pub(crate) pods: Vec<Pod>,
    /// How many pods there ever were; the next one's uid.
    pub(crate) pods_made: u8,
    pub(crate) keeper: Option<KeeperJob>,
    pub(crate) collector: CollectorWorld,
    pub(crate) machine: Machine,
    pub(crate) operators: Vec<Operator>,
    /// This run's keeper, then an earlier run's, if the scenario has one.
    pub(crate) keepers: Vec<KeeperProcess>,
    /// Nobody renewed the lease for too long.
    pub(crate) is_heartbeat_stale: bool,
    /// What the Deployment is to be in the end: what it was, and what people made of it since.
    pub(crate) wanted: Wanted,
    pub(crate) push: Push,
    /// What must never have happened.
    pub(crate) sins: Sins,
    /// What may still go wrong.
    pub(crate) faults_left: u8,
    pub(crate) repeats_left: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Request {
    pub(crate) is_deleting: bool,
    pub(crate) has_finalizer: bool,
    pub(crate) asks: Asks,
    pub(crate) journal: Option<Journal>,
}

#[expect(clippy::struct_excessive_bools, reason = "facts that go together in any way")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Deployment {
    pub(crate) uid: u8,
    /// How often something was taken back: else a Deployment that is as it was before would have its version of then.
    pub(crate) epoch: u8,
    pub(crate) entry: Entry,
    pub(crate) is_paused: bool,
    pub(crate) replicas: i32,
    pub(crate) restarts: u8,
    pub(crate) claim: Option<Claim>,
    pub(crate) zeroed: Option<Zeroed>,
    pub(crate) owned: Owned,
    /// Somebody applied a copy of it: what we give up stays.
    pub(crate) is_shared: bool,
    pub(crate) is_vouched: bool,
    /// Its controller has not seen the newest spec yet; what its status says meanwhile.
    pub(crate) lag: Option<bool>,
    /// The template of the `ReplicaSet` that has the replicas.
    pub(crate) active: Template,
    /// Whether that is to have a pod. One stands for all.
    pub(crate) wants_pod: bool,
}

/// What our field manager owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Owned {
    pub(crate) claim: bool,
    pub(crate) entry: bool,
    pub(crate) pause: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Template {
    pub(crate) is_frozen: bool,
    pub(crate) restarts: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pod {
    pub(crate) id: u8,
    pub(crate) template: Template,
    /// It is its `ReplicaSet`'s; a relabelled one is nobody's.
    pub(crate) is_owned: bool,
    pub(crate) life: Life,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Life {
    Running,
    Terminating,
    /// Deleted by force: no object, and a container that the kubelet has yet to end.
    Ghost {
        since: i64,
        is_known: bool,
    },
    /// Its container is dead. Nobody saw it.
    Vanished {
        since: i64,
        is_known: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeeperJob {
    pub(crate) uid: u8,
    pub(crate) is_ready: bool,
    pub(crate) has_ended: bool,
}

/// The collector: Job, pod and container, each of which can be there without the others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CollectorWorld {
    pub(crate) job: Option<CollectorJob>,
    pub(crate) is_pod_listed: bool,
    pub(crate) container: Container,
    /// A second one, which nobody looks for.
    pub(crate) stray: bool,
    pub(crate) absent_since: i64,
    pub(crate) jobs_made: u8,
    pub(crate) keepers_made: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CollectorJob {
    pub(crate) uid: u8,
    pub(crate) is_suspended: bool,
    pub(crate) is_deleting: bool,
    pub(crate) has_started: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Container {
    None,
    Running { has_marked: bool, hangs: bool },
    Terminated(Report),
}

/// The machine that everything runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Machine {
    Ready {
        since: i64,
    },
    /// Its kubelet is dead; what runs there runs on.
    Lost,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Operator {
    /// The request that is under way.
    pub(crate) pending: Option<Effect>,
    pub(crate) watched_since: i64,
    /// What its watches brought, if they lag.
    pub(crate) remembered: Option<Box<Observed>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeeperProcess {
    pub(crate) pending: Option<Effect>,
    pub(crate) has_thawed: bool,
    pub(crate) is_of_this_run: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    pub(crate) entry: Entry,
    pub(crate) is_paused: bool,
    pub(crate) replicas: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Push {
    None,
    /// Accepted behind the collector's mark.
    Unmarked,
    Lost,
}

/// What a request did that none may do, or what was decided that must not be.
#[expect(clippy::struct_excessive_bools, reason = "facts that go together in any way")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Sins {
    pub(crate) released_late: bool,
    pub(crate) froze_without_keeper: bool,
    pub(crate) keeper_left_early: bool,
    pub(crate) trusted_memory: bool,
}

impl State {
    /// Whether anything can write to the store.
    pub(crate) fn has_writer(&self) -> bool {
        self.pods.iter().any(|pod| pod.is_alive() && !pod.template.is_frozen)
    }

    /// Whether a garbage collector runs.
    pub(crate) fn is_collecting(&self) -> bool {
        self.collector.stray || matches!(self.collector.container, Container::Running { .. })
    }

    pub(crate) fn journal(&self) -> Option<&Journal> {
        self.request.as_ref()?.journal.as_ref()
    }
}

impl Pod {
    pub(crate) fn is_alive(&self) -> bool {
        !matches!(self.life, Life::Vanished { .. })
    }

    pub(crate) fn is_listed(&self) -> bool {
        matches!(self.life, Life::Running | Life::Terminating)
    }

    /// Whether its `ReplicaSet` counts it.
    pub(crate) fn counts(&self) -> bool {
        self.is_owned && self.life == Life::Running
    }
}

impl Deployment {
    /// The template of the newest spec.
    pub(crate) fn template(&self) -> Template {
        Template { is_frozen: self.entry == Entry::ReadOnly, restarts: self.restarts }
    }

    /// A digest of what it says. Its status is left out: a conflict for its sake only makes a request fail.
    pub(crate) fn version(&self) -> Version {
        let spec = (self.entry, self.is_paused, self.replicas, self.restarts);
        digest(&(self.epoch, spec, &self.claim, &self.zeroed, self.is_shared))
    }
}

impl Request {
    pub(crate) fn version(&self) -> Version {
        digest(&(self.is_deleting, self.has_finalizer, &self.journal))
    }
}

impl CollectorJob {
    pub(crate) fn version(&self) -> Version {
        digest(&(self.is_suspended, self.is_deleting))
    }
}

impl Machine {
    pub(crate) fn state(self) -> MachineState {
        match self {
            Self::Ready { since } => MachineState::Ready { since: at(since) },
            Self::Lost => MachineState::NotReady,
        }
    }

    pub(crate) fn is_ready(self) -> bool {
        matches!(self, Self::Ready { .. })
    }
}

pub(crate) fn at(ticks: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(ticks * TICK).unwrap()
}

pub(crate) fn ticks(at: jiff::Timestamp) -> i64 {
    at.as_second() / TICK
}

pub(crate) fn digest(of: &impl std::hash::Hash) -> Version {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    Version::new(format!("{:x}", hasher.finish()))
}
