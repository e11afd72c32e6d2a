//! What people, other controllers and broken machines do. Each is a fault; a scenario says which, and how many.

use registry_retention::collection::protocol::{Entry, Report, Strategy};

use super::nature::retire;
use super::server::{edit, forget_request};
use super::state::{CollectorJob, Container, Deployment, Life, Machine, Operator, Owned, State, Template, Wanted};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// A `GitOps` controller, `kubectl set env`, `kubectl edit`: our entry goes.
    Lift,
    /// `kubectl replace`, `helm upgrade --force`: all that the manifest does not have goes.
    Put,
    /// `kubectl annotate`: our annotations go, and nothing else.
    Strip,
    /// `kubectl scale`, an autoscaler.
    Scale(i32),
    /// `kubectl rollout restart`.
    Restart,
    /// `kubectl rollout pause`, and `resume`.
    Pause,
    Resume,
    /// Somebody sets the entry to a value of his own.
    OwnEntry,
    /// `kubectl get -o yaml | kubectl apply --server-side --force-conflicts`.
    Share,
    /// `kubectl delete replicaset`.
    DeleteSet,
    /// A pod leaves selector and `ReplicaSet`, and goes on writing.
    Relabel,
    DeletePod,
    /// `kubectl delete pod --force --grace-period=0`, of the oldest pod.
    ForceDeletePod,
    DeleteRequest,
    /// The resource is edited in mid-run.
    EditSpec,
    /// Deleted, and made anew from its manifest.
    ReplaceDeployment,
    DeleteKeeper,
    KeeperRestarts,
    CollectorFails,
    CollectorHangs,
    DeleteCollector,
    /// Its pod is deleted by force.
    CollectorVanishes,
    /// `kubectl delete job --cascade=orphan`.
    OrphanCollector,
    MachineLost,
    HeartbeatStale,
    /// The operator is killed.
    Crash,
    /// The chart's guard is uninstalled.
    RemoveGuard,
}

/// The registry before anybody does anything.
pub(crate) const REPLICAS: i32 = 2;

pub(crate) fn plain(uid: u8) -> Deployment {
    let template = Template { is_frozen: false, restarts: 0 };
    Deployment {
        uid,
        epoch: 0,
        entry: Entry::Absent,
        is_paused: false,
        replicas: REPLICAS,
        restarts: 0,
        claim: None,
        zeroed: None,
        owned: Owned::default(),
        is_shared: false,
        is_vouched: false,
        lag: None,
        active: template,
        wants_pod: true,
    }
}

pub(crate) fn wanted() -> Wanted {
    Wanted { entry: Entry::Absent, is_paused: false, replicas: REPLICAS }
}

