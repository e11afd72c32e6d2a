//! Protocols that are wrong in one way each. None of them is in the production code: a mutant falsifies what `step` or
//! `keep` sees, alters what they answer, or takes a precondition off a request.

use jiff::Timestamp;
use registry_retention::collection::protocol::{
    Collector, Depth, Effect, Entry, For, Guard, Keeper, Life, MachineState, Observed, Phase, Report, Step, Strategy,
    Watched,
};

use super::model::{Flaw, Scenario};
use super::people::Fault;
use super::properties::{ENDS_SOON, IN_TIME, KEPT, LIVE, NO_WRITER, RESTORED, RESTS};
use super::scenarios;
use super::state::{self, State, at};
use super::view::pod_uid;

pub(crate) struct Mutant {
    pub(crate) name: &'static str,
    /// What the operator believes instead of what it saw.
    pub(crate) sees: fn(&State, &mut Observed, &mut Timestamp),
    /// What it does instead of what it should.
    pub(crate) does: fn(&State, &Observed, Step) -> Step,
    pub(crate) keeper_sees: fn(&mut Watched, &mut Timestamp),
    pub(crate) keeper_does: fn(&Watched, Step) -> Step,
    pub(crate) flaw: Option<Flaw>,
    /// Where it shows.
    pub(crate) scenario: Scenario,
    /// What it breaks.
    pub(crate) breaks: &'static str,
}

/// The protocol as it is.
const SOUND: Mutant = Mutant {
    name: "",
    sees: |_, _, _| {},
    does: |_, _, step| step,
    keeper_sees: |_, _| {},
    keeper_does: |_, step| step,
    flaw: None,
    scenario: scenarios::READ_ONLY,
    breaks: "",
};

/// Nobody thaws but the operator, as in every tool without a keeper.
fn idle(_: &Watched, _: Step) -> Step {
    Step::Wait(For::Trouble)
}

