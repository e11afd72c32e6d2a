//! The API server: what becomes of a request of ours. It is refused if it does not find what it names.

use registry_retention::collection::protocol::{Abort, Claim, Effect, End, Entry, Phase, Target};

use super::model::Flaw;
use super::state::{CollectorJob, Container, Deployment, KeeperJob, Owned, State};
use super::view::{deployment_uid, is_complete, job_uid, keeper_uid, this_run};

/// Carries the request out, or refuses it.
pub(crate) fn commit(state: &mut State, effect: &Effect, flaw: Option<Flaw>) -> bool {
    match effect {
        Effect::AddFinalizer(target) => of_request(state, target, |request| {
            // The API server lets none be added then.
            request.has_finalizer |= !request.is_deleting;
        }),
        Effect::Record(target, journal) => of_request(state, target, |request| request.journal = Some(journal.clone())),
        Effect::RemoveFinalizer(target) => {
            let is_done = of_request(state, target, |request| request.has_finalizer = false);
            forget_request(state);
            is_done
        }
        Effect::Close(run) => {
            let Some(request) = state.request.as_mut().filter(|_| *run == this_run()) else { return false };
            let end = End::Aborted(Abort::DeadlinePassed);
            let over = |journal: &_| protocol_over(journal, end);
            request.journal = request.journal.as_ref().map(over);
            request.has_finalizer = false;
            forget_request(state);
            true
        }
        Effect::CreateKeeper(_) => {
            if state.keeper.is_some() {
                return false;
            }
            let uid = state.collector.keepers_made;
            state.collector.keepers_made += 1;
            state.keeper = Some(KeeperJob { uid, is_ready: false, has_ended: false });
            true
        }
        Effect::RemoveKeeper(uid) => {
            if state.keeper.as_ref().is_none_or(|job| keeper_uid(job.uid) != *uid) {
                return false;
            }
            let is_claimed = state.deployment.as_ref().is_some_and(|it| it.claim.is_some() || it.zeroed.is_some());
            state.sins.keeper_left_early |= is_claimed && state.keeper.as_ref().is_some_and(|job| !job.has_ended);
            state.keeper = None;
            true
        }
        Effect::CreateCollector(_) => create_collector(state, flaw),
        Effect::ReleaseCollector(target, _) => {
            let job = state.collector.job.as_mut();
            let found = |job: &&mut CollectorJob| job_uid(job.uid) == target.uid && job.version() == target.version;
            job.filter(found).map(|job| job.is_suspended = false).is_some()
        }
        Effect::EndCollector(uid) => {
            let job = state.collector.job.as_mut().filter(|job| job_uid(job.uid) == *uid);
            job.map(|job| job.is_deleting = true).is_some()
        }
        Effect::Apply(target, claim) => of_deployment(state, target, flaw, |it| apply(it, claim, flaw)),
        Effect::Thaw(target) => of_deployment(state, target, flaw, thaw),
        Effect::TakeBack(target, claim) => of_deployment(state, target, flaw, |it| take_back(it, claim)),
        Effect::Zero(target, mark) => of_deployment(state, target, flaw, |it| {
            it.replicas = 0;
            it.zeroed = Some(mark.clone());
            true
        }),
        Effect::Unzero(target, replicas) => of_deployment(state, target, flaw, |it| {
            it.zeroed = None;
            it.replicas = replicas.unwrap_or(it.replicas);
            it.epoch += 1;
            true
        }),
    }
}

fn protocol_over(
    journal: &registry_retention::collection::protocol::Journal,
    end: End,
) -> registry_retention::collection::protocol::Journal {
    journal.then(Phase::Over { end, stale: std::collections::BTreeSet::new() })
}

fn of_request(state: &mut State, target: &Target, write: impl FnOnce(&mut super::state::Request)) -> bool {
    let Some(request) = state.request.as_mut().filter(|it| it.version() == target.version) else { return false };
    write(request);
    true
}

/// A resource that is deleted is gone with its last finalizer.
pub(crate) fn forget_request(state: &mut State) {
    if state.request.as_ref().is_some_and(|it| it.is_deleting && !it.has_finalizer) {
        state.request = None;
    }
}

/// A write of the Deployment; whatever changes its spec makes its status one of the past.
fn of_deployment(
    state: &mut State,
    target: &Target,
    flaw: Option<Flaw>,
    write: impl FnOnce(&mut Deployment) -> bool,
) -> bool {
    let found = |it: &Deployment| {
        let is_same = deployment_uid(it.uid) == target.uid || flaw == Some(Flaw::NoUid);
        let is_unchanged = it.version() == target.version || matches!(flaw, Some(Flaw::NoVersion | Flaw::NoUid));
        is_same && is_unchanged
    };
    if !state.deployment.as_ref().is_some_and(found) {
        return false;
    }
    edit(state, write)
}

/// Any write of the Deployment, ours or not.
pub(crate) fn edit(state: &mut State, write: impl FnOnce(&mut Deployment) -> bool) -> bool {
    let Some(mut deployment) = state.deployment.clone() else { return false };
    let spec = |it: &Deployment| (it.template(), it.is_paused, it.replicas);
    let before = spec(&deployment);
    if !write(&mut deployment) {
        return false;
    }
    if spec(&deployment) != before && deployment.lag.is_none() {
        deployment.lag = state.deployment.as_ref().map(|it| is_complete(state, it));
    }
    state.deployment = Some(deployment);
    true
}

/// Server-side apply without force: a value of somebody else's is a conflict.
fn apply(it: &mut Deployment, claim: &Claim, flaw: Option<Flaw>) -> bool {
    if claim.is_frozen && it.entry == Entry::Other && flaw != Some(Flaw::Force) {
        return false;
    }
    if claim.is_frozen {
        it.entry = Entry::ReadOnly;
    }
    it.is_paused |= claim.is_paused;
    it.owned = Owned { claim: true, entry: claim.is_frozen, pause: claim.is_paused };
    it.claim = Some(claim.clone());
    if flaw == Some(Flaw::NoClaim) {
        it.claim = None;
        it.owned = Owned::default();
    }
    true
}

/// What we alone own goes; what somebody owns with us stays, and is his.
fn thaw(it: &mut Deployment) -> bool {
    let owned = std::mem::take(&mut it.owned);
    it.epoch += 1;
    if it.is_shared {
        return true;
    }
    if owned.entry {
        it.entry = Entry::Absent;
    }
    if owned.pause {
        it.is_paused = false;
    }
    if owned.claim {
        it.claim = None;
    }
    true
}

fn take_back(it: &mut Deployment, claim: &Claim) -> bool {
    if claim.is_frozen && it.entry == Entry::ReadOnly {
        it.entry = Entry::Absent;
    }
    it.is_paused &= !claim.is_paused;
    it.claim = None;
    it.owned = Owned::default();
    it.is_shared = false;
    it.epoch += 1;
    true
}

fn create_collector(state: &mut State, flaw: Option<Flaw>) -> bool {
    let world = &mut state.collector;
    if world.job.is_some() && flaw != Some(Flaw::GeneratedName) {
        return false;
    }
    // Under another name, the first one goes its own way.
    world.stray |= world.job.is_some() && matches!(world.container, Container::Running { .. });
    let uid = world.jobs_made;
    world.jobs_made += 1;
    world.job = Some(CollectorJob { uid, is_suspended: true, is_deleting: false, has_started: false });
    if flaw == Some(Flaw::GeneratedName) {
        world.container = Container::None;
        world.is_pod_listed = false;
    }
    true
}