#[expect(clippy::too_many_lines, reason = "a table of faults")]
/// Whether it could happen, and did. The guard refuses what lifts a freeze, whoever asks.
pub(crate) fn happen(state: &mut State, fault: Fault) -> bool {
    let is_guarded = state.guard && state.deployment.as_ref().is_some_and(|it| it.claim.is_some());
    match fault {
        Fault::Lift | Fault::Put | Fault::Strip | Fault::Resume if is_guarded => false,
        Fault::Lift => edit(state, |it| {
            it.owned.entry = false;
            std::mem::replace(&mut it.entry, Entry::Absent) == Entry::ReadOnly
        }),
        Fault::Put => put(state),
        Fault::Strip => {
            // Who takes off the mark alone takes over the number that it stands beside.
            let alone = state.deployment.as_ref().filter(|it| it.claim.is_none() && it.zeroed.is_some());
            state.wanted.replicas = alone.map_or(state.wanted.replicas, |it| it.replicas);
            edit(state, |it| {
                it.owned.claim = false;
                it.claim.take().is_some() | it.zeroed.take().is_some()
            })
        }
        Fault::Scale(replicas) => {
            let is_done = edit(state, |it| std::mem::replace(&mut it.replicas, replicas) != replicas);
            state.wanted.replicas = if is_done { replicas } else { state.wanted.replicas };
            is_done
        }
        Fault::Restart => edit(state, |it| {
            it.restarts += 1;
            true
        }),
        Fault::Pause => {
            let is_done = edit(state, |it| !std::mem::replace(&mut it.is_paused, true));
            state.wanted.is_paused |= is_done;
            is_done
        }
        Fault::Resume => edit(state, |it| {
            it.owned.pause = false;
            std::mem::replace(&mut it.is_paused, false)
        }),
        Fault::OwnEntry => {
            let is_done = edit(state, |it| {
                let is_absent = it.entry == Entry::Absent;
                it.entry = if is_absent { Entry::Other } else { it.entry };
                is_absent
            });
            state.wanted.entry = if is_done { Entry::Other } else { state.wanted.entry };
            is_done
        }
        Fault::Share => edit(state, |it| it.claim.is_some() && !std::mem::replace(&mut it.is_shared, true)),
        Fault::DeleteSet => {
            let Some(it) = state.deployment.as_mut() else { return false };
            // A paused Deployment makes no ReplicaSet, and scales up the newest that is left.
            it.active = if it.is_paused { plain(0).active } else { it.template() };
            retire(state, |_| true)
        }
        Fault::Relabel | Fault::DeletePod | Fault::ForceDeletePod => pod(state, fault),
        Fault::DeleteRequest => {
            let request = state.request.as_mut();
            let is_done = request.is_some_and(|it| !std::mem::replace(&mut it.is_deleting, true));
            forget_request(state);
            is_done
        }
        Fault::EditSpec => {
            let Some(request) = state.request.as_mut() else { return false };
            request.asks.strategy = match request.asks.strategy {
                Strategy::ReadOnly => Strategy::ScaleToZero,
                Strategy::ScaleToZero => Strategy::ReadOnly,
            };
            true
        }
        Fault::ReplaceDeployment => {
            let Some(uid) = state.deployment.as_ref().map(|it| it.uid) else { return false };
            retire(state, |_| true);
            state.pods.iter_mut().for_each(|pod| pod.is_owned = false);
            (state.deployment, state.wanted) = (Some(plain(uid + 1)), wanted());
            true
        }
        Fault::DeleteKeeper => state.keeper.take().is_some(),
        Fault::KeeperRestarts => {
            state.keepers[0].pending = None;
            state.keepers[0].has_thawed = false;
            state.keeper.as_mut().is_some_and(|job| std::mem::replace(&mut job.is_ready, false))
        }
        Fault::CollectorFails
        | Fault::CollectorHangs
        | Fault::DeleteCollector
        | Fault::CollectorVanishes
        | Fault::OrphanCollector => collector(state, fault),
        Fault::MachineLost => {
            let is_ready = state.machine.is_ready();
            state.machine = Machine::Lost;
            is_ready
        }
        Fault::HeartbeatStale => !std::mem::replace(&mut state.is_heartbeat_stale, true),
        Fault::Crash => {
            let clock = state.clock;
            for pod in &mut state.pods {
                if let Life::Ghost { is_known, .. } | Life::Vanished { is_known, .. } = &mut pod.life {
                    *is_known = false;
                }
            }
            for it in &mut state.operators {
                *it = Operator { pending: None, watched_since: clock, remembered: None };
            }
            true
        }
        Fault::RemoveGuard => std::mem::replace(&mut state.guard, false),
    }
}

fn put(state: &mut State) -> bool {
    let is_done = edit(state, |it| {
        let is_touched = it.claim.is_some() || it.zeroed.is_some();
        (it.entry, it.is_paused, it.replicas) = (Entry::Absent, false, REPLICAS);
        (it.claim, it.zeroed, it.owned, it.is_shared) = (None, None, Owned::default(), false);
        it.epoch += 1;
        is_touched
    });
    if is_done {
        state.wanted = wanted();
    }
    is_done
}

fn pod(state: &mut State, fault: Fault) -> bool {
    let since = state.clock;
    let Some(pod) = state.pods.iter_mut().find(|pod| pod.is_listed() && pod.is_owned) else { return false };
    match fault {
        Fault::Relabel if pod.life == Life::Running => pod.is_owned = false,
        Fault::DeletePod if pod.life == Life::Running => pod.life = Life::Terminating,
        Fault::ForceDeletePod => pod.life = Life::Ghost { since, is_known: true },
        _ => return false,
    }
    true
}

fn collector(state: &mut State, fault: Fault) -> bool {
    let clock = state.clock;
    let world = &mut state.collector;
    let Container::Running { has_marked, hangs } = world.container else {
        // There is only the Job to lose.
        let job = world.job.as_mut().filter(|_| fault == Fault::DeleteCollector);
        return job.is_some_and(|job| !std::mem::replace(&mut job.is_deleting, true));
    };
    match fault {
        Fault::CollectorFails => world.container = Container::Terminated(Report::Failed),
        Fault::CollectorHangs if !hangs => world.container = Container::Running { has_marked, hangs: true },
        Fault::DeleteCollector => {
            let is_deleted = |job: &mut CollectorJob| std::mem::replace(&mut job.is_deleting, true);
            return world.job.as_mut().is_some_and(|job| !is_deleted(job));
        }
        Fault::CollectorVanishes => {
            world.is_pod_listed = false;
            world.job = None;
            world.absent_since = clock;
        }
        Fault::OrphanCollector => return world.job.take().is_some(),
        _ => return false,
    }
    true
}
