//! The protocol in its world, as stateright explores it. Every action is one request, one decision, or one event.

use registry_retention::collection::protocol::{
    Asks, Depth, Effect, End, GuardDemand, Keeper, Observed, Phase, Step, Strategy, Target, keep, step,
};
use stateright::{Model, Property};

use super::mutants::Mutant;
use super::nature::{self, Nature};
use super::people::{self, Fault};
use super::server::commit;
use super::state::{
    CollectorWorld, Container, KeeperProcess, Machine, Operator, Push, Request, Sins, State, at, digest,
};
use super::view::{EXPECTED, MAX_READ_ONLY, deployment_uid, observed, watched};
use super::{properties, state};

/// What may happen in one exploration.
#[expect(clippy::struct_excessive_bools, reason = "what is there, and what is not")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) strategy: Strategy,
    pub(crate) demand: GuardDemand,
    /// Whether the guard is installed.
    pub(crate) guard: bool,
    pub(crate) faults: &'static [Fault],
    /// How many of them.
    pub(crate) budget: u8,
    /// How many requests arrive twice.
    pub(crate) repeats: u8,
    pub(crate) operators: usize,
    /// A keeper of an earlier run is still there, and a thaw of it under way.
    pub(crate) old_keeper: bool,
    /// Watches may lag.
    pub(crate) lags: bool,
    /// Whether time passes; without deadlines, the keeper has nothing to do.
    pub(crate) has_clock: bool,
}

/// What a mutant of the protocol does to its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    NoUid,
    NoVersion,
    Force,
    NoClaim,
    GeneratedName,
}

pub(crate) struct Protocol {
    pub(crate) scenario: Scenario,
    pub(crate) mutant: Option<&'static Mutant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Operator(usize, Move),
    Keeper(usize, Move),
    Nature(Nature),
    Fault(Fault),
}

/// What one of our processes does, and what becomes of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Move {
    /// It looks, and decides.
    Decide,
    /// Its request arrives. That an answer is lost makes no difference: nothing is remembered of it.
    Arrive,
    /// The same, and it will arrive once more.
    ArriveTwice,
    /// Its request is lost; or the process crashed before it sent it.
    Lose,
    /// Its watches bring what is there now, and nothing more until they catch up.
    Remember,
    CatchUp,
}

impl Action {
    /// Whether things would go on without it.
    pub(crate) fn is_fault(self) -> bool {
        matches!(self, Self::Fault(_) | Self::Operator(_, Move::ArriveTwice | Move::Lose | Move::Remember))
            || matches!(self, Self::Keeper(_, Move::Lose))
    }
}

impl Protocol {
    pub(crate) fn initial(&self) -> State {
        let scenario = self.scenario;
        let asks = Asks {
            strategy: scenario.strategy,
            guard: scenario.demand,
            max_read_only: MAX_READ_ONLY,
            expected: EXPECTED,
        };
        let deployment = people::plain(0);
        let process = |is_of_this_run| KeeperProcess { pending: None, has_thawed: false, is_of_this_run };
        let mut keepers = vec![process(true)];
        if scenario.old_keeper {
            let target = Target { uid: deployment_uid(0), version: digest(&"of then") };
            keepers.push(KeeperProcess { pending: Some(Effect::Thaw(target)), ..process(false) });
        }
        let active = deployment.active;
        State {
            clock: 0,
            guard: scenario.guard,
            request: Some(Request { is_deleting: false, has_finalizer: false, asks, journal: None }),
            deployment: Some(deployment),
            pods: vec![state::Pod { id: 0, template: active, is_owned: true, life: state::Life::Running }],
            pods_made: 1,
            keeper: None,
            collector: CollectorWorld {
                job: None,
                is_pod_listed: false,
                container: Container::None,
                stray: false,
                absent_since: -9,
                jobs_made: 0,
                keepers_made: 0,
            },
            machine: Machine::Ready { since: -9 },
            operators: vec![Operator { pending: None, watched_since: -9, remembered: None }; scenario.operators],
            keepers,
            is_heartbeat_stale: false,
            wanted: people::wanted(),
            push: Push::None,
            sins: Sins::default(),
            faults_left: scenario.budget,
            repeats_left: scenario.repeats,
        }
    }

    /// The operator's next step; reads anew as it is told to.
    pub(crate) fn decide(&self, state: &State, index: usize) -> (Observed, Step) {
        let operator = &state.operators[index];
        let mut seen = match &operator.remembered {
            Some(remembered) => (**remembered).clone(),
            None => observed(state, operator, Depth::Live),
        };
        for _ in 0..2 {
            let mut believed = seen.clone();
            let mut now = at(state.clock);
            if let Some(mutant) = self.mutant {
                (mutant.sees)(state, &mut believed, &mut now);
            }
            let mut next = step(&believed, now);
            if let Some(mutant) = self.mutant {
                next = (mutant.does)(state, &believed, next);
            }
            let Step::Look(depth) = next else { return (seen, next) };
            seen = observed(state, operator, depth);
        }
        let mut believed = seen.clone();
        let mut now = at(state.clock);
        if let Some(mutant) = self.mutant {
            (mutant.sees)(state, &mut believed, &mut now);
        }
        let next = step(&believed, now);
        let next = self.mutant.map_or(next.clone(), |mutant| (mutant.does)(state, &believed, next));
        (seen, next)
    }

    fn decide_keeper(&self, state: &State, index: usize) -> Step {
        let mut seen = watched(state, &state.keepers[index]);
        let mut now = at(state.clock);
        if let Some(mutant) = self.mutant {
            (mutant.keeper_sees)(&mut seen, &mut now);
        }
        let next = keep(&seen, now);
        self.mutant.map_or(next.clone(), |mutant| (mutant.keeper_does)(&seen, next))
    }

