//! What holds in every state.

use stateright::Property;

use super::model::{Move, Protocol, has_collected, is_over};
use super::nature::{self, Nature};
use super::state::{Container, Push, State};

pub(crate) const NO_WRITER: &str = "no collector runs while a pod can write";
pub(crate) const NO_LOSS: &str = "no accepted push is lost";
pub(crate) const ENDS_SOON: &str = "a collector that is not alone is ended within a few requests";
pub(crate) const RESTORED: &str = "what is restored is what was there";
pub(crate) const IN_TIME: &str = "nothing is released too late";
pub(crate) const KEPT: &str = "nothing is frozen without a keeper, and it stays to the end";
pub(crate) const LIVE: &str = "no effect is decided on what is remembered";
pub(crate) const COLLECTS: &str = "a run collects";
/// Not of one state, but of the graph; see `rest`.
pub(crate) const RESTS: &str = "from every state, rest is reachable without a fault";

/// How many requests of the operator it may take to end a collector.
const A_FEW: usize = 2;

pub(crate) fn all(protocol: &Protocol) -> Vec<Property<Protocol>> {
    let mut all = vec![
        Property::always(ENDS_SOON, |protocol: &Protocol, state| ends_soon(protocol, state)),
        Property::always(RESTORED, |_, state: &State| !is_over(state) || is_bare(state) || is_restored(state)),
        Property::always(IN_TIME, |_, state: &State| !state.sins.released_late),
        Property::always(KEPT, |_, state: &State| !state.sins.froze_without_keeper && !state.sins.keeper_left_early),
        Property::always(LIVE, |_, state: &State| !state.sins.trusted_memory),
    ];
    if protocol.scenario.holds() {
        all.push(Property::always(NO_WRITER, |_, state: &State| !(state.is_collecting() && state.has_writer())));
        all.push(Property::always(NO_LOSS, |_, state: &State| state.push != Push::Lost));
    }
    if protocol.scenario.collects() {
        all.push(Property::sometimes(COLLECTS, |_, state: &State| has_collected(state)));
    }
    all
}

/// The Deployment is what people made it, and nothing else.
pub(crate) fn is_restored(state: &State) -> bool {
    let wanted = &state.wanted;
    state.deployment.as_ref().is_none_or(|it| {
        let is_ours = it.claim.is_some() || it.zeroed.is_some();
        let is_same = (it.entry, it.is_paused, it.replicas) == (wanted.entry, wanted.is_paused, wanted.replicas);
        is_same && !is_ours
    })
}

/// A claim under which nothing was changed. Where two operators are at work, that of the slower one may arrive when the run
/// is over. It is taken back by whoever looks next, and nothing can follow it.
fn is_bare(state: &State) -> bool {
    let claim = state.deployment.as_ref().and_then(|it| it.claim.clone());
    let is_bare = claim.is_some_and(|claim| !claim.is_frozen && !claim.is_paused && claim.release.is_none());
    let mut without = state.clone();
    without.deployment.iter_mut().for_each(|it| it.claim = None);
    is_bare && is_restored(&without)
}

/// Everything is over, and nothing of ours is left anywhere.
pub(crate) fn is_at_rest(state: &State) -> bool {
    let is_idle = state.operators.iter().all(|it| it.pending.is_none());
    let has_left = state.keepers.iter().all(|it| it.pending.is_none()) && state.keeper.is_none();
    let is_dead = state.collector.job.is_none() && !state.is_collecting();
    is_over(state) && is_restored(state) && is_idle && has_left && is_dead
}

/// Left alone with the operator, a collector that somebody writes beside is told to end at once.
fn ends_soon(protocol: &Protocol, state: &State) -> bool {
    let is_known = state.collector.is_pod_listed && state.machine.is_ready() && state.collector.job.is_some();
    let runs = |state: &State| matches!(state.collector.container, Container::Running { .. });
    if !(is_known && runs(state) && state.has_writer()) {
        return true;
    }
    let mut state = state.clone();
    for _ in 0..A_FEW {
        protocol.operator(&mut state, 0, Move::Arrive);
        nature::happen(&mut state, Nature::CollectorKilled);
        if !runs(&state) {
            return true;
        }
        protocol.operator(&mut state, 0, Move::Decide);
    }
    false
}
