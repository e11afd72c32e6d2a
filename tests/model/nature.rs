//! What happens by itself: controllers, the kubelet, time, and those who push. None of it is a fault.

use registry_retention::collection::protocol::{Phase, Report};

use super::state::{Container, Deployment, Life, Machine, Pod, Push, State, Template, ticks};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Nature {
    /// The Deployment's controller sees the newest spec.
    Sync,
    /// A `ReplicaSet` makes a pod, or a roll-out does.
    Start,
    RollNew,
    /// The new pod is ready: the old ones get their deletion timestamp, and the status is complete.
    RollOver,
    ScaleDown,
    /// A pod's containers end.
    PodEnds(u8),
    /// The kubelet finds a container without a pod.
    GhostEnds(u8),
    KeeperStarts,
    KeeperEnds,
    CollectorStarts,
    CollectorMarks,
    CollectorSweeps,
    /// The kubelet ends the container of a pod that is being deleted, or has no pod.
    CollectorKilled,
    CollectorJobGoes,
    StrayEnds,
    /// An upload is accepted while the collector runs.
    Push,
    MachineReturns,
    /// A person has deleted the collector's Job, looked at its machine, and says that it is dead.
    Vouch,
    Tick,
}

const ALWAYS: [Nature; 17] = [
    Nature::Sync,
    Nature::Start,
    Nature::RollNew,
    Nature::RollOver,
    Nature::ScaleDown,
    Nature::KeeperStarts,
    Nature::KeeperEnds,
    Nature::CollectorStarts,
    Nature::CollectorMarks,
    Nature::CollectorSweeps,
    Nature::CollectorKilled,
    Nature::CollectorJobGoes,
    Nature::StrayEnds,
    Nature::Push,
    Nature::MachineReturns,
    Nature::Vouch,
    Nature::Tick,
];

pub(crate) fn all(state: &State) -> impl Iterator<Item = Nature> {
    let pods = state.pods.iter().flat_map(|pod| [Nature::PodEnds(pod.id), Nature::GhostEnds(pod.id)]);
    ALWAYS.into_iter().chain(pods)
}

/// Whether it could happen, and did.
pub(crate) fn happen(state: &mut State, what: Nature) -> bool {
    match what {
        Nature::Sync => with_deployment(state, |it, _| it.lag.take().is_some().then(|| it.wants_pod = it.replicas > 0)),
        Nature::Start => {
            let Some(it) = state.deployment.as_ref().filter(|it| it.wants_pod) else { return false };
            let template = it.active;
            let is_there = state.pods.iter().any(|pod| pod.counts() && pod.template == template);
            !is_there && start(state, template)
        }
        Nature::RollNew => {
            let Some(it) = state.deployment.as_ref().filter(|it| rolls(it) && it.wants_pod) else { return false };
            let template = it.template();
            let is_there = state.pods.iter().any(|pod| pod.counts() && pod.template == template);
            !is_there && start(state, template)
        }
        Nature::RollOver => roll_over(state),
        Nature::ScaleDown => {
            let is_wanted = state.deployment.as_ref().is_some_and(|it| it.wants_pod);
            !is_wanted && retire(state, |_| true)
        }
        Nature::PodEnds(id) => {
            let is_ready = state.machine.is_ready();
            let before = state.pods.len();
            state.pods.retain(|pod| !(is_ready && pod.id == id && pod.life == Life::Terminating));
            state.pods.len() < before
        }
        Nature::GhostEnds(id) => {
            let is_ready = state.machine.is_ready();
            let ghost = state.pods.iter_mut().find(|pod| pod.id == id && is_ready);
            ghost.is_some_and(end_ghost)
        }
        Nature::KeeperStarts => {
            state.keeper.as_mut().is_some_and(|job| !job.has_ended && !std::mem::replace(&mut job.is_ready, true))
        }
        // Decided by the keeper itself; see the model.
        Nature::KeeperEnds => false,
        Nature::CollectorStarts
        | Nature::CollectorMarks
        | Nature::CollectorSweeps
        | Nature::CollectorKilled
        | Nature::CollectorJobGoes
        | Nature::StrayEnds => collector(state, what),
        Nature::Push => {
            let is_new = state.push == Push::None && state.is_collecting() && state.has_writer();
            if is_new {
                state.push = Push::Unmarked;
            }
            is_new
        }
        Nature::MachineReturns => {
            let is_lost = !state.machine.is_ready();
            if is_lost {
                state.machine = Machine::Ready { since: state.clock };
            }
            is_lost
        }
        Nature::Vouch => {
            let is_deleted = state.collector.job.as_ref().is_none_or(|job| job.is_deleting);
            let is_dead = is_deleted && !state.is_collecting() && !state.machine.is_ready();
            is_dead && with_deployment(state, |it, _| (!std::mem::replace(&mut it.is_vouched, true)).then_some(()))
        }
        Nature::Tick => tick(state),
    }
}

fn with_deployment(state: &mut State, write: impl FnOnce(&mut Deployment, i64) -> Option<()>) -> bool {
    let clock = state.clock;
    state.deployment.as_mut().and_then(|it| write(it, clock)).is_some()
}

/// Whether a roll-out has something to do. A paused Deployment rolls nothing out.
fn rolls(it: &Deployment) -> bool {
    it.lag.is_none() && !it.is_paused && it.active != it.template()
}