/// Journals that the run is over, or takes the finalizer off, in place of the next request that restores.
fn declared_over(seen: &Observed, step: Step) -> Step {
    let Some(request) = &seen.request else { return step };
    let Some(journal) = &request.journal else { return step };
    let Phase::Thawing { end, .. } = &journal.phase else {
        return Step::Do(Effect::RemoveFinalizer(request.target.clone()));
    };
    let phase = Phase::Over { end: *end, stale: std::collections::BTreeSet::new() };
    Step::Do(Effect::Record(request.target.clone(), journal.then(phase)))
}

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "complete is taken for drained",
        sees: |state, seen, _| {
            let is_terminating =
                |id: u8| state.pods.iter().any(|pod| pod.id == id && pod.life == state::Life::Terminating);
            seen.pods.retain(|pod| !(0..9).any(|id| pod.uid == pod_uid(id) && is_terminating(id)));
        },
        breaks: NO_WRITER,
        ..SOUND
    },
    Mutant {
        name: "what watches brought is taken for live",
        sees: |_, seen, _| seen.depth = Depth::Live,
        scenario: scenarios::LAGGING,
        breaks: LIVE,
        ..SOUND
    },
    Mutant {
        name: "writers are taken from memory",
        sees: |state, seen, _| {
            if let Some(remembered) = &state.operators[0].remembered {
                seen.pods.retain(|pod| pod.is_frozen || remembered.pods.iter().any(|it| it.uid == pod.uid));
            }
        },
        scenario: scenarios::LAGGING,
        breaks: NO_WRITER,
        ..SOUND
    },
    Mutant {
        name: "restores at the deadline without ending the collector",
        does: |_, seen, step| match (&step, &seen.request) {
            (Step::Do(Effect::EndCollector(_)), Some(request)) if is_running(seen) => {
                let Some(journal) = &request.journal else { return step };
                let phase = Phase::Thawing {
                    replicas: journal.replicas(),
                    end: registry_retention::collection::protocol::End::Collected,
                    witnesses: std::collections::BTreeSet::new(),
                };
                match journal.phase {
                    Phase::Collecting { .. } => Step::Do(Effect::Record(request.target.clone(), journal.then(phase))),
                    _ => match &seen.deployment {
                        Some(it) if it.claim.is_some() => Step::Do(Effect::Thaw(it.target.clone())),
                        _ => step,
                    },
                }
            }
            _ => step,
        },
        scenario: scenarios::COLLECTOR,
        breaks: NO_WRITER,
        ..SOUND
    },
    Mutant {
        name: "a generated name for the collector's Job",
        does: |state, seen, step| match (&step, &seen.request) {
            // Whoever comes back does not know of the first one.
            (Step::Wait(For::Collector), Some(request)) if is_running(seen) && state.collector.jobs_made < 2 => {
                let terms = request.journal.as_ref().map(|journal| journal.terms.clone());
                terms.map_or(step, |terms| Step::Do(Effect::CreateCollector(terms)))
            }
            _ => step,
        },
        flaw: Some(Flaw::GeneratedName),
        breaks: NO_WRITER,
        ..SOUND
    },
    Mutant {
        name: "changes the Deployment before anything is journalled",
        does: |_, seen, step| match (&step, &seen.request, &seen.deployment) {
            (Step::Do(Effect::Record(_, journal)), Some(request), Some(it))
                if request.journal.is_none() && it.entry == Entry::Absent =>
            {
                let claim = registry_retention::collection::protocol::Claim::new(journal.terms.clone());
                Step::Do(Effect::Apply(it.target.clone(), claim.frozen()))
            }
            _ => step,
        },
        flaw: Some(Flaw::NoClaim),
        breaks: RESTORED,
        ..SOUND
    },
    Mutant {
        name: "takes the present replicas for those of before",
        does: |_, seen, step| match (step, &seen.deployment) {
            (Step::Do(Effect::Unzero(target, Some(_))), Some(it)) => {
                Step::Do(Effect::Unzero(target, Some(it.replicas)))
            }
            (step, _) => step,
        },
        keeper_does: idle,
        scenario: scenarios::ZERO,
        breaks: RESTORED,
        ..SOUND
    },
    Mutant {
        name: "clears the journal before the restore is confirmed",
        does: |_, seen, step| match &step {
            Step::Do(Effect::Thaw(_) | Effect::TakeBack(..) | Effect::Unzero(..)) => declared_over(seen, step),
            _ => step,
        },
        breaks: RESTORED,
        ..SOUND
    },
    Mutant {
        name: "no finalizer",
        sees: |_, seen, _| {
            if let Some(request) = &mut seen.request {
                request.has_finalizer = true;
            }
        },
        keeper_does: idle,
        scenario: Scenario { faults: &[Fault::Strip, Fault::DeleteRequest], budget: 2, ..scenarios::UNGUARDED },
        breaks: RESTORED,
        ..SOUND
    },
    Mutant {
        name: "no restore after a failed collector",
        does: |_, seen, step| match seen.collector {
            Collector::Ended(_, Report::Failed) => Step::Wait(For::Collector),
            _ => step,
        },
        keeper_does: idle,
        scenario: scenarios::COLLECTOR,
        breaks: RESTS,
        ..SOUND
    },
    Mutant {
        name: "no deadline for a collector that hangs",
        sees: |_, _, now| *now = at(0),
        keeper_does: idle,
        scenario: scenarios::COLLECTOR,
        breaks: RESTS,
        ..SOUND
    },
    Mutant {
        name: "an old keeper thaws a new run",
        keeper_sees: |seen, _| {
            if let Some(claim) = seen.deployment.as_ref().and_then(|it| it.claim.as_ref()) {
                seen.run = claim.terms.run.clone();
            }
        },
        scenario: Scenario { has_clock: false, budget: 0, ..scenarios::UNEDITED },
        breaks: NO_WRITER,
        ..SOUND
    },
    Mutant {
        name: "the release races the thaw",
        keeper_does: |seen, step| match (&step, &seen.collector, &seen.deployment) {
            (Step::Do(Effect::EndCollector(_)), Collector::Suspended(_), Some(it)) if it.claim.is_some() => {
                Step::Do(Effect::Thaw(it.target.clone()))
            }
            _ => step,
        },
        scenario: scenarios::UNEDITED,
        breaks: NO_WRITER,
        ..SOUND
    },
    Mutant {
        name: "thaws by the spec of now",
        does: |_, seen, step| match (&step, &seen.request) {
            (Step::Do(Effect::Unzero(target, _)), Some(request)) if request.asks.strategy == Strategy::ReadOnly => {
                Step::Do(Effect::Unzero(target.clone(), None))
            }
            _ => step,
        },
        keeper_does: idle,
        scenario: scenarios::ZERO,
        breaks: RESTORED,
        ..SOUND
    },
    Mutant {
        name: "a pod deleted by force counts as dead",
        sees: |_, seen, _| seen.pods.retain(|pod| !matches!(pod.life, Life::Missing { .. })),
        scenario: scenarios::PODS,
        breaks: NO_WRITER,
        ..SOUND
    },
    Mutant {
        name: "what vanished before it watched does not count",
        sees: |_, seen, _| seen.watched_since = at(-9),
        scenario: Scenario { has_clock: false, ..scenarios::UNSEEN },
        breaks: NO_WRITER,
        ..SOUND
    },
    Mutant {
        name: "removes the keeper before the thaw is confirmed",
        does: |_, seen, step| match (&step, seen.keeper.job()) {
            (Step::Do(Effect::Thaw(_) | Effect::TakeBack(..) | Effect::Unzero(..)), Some(job)) => {
                Step::Do(Effect::RemoveKeeper(job.clone()))
            }
            _ => step,
        },
        breaks: KEPT,
        ..SOUND
    },
    Mutant {
        name: "freezes although no keeper runs",
        sees: |_, seen, _| {
            if let Keeper::NotReady(job) = &seen.keeper {
                seen.keeper = Keeper::Ready(job.clone());
            }
        },
        breaks: KEPT,
        ..SOUND
    },
    Mutant {
        name: "no uid in a request",
        flaw: Some(Flaw::NoUid),
        scenario: scenarios::EDITS,
        breaks: RESTORED,
        ..SOUND
    },
    Mutant {
        name: "no resourceVersion in a request",
        flaw: Some(Flaw::NoVersion),
        scenario: Scenario { has_clock: false, budget: 0, ..scenarios::UNEDITED },
        breaks: NO_WRITER,
        ..SOUND
    },
    Mutant {
        name: "takes an entry over by force",
        sees: |_, seen, _| {
            if let Some(it) = &mut seen.deployment
                && it.entry == Entry::Other
            {
                it.entry = Entry::Absent;
            }
        },
        flaw: Some(Flaw::Force),
        scenario: scenarios::EDITS,
        breaks: RESTORED,
        ..SOUND
    },
    Mutant {
        name: "does not prove the guard",
        sees: |_, seen, _| seen.guard = Guard::InForce,
        keeper_sees: |seen, _| seen.guard = Guard::InForce,
        scenario: scenarios::GUARD_MISSING,
        breaks: NO_WRITER,
        ..SOUND
    },
    Mutant {
        name: "releases although too little time is left",
        sees: |_, seen, _| {
            if let Some(journal) = seen.request.as_mut().and_then(|it| it.journal.as_mut()) {
                journal.terms.last_release = journal.terms.deadline;
            }
        },
        breaks: IN_TIME,
        ..SOUND
    },
    Mutant {
        name: "a collector on a machine that does not answer counts as dead",
        sees: |_, seen, _| {
            if seen.machine == MachineState::NotReady {
                seen.machine = MachineState::Ready { since: at(-9) };
            }
            if let Collector::Absent { since } = &mut seen.collector {
                *since = at(-9);
            }
        },
        scenario: scenarios::COLLECTOR,
        breaks: NO_WRITER,
        ..SOUND
    },
    Mutant {
        name: "a collector whose pod is gone counts as dead",
        sees: |_, seen, _| {
            if let Collector::Absent { since } = &mut seen.collector {
                *since = at(-9);
            }
        },
        scenario: scenarios::COLLECTOR,
        breaks: NO_WRITER,
        ..SOUND
    },
    Mutant {
        name: "does not look at the freeze while it collects",
        sees: |_, seen, _| {
            if !is_running(seen) {
                return;
            }
            seen.pods.clear();
            let Some(it) = &mut seen.deployment else { return };
            it.entry = Entry::ReadOnly;
            let claim = seen.request.as_ref().and_then(|request| request.journal.as_ref());
            let claim = claim.map(|it| registry_retention::collection::protocol::Claim::new(it.terms.clone()).frozen());
            it.is_paused = it.claim.as_ref().is_some_and(|claim| claim.is_paused);
            it.claim = it.claim.take().or(claim);
        },
        scenario: scenarios::UNGUARDED,
        breaks: ENDS_SOON,
        ..SOUND
    },
    Mutant {
        name: "leaves what a co-owner keeps",
        does: |_, seen, step| match &step {
            Step::Do(Effect::TakeBack(..)) => declared_over(seen, step),
            _ => step,
        },
        scenario: scenarios::EDITS,
        breaks: RESTORED,
        ..SOUND
    },
    Mutant {
        name: "pauses in the apply that freezes",
        does: |_, _, step| match step {
            Step::Do(Effect::Apply(target, claim)) if claim.is_frozen && !claim.is_paused => {
                Step::Do(Effect::Apply(target, claim.paused()))
            }
            step => step,
        },
        scenario: scenarios::UNGUARDED,
        breaks: super::properties::COLLECTS,
        ..SOUND
    },
];

fn is_running(seen: &Observed) -> bool {
    matches!(seen.collector, Collector::Running(_))
}