    pub(crate) fn operator(&self, state: &mut State, index: usize, what: Move) -> bool {
        let flaw = self.mutant.and_then(|mutant| mutant.flaw);
        let Some(effect) = state.operators[index].pending.clone() else {
            return match what {
                Move::Decide => {
                    let (seen, Step::Do(effect)) = self.decide(state, index) else { return false };
                    judge(state, &seen, &effect);
                    state.operators[index].pending = Some(effect);
                    true
                }
                Move::Remember => {
                    let seen = Box::new(observed(state, &state.operators[index], Depth::Remembered));
                    let is_new = self.scenario.lags && state.operators[index].remembered.is_none();
                    state.operators[index].remembered = Some(seen);
                    let can_lag = is_new && state.faults_left > 0;
                    state.faults_left -= u8::from(can_lag);
                    can_lag
                }
                Move::CatchUp => state.operators[index].remembered.take().is_some(),
                Move::Arrive | Move::ArriveTwice | Move::Lose => false,
            };
        };
        match what {
            Move::Decide | Move::Remember | Move::CatchUp => return false,
            Move::Lose => {}
            Move::Arrive => {
                state.is_heartbeat_stale = false;
                commit(state, &effect, flaw);
            }
            Move::ArriveTwice => {
                if state.repeats_left == 0 || !commit(state, &effect, flaw) {
                    return false;
                }
                state.repeats_left -= 1;
                return true;
            }
        }
        state.operators[index].pending = None;
        true
    }

    fn keeper(&self, state: &mut State, index: usize, what: Move) -> bool {
        let flaw = self.mutant.and_then(|mutant| mutant.flaw);
        match (what, state.keepers[index].pending.clone()) {
            (Move::Decide, None) => {
                let is_of_this_run = state.keepers[index].is_of_this_run;
                let runs = state.keeper.as_ref().is_some_and(|job| job.is_ready && !job.has_ended);
                if is_of_this_run && !runs {
                    return false;
                }
                match self.decide_keeper(state, index) {
                    Step::Do(effect) => state.keepers[index].pending = Some(effect),
                    Step::Done(_) if is_of_this_run => {
                        state.keeper.iter_mut().for_each(|job| job.has_ended = true);
                    }
                    _ => return false,
                }
            }
            (Move::Arrive, Some(effect)) => {
                state.keepers[index].pending = None;
                let is_done = commit(state, &effect, flaw);
                state.keepers[index].has_thawed |=
                    is_done && matches!(effect, Effect::Thaw(_) | Effect::TakeBack(..) | Effect::Unzero(..));
            }
            (Move::Lose, Some(_)) => state.keepers[index].pending = None,
            _ => return false,
        }
        true
    }
}

/// Notes a decision that must not be taken, by what was really read.
fn judge(state: &mut State, seen: &Observed, effect: &Effect) {
    let now = at(state.clock);
    let terms = state.journal().map(|journal| journal.terms.clone());
    match effect {
        Effect::ReleaseCollector(..) => {
            state.sins.released_late |= terms.is_some_and(|terms| now > terms.deadline - EXPECTED);
        }
        Effect::Apply(_, claim) => {
            let is_first = seen.deployment.as_ref().is_some_and(|it| it.claim.as_ref().is_none_or(|it| !it.is_frozen));
            let is_kept = matches!(seen.keeper, Keeper::Ready(_));
            state.sins.froze_without_keeper |= claim.is_frozen && is_first && !is_kept;
        }
        _ => {}
    }
    state.sins.trusted_memory |= seen.depth == Depth::Remembered;
}

fn moves(pending: Option<&Effect>) -> &'static [Move] {
    match pending {
        None => &[Move::Decide, Move::Remember, Move::CatchUp],
        Some(_) => &[Move::Arrive, Move::ArriveTwice, Move::Lose],
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.initial()]
    }

    /// All that could be tried; what has no effect is no action.
    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (index, operator) in state.operators.iter().enumerate() {
            actions.extend(moves(operator.pending.as_ref()).iter().map(|what| Action::Operator(index, *what)));
        }
        for (index, keeper) in state.keepers.iter().enumerate() {
            actions.extend(moves(keeper.pending.as_ref()).iter().map(|what| Action::Keeper(index, *what)));
        }
        actions.extend(nature::all(state).map(Action::Nature));
        if state.faults_left > 0 {
            actions.extend(self.scenario.faults.iter().map(|fault| Action::Fault(*fault)));
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        let is_done = match action {
            Action::Operator(index, what) => self.operator(&mut state, index, what),
            Action::Keeper(index, what) => self.keeper(&mut state, index, what),
            Action::Nature(Nature::Tick) if !self.scenario.has_clock => false,
            Action::Nature(what) => nature::happen(&mut state, what),
            Action::Fault(fault) => {
                state.faults_left -= 1;
                people::happen(&mut state, fault)
            }
        };
        is_done.then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}

/// The run came to its end, and nothing more is to come of it.
pub(crate) fn is_over(state: &State) -> bool {
    let Some(request) = &state.request else { return true };
    let is_over = request.journal.as_ref().is_some_and(|it| matches!(it.phase, Phase::Over { .. }));
    is_over && !request.has_finalizer
}

/// The run did what it was for.
pub(crate) fn has_collected(state: &State) -> bool {
    state.journal().is_some_and(|it| matches!(it.phase, Phase::Over { end: End::Collected, .. }))
}
