//! What the operator and a keeper see of the world.

use jiff::SignedDuration;
use registry_retention::collection::protocol::{
    self as protocol, Answer, Collector, Depth, Guard, Keeper, Observed, Preflight, Rollout, Run, Target, Uid, Watched,
};

use super::state::{Container, Deployment, KeeperProcess, Life, Machine, Operator, Pod, State, at};

pub(crate) fn this_run() -> Run {
    Run::new("b")
}

pub(crate) fn earlier_run() -> Run {
    Run::new("a")
}

pub(crate) fn machine() -> protocol::Machine {
    protocol::Machine { name: "n".into(), uid: Uid::new("n") }
}

pub(crate) fn pod_uid(id: u8) -> Uid {
    Uid::new(format!("p{id}"))
}

pub(crate) fn job_uid(id: u8) -> Uid {
    Uid::new(format!("c{id}"))
}

pub(crate) fn keeper_uid(id: u8) -> Uid {
    Uid::new(format!("k{id}"))
}

pub(crate) fn deployment_uid(id: u8) -> Uid {
    Uid::new(format!("d{id}"))
}

/// What an operator reads.
pub(crate) fn observed(state: &State, operator: &Operator, depth: Depth) -> Observed {
    Observed {
        depth,
        run: this_run(),
        preflight: Preflight::Passed,
        is_taken: false,
        guard: if depth == Depth::Proved { guard(state) } else { Guard::Unknown },
        request: state.request.as_ref().map(|request| protocol::Request {
            target: Target { uid: Uid::new("r"), version: request.version() },
            is_deleting: request.is_deleting,
            is_withdrawn: false,
            has_finalizer: request.has_finalizer,
            asks: request.asks,
            journal: request.journal.clone(),
        }),
        deployment: state.deployment.as_ref().map(|it| deployment(state, it)),
        keeper: keeper(state),
        collector: collector(state),
        machine: state.machine.state(),
        watched_since: at(operator.watched_since),
        pods: state.pods.iter().filter_map(|it| pod(state, *it, depth)).collect(),
    }
}

/// What a keeper reads.
pub(crate) fn watched(state: &State, keeper: &KeeperProcess) -> Watched {
    let listed = state.pods.iter().filter(|pod| pod.is_listed());
    let (run, collector) =
        if keeper.is_of_this_run { (this_run(), collector(state)) } else { (earlier_run(), someone_elses(state)) };
    Watched {
        run,
        is_operator_gone: state.is_heartbeat_stale || !keeper.is_of_this_run,
        has_thawed: keeper.has_thawed,
        guard: guard(state),
        deployment: state.deployment.as_ref().map(|it| deployment(state, it)),
        collector,
        machine: state.machine.state(),
        pods: listed.map(|pod| as_listed(*pod, Answer::Unknown)).collect(),
    }
}

/// The dry run of a lift proves the guard once there is something to lift.
fn guard(state: &State) -> Guard {
    let claim = state.deployment.as_ref().and_then(|it| it.claim.as_ref());
    match claim {
        Some(claim) if claim.is_frozen && state.guard => Guard::InForce,
        _ => Guard::Absent,
    }
}

fn deployment(state: &State, of: &Deployment) -> protocol::Deployment {
    protocol::Deployment {
        target: Target { uid: deployment_uid(of.uid), version: of.version() },
        rollout: Rollout {
            generation: 2,
            observed_generation: if of.lag.is_some() { 1 } else { 2 },
            is_complete: of.lag.unwrap_or_else(|| is_complete(state, of)),
        },
        entry: of.entry,
        is_paused: of.is_paused,
        replicas: of.replicas,
        claim: of.claim.clone(),
        zeroed: of.zeroed.clone(),
        is_applied: of.owned.claim || of.owned.entry || of.owned.pause,
        collector_dead: of.is_vouched.then(this_run),
    }
}

/// What its status says once its controller has seen the spec. Terminating pods are in no field of it.
pub(crate) fn is_complete(state: &State, of: &Deployment) -> bool {
    let template = of.template();
    let mut owned = state.pods.iter().filter(|pod| pod.counts());
    let only_new = owned.clone().all(|pod| pod.template == template);
    of.active == template && only_new && owned.any(|_| true) == of.wants_pod
}

fn pod(state: &State, pod: Pod, depth: Depth) -> Option<protocol::Pod> {
    let asked = if pod.template.is_frozen { Answer::ReadOnly } else { Answer::Writable };
    let (since, is_known) = match pod.life {
        Life::Running | Life::Terminating => {
            let answer = if depth == Depth::Proved { asked } else { Answer::Unknown };
            return Some(as_listed(pod, answer));
        }
        Life::Ghost { since, is_known } | Life::Vanished { since, is_known } => (since, is_known),
    };
    let journal = state.request.as_ref().and_then(|request| request.journal.as_ref());
    let is_journalled = journal.is_some_and(|journal| match &journal.phase {
        protocol::Phase::Freezing { writers, .. } => writers.iter().any(|writer| writer.pod == pod_uid(pod.id)),
        _ => false,
    });
    if !is_journalled && !is_known {
        return None;
    }
    let until = match state.machine {
        Machine::Ready { since: ready } => Some(at(since.max(ready) + 1)),
        Machine::Lost => None,
    };
    Some(protocol::Pod { life: protocol::Life::Missing { until }, ..as_listed(pod, Answer::Unknown) })
}

fn as_listed(pod: Pod, answer: Answer) -> protocol::Pod {
    protocol::Pod {
        uid: pod_uid(pod.id),
        machine: machine(),
        is_frozen: pod.template.is_frozen,
        life: protocol::Life::Running,
        answer,
    }
}

fn keeper(state: &State) -> Keeper {
    match &state.keeper {
        None => Keeper::Absent,
        Some(job) if job.has_ended => Keeper::Ended(keeper_uid(job.uid)),
        Some(job) if job.is_ready => Keeper::Ready(keeper_uid(job.uid)),
        Some(job) => Keeper::NotReady(keeper_uid(job.uid)),
    }
}

fn collector(state: &State) -> Collector {
    let world = &state.collector;
    match (&world.job, world.container) {
        (Some(job), _) if job.is_deleting => Collector::Ending,
        (Some(job), _) if job.is_suspended => {
            Collector::Suspended(Target { uid: job_uid(job.uid), version: job.version() })
        }
        (Some(job), Container::Terminated(report)) if world.is_pod_listed && state.machine.is_ready() => {
            Collector::Ended(job_uid(job.uid), report)
        }
        (Some(job), _) => Collector::Running(job_uid(job.uid)),
        (None, _) if world.is_pod_listed => Collector::Ending,
        (None, _) => Collector::Absent { since: at(world.absent_since) },
    }
}

/// To an earlier run, the Job of this one is another's.
fn someone_elses(state: &State) -> Collector {
    let since = at(state.collector.absent_since);
    match &state.collector.job {
        Some(job) => Collector::OfAnotherRun { job: job_uid(job.uid), since },
        None => Collector::Absent { since },
    }
}

/// How long the registry may be read-only, and how long the collector takes: a tick before the deadline is too late.
pub(crate) const MAX_READ_ONLY: SignedDuration = SignedDuration::from_secs(2 * super::state::TICK);
pub(crate) const EXPECTED: SignedDuration = SignedDuration::from_secs(super::state::TICK + 30);
