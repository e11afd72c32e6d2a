//! What is explored: each a small world of its own, so that every one of them is explored to its end.

use registry_retention::collection::protocol::{GuardDemand, Strategy};

use super::model::Scenario;
use super::people::Fault;

/// Nothing goes wrong but requests, which may be lost, late or doubled.
pub(crate) const READ_ONLY: Scenario = Scenario {
    name: "read-only, guarded",
    strategy: Strategy::ReadOnly,
    demand: GuardDemand::Required,
    guard: true,
    faults: &[Fault::DeleteRequest, Fault::Crash],
    budget: 1,
    repeats: 1,
    operators: 1,
    old_keeper: false,
    lags: false,
    has_clock: true,
};

/// People edit the Deployment.
pub(crate) const EDITS: Scenario = Scenario {
    name: "edits of the Deployment, guarded",
    faults: &[
        Fault::Lift,
        Fault::Put,
        Fault::Scale(3),
        Fault::Scale(0),
        Fault::Restart,
        Fault::Pause,
        Fault::OwnEntry,
        Fault::Share,
        Fault::ReplaceDeployment,
    ],
    budget: 1,
    repeats: 0,
    ..READ_ONLY
};

/// Pods are deleted, or leave.
pub(crate) const PODS: Scenario = Scenario {
    name: "pods and ReplicaSets, guarded",
    faults: &[
        Fault::DeleteSet,
        Fault::Relabel,
        Fault::DeletePod,
        Fault::ForceDeletePod,
        Fault::Crash,
        Fault::MachineLost,
        Fault::Restart,
    ],
    budget: 1,
    repeats: 0,
    ..READ_ONLY
};

/// The collector comes to harm.
pub(crate) const COLLECTOR: Scenario = Scenario {
    name: "the collector and its machine, guarded",
    faults: &[
        Fault::CollectorFails,
        Fault::CollectorHangs,
        Fault::DeleteCollector,
        Fault::CollectorVanishes,
        Fault::OrphanCollector,
        Fault::MachineLost,
        Fault::HeartbeatStale,
        Fault::DeleteRequest,
    ],
    budget: 1,
    repeats: 0,
    ..READ_ONLY
};

/// The operator is away for so long that the keeper takes over.
pub(crate) const HEARTBEAT: Scenario = Scenario {
    name: "operator and keeper at once, guarded",
    faults: &[Fault::HeartbeatStale, Fault::DeleteKeeper, Fault::KeeperRestarts, Fault::DeleteRequest],
    budget: 1,
    repeats: 1,
    ..READ_ONLY
};

pub(crate) const TWO_OPERATORS: Scenario =
    Scenario { name: "two operators, guarded", faults: &[], budget: 0, repeats: 0, operators: 2, ..READ_ONLY };

pub(crate) const OLD_KEEPER: Scenario = Scenario {
    name: "the keeper of an earlier run, guarded",
    faults: &[Fault::HeartbeatStale, Fault::Scale(3)],
    old_keeper: true,
    repeats: 0,
    ..READ_ONLY
};

pub(crate) const LAGGING: Scenario = Scenario {
    name: "watches that lag, guarded",
    faults: &[Fault::DeletePod],
    budget: 2,
    repeats: 0,
    lags: true,
    has_clock: false,
    ..READ_ONLY
};

pub(crate) const ZERO: Scenario = Scenario {
    name: "scaled to zero, guarded",
    strategy: Strategy::ScaleToZero,
    faults: &[Fault::Scale(3), Fault::Scale(0), Fault::EditSpec],
    budget: 1,
    repeats: 0,
    ..READ_ONLY
};

/// There is no guard, and anybody lifts anything at any time.
pub(crate) const UNGUARDED: Scenario = Scenario {
    name: "read-only, unguarded",
    demand: GuardDemand::BestEffort,
    guard: false,
    faults: &[
        Fault::Lift,
        Fault::Put,
        Fault::Resume,
        Fault::DeleteSet,
        Fault::Relabel,
        Fault::Restart,
        Fault::Scale(3),
        Fault::ReplaceDeployment,
    ],
    budget: 1,
    repeats: 0,
    ..READ_ONLY
};

/// There is no guard, and nobody edits anything: the protocol alone must do. An earlier run's keeper is still there.
pub(crate) const UNEDITED: Scenario = Scenario {
    name: "unedited, unguarded, with an old keeper",
    faults: &[Fault::HeartbeatStale],
    old_keeper: true,
    budget: 1,
    ..UNGUARDED
};

/// A pod is deleted by force while nobody watches.
pub(crate) const UNSEEN: Scenario = Scenario {
    name: "a pod vanishes unseen, guarded",
    faults: &[Fault::ForceDeletePod, Fault::Crash],
    budget: 2,
    repeats: 0,
    ..READ_ONLY
};

/// The annotations are taken off, and the resource is deleted.
pub(crate) const STRIPPED: Scenario = Scenario {
    name: "annotations lost, unguarded",
    strategy: Strategy::ScaleToZero,
    faults: &[Fault::Strip, Fault::Put],
    ..UNGUARDED
};

/// The guard is demanded, and is not there.
pub(crate) const GUARD_MISSING: Scenario = Scenario {
    name: "the demanded guard is missing",
    guard: false,
    faults: &[Fault::Lift, Fault::DeleteSet, Fault::Scale(3)],
    budget: 1,
    repeats: 0,
    ..READ_ONLY
};

/// It is taken away in the middle.
pub(crate) const GUARD_REMOVED: Scenario = Scenario {
    name: "the guard is removed",
    demand: GuardDemand::BestEffort,
    faults: &[Fault::RemoveGuard, Fault::Lift, Fault::Put],
    budget: 2,
    repeats: 0,
    ..READ_ONLY
};

/// Each with the number of its states: a change of the protocol or of its world shows here.
pub(crate) const GUARDED: &[(Scenario, usize)] = &[
    (READ_ONLY, 77_059),
    (EDITS, 142_583),
    (PODS, 249_032),
    (COLLECTOR, 100_252),
    (HEARTBEAT, 132_182),
    (TWO_OPERATORS, 266_463),
    (OLD_KEEPER, 83_130),
    (LAGGING, 34_769),
];

/// Those in which no guard can be relied on.
pub(crate) const NOT_GUARDED: &[(Scenario, usize)] =
    &[(UNGUARDED, 208_812), (UNEDITED, 73_166), (STRIPPED, 367_478), (GUARD_MISSING, 93_510), (GUARD_REMOVED, 61_344)];

/// The same, but too large for every run of the tests.
pub(crate) const LARGE: &[(Scenario, usize)] = &[(ZERO, 715_996), (UNSEEN, 1_025_367)];

impl Scenario {
    /// Whether nobody can ever write beside the collector: the guard holds; or it is demanded, and there is none; or
    /// nobody edits.
    pub(crate) fn holds(&self) -> bool {
        let is_removed = self.faults.contains(&Fault::RemoveGuard);
        let is_unedited = self.faults.iter().all(|fault| *fault == Fault::HeartbeatStale);
        !is_removed && (self.guard || self.demand == GuardDemand::Required || is_unedited)
    }

    /// Whether a run can come to a collection at all.
    pub(crate) fn collects(&self) -> bool {
        self.guard || self.demand == GuardDemand::BestEffort
    }
}