/// Starts a pod, if admission lets it: while a collection is frozen, no pod that can write gets on the claim.
fn start(state: &mut State, template: Template) -> bool {
    let phase = state.journal().map(|journal| &journal.phase);
    let is_held = matches!(phase, Some(Phase::Freezing { .. } | Phase::Collecting { .. }));
    if !state.machine.is_ready() || (state.guard && is_held && !template.is_frozen) {
        return false;
    }
    state.pods.push(Pod { id: state.pods_made, template, is_owned: true, life: Life::Running });
    state.pods_made += 1;
    true
}

fn roll_over(state: &mut State) -> bool {
    let Some(it) = state.deployment.as_ref().filter(|it| rolls(it)) else { return false };
    let (template, wants_pod) = (it.template(), it.wants_pod);
    let is_ready = state.pods.iter().any(|pod| pod.counts() && pod.template == template);
    if wants_pod && !is_ready {
        return false;
    }
    retire(state, |pod| pod.template != template);
    with_deployment(state, |it, _| {
        it.active = template;
        Some(())
    })
}

pub(crate) fn retire(state: &mut State, which: impl Fn(&Pod) -> bool) -> bool {
    let mut any = false;
    for pod in state.pods.iter_mut().filter(|pod| pod.counts() && which(pod)) {
        pod.life = Life::Terminating;
        any = true;
    }
    any
}

fn end_ghost(pod: &mut Pod) -> bool {
    let Life::Ghost { since, is_known } = pod.life else { return false };
    pod.life = Life::Vanished { since, is_known };
    true
}

fn collector(state: &mut State, what: Nature) -> bool {
    let is_ready = state.machine.is_ready();
    let clock = state.clock;
    let world = &mut state.collector;
    let is_deleting = world.job.as_ref().is_some_and(|job| job.is_deleting);
    match (what, world.container) {
        (Nature::CollectorStarts, Container::None) => {
            let job = world.job.as_mut().filter(|job| !job.is_suspended && !job.is_deleting && !job.has_started);
            let Some(job) = job.filter(|_| is_ready) else { return false };
            job.has_started = true;
            world.container = Container::Running { has_marked: false, hangs: false };
            world.is_pod_listed = true;
        }
        (Nature::CollectorMarks, Container::Running { has_marked: false, hangs: false }) => {
            world.container = Container::Running { has_marked: true, hangs: false };
        }
        (Nature::CollectorSweeps, Container::Running { has_marked: true, hangs: false }) => {
            world.container = Container::Terminated(Report::Succeeded);
            if state.push == Push::Unmarked {
                state.push = Push::Lost;
            }
        }
        // A pod that is being deleted, and one that is not there.
        (Nature::CollectorKilled, Container::Running { .. } | Container::Terminated(_))
            if is_ready && (is_deleting || !world.is_pod_listed || world.job.is_none()) =>
        {
            world.container = Container::None;
            world.is_pod_listed = false;
        }
        (Nature::CollectorJobGoes, _) if is_deleting && !world.is_pod_listed => {
            world.job = None;
            world.absent_since = clock;
        }
        (Nature::StrayEnds, _) if world.stray => world.stray = false,
        _ => return false,
    }
    true
}

/// The clock goes on as long as somebody waits for it. A tick is longer than any grace period: a kubelet that answers has
/// ended by then what has no pod.
fn tick(state: &mut State) -> bool {
    if !concerns(state).any(|at| at > state.clock) {
        return false;
    }
    state.clock += 1;
    let clock = state.clock;
    if state.machine.is_ready() {
        state.pods.iter_mut().for_each(|pod| {
            end_ghost(pod);
        });
        if !state.collector.is_pod_listed {
            state.collector.container = Container::None;
        }
    }
    let ready = match state.machine {
        Machine::Ready { since } => since,
        Machine::Lost => clock,
    };
    // Nobody asks any more what became of them.
    state.pods.retain(|pod| !matches!(pod.life, Life::Vanished { since, .. } if since.max(ready) < clock));
    true
}

/// The points in time that somebody waits for.
fn concerns(state: &State) -> impl Iterator<Item = i64> {
    let journal = state.journal().filter(|journal| !matches!(journal.phase, Phase::Over { .. }));
    let claim = state.deployment.as_ref().and_then(|it| it.claim.as_ref());
    let terms = journal.map(|it| &it.terms).into_iter().chain(claim.map(|it| &it.terms));
    let deadline = terms.map(|terms| ticks(terms.deadline)).max();
    let is_released = journal.is_some_and(|journal| journal.release().is_some())
        || claim.is_some_and(|claim| claim.release.is_some());
    let settling = is_released.then_some(state.collector.absent_since + 1);
    let machine = match state.machine {
        Machine::Ready { since } => (is_released || !state.pods.is_empty()).then_some(since + 1),
        Machine::Lost => None,
    };
    let watches = state.operators.iter().map(|it| it.watched_since + 1).max().filter(|_| journal.is_some());
    let ghosts = state.pods.iter().filter_map(|pod| match pod.life {
        Life::Ghost { since, .. } | Life::Vanished { since, .. } => Some(since + 1),
        Life::Running | Life::Terminating => None,
    });
    deadline.into_iter().chain(settling).chain(machine).chain(watches).chain(ghosts).collect::<Vec<_>>().into_iter()
}
