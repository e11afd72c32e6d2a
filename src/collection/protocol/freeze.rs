//! From the claim to a registry that is proved read-only.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::death::SETTLING;
use super::journal::{Claim, GuardDemand, Machine, Phase, Release, Strategy, Uid, Writer, Zeroed};
use super::observed::{Answer, Collector, Deployment, Depth, Guard, Keeper, Life, MachineState, Observed, Pod};
use super::operator::{Hand, record};
use super::step::{Effect, For, Step};

/// Claims the Deployment, then creates keeper and collector under the claim.
pub(super) fn claim(hand: Hand<'_>) -> Step {
    let Hand { observed, request, journal, deployment, now } = hand;
    let terms = &journal.terms;
    if deployment.claim_of(&terms.run).is_none() {
        return Step::Do(Effect::Apply(deployment.target.clone(), Claim::new(terms.clone())));
    }
    match &observed.keeper {
        Keeper::Absent => return Step::Do(Effect::CreateKeeper(terms.clone())),
        Keeper::OfAnotherRun(job) | Keeper::Ended(job) => return Step::Do(Effect::RemoveKeeper(job.clone())),
        Keeper::Ending => return Step::Wait(For::KeeperGone),
        Keeper::NotReady(_) | Keeper::Ready(_) => {}
    }
    let collector = match &observed.collector {
        Collector::Absent { .. } => return Step::Do(Effect::CreateCollector(terms.clone())),
        Collector::Ending => return Step::Wait(For::CollectorGone),
        Collector::Suspended(job) => job.uid.clone(),
        // Not the one that a run at its beginning makes.
        Collector::OfAnotherRun { job, .. } | Collector::Running(job) | Collector::Ended(job, _) => {
            return Step::Do(Effect::EndCollector(job.clone()));
        }
    };
    if matches!(observed.keeper, Keeper::NotReady(_)) {
        return Step::Wait(For::Keeper);
    }
    let (replicas, writers) = (deployment.replicas, writers(&observed.pods, now).collect());
    record(request, journal.then(Phase::Freezing { collector, replicas, writers }))
}

/// The phase of that name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Freezing<'a> {
    pub(super) collector: &'a Uid,
    pub(super) replicas: i32,
    pub(super) writers: &'a BTreeSet<Writer>,
}

impl Freezing<'_> {
    /// Freezes, waits for the last writer to end, and proves that there is none.
    pub(super) fn next(self, hand: Hand<'_>) -> Step {
        let Hand { observed, request, journal, deployment, now } = hand;
        let terms = &journal.terms;
        let Some(claim) = deployment.claim_of(&terms.run) else { return Step::Wait(For::RollOut) };
        let target = || deployment.target.clone();
        let zeroes = terms.strategy == Strategy::ScaleToZero && deployment.zeroed.is_none();
        let (before, replicas) = (self.replicas, deployment.replicas);
        // What will be journalled as the undo is what stands there right before.
        let all: BTreeSet<Writer> = self.writers.iter().cloned().chain(writers(&observed.pods, now)).collect();
        if all != *self.writers || (zeroes && before != replicas) {
            let replicas = if zeroes { replicas } else { before };
            let phase = Phase::Freezing { collector: self.collector.clone(), replicas, writers: all };
            return record(request, journal.then(phase));
        }
        if !claim.is_frozen {
            return match observed.keeper {
                Keeper::Ready(_) => Step::Do(Effect::Apply(target(), claim.clone().frozen())),
                _ => Step::Wait(For::Keeper),
            };
        }
        if zeroes {
            return Step::Do(Effect::Zero(target(), Zeroed { run: terms.run.clone(), replicas }));
        }
        if let Some(step) = proved(observed, deployment, claim, now) {
            return step;
        }
        let Some(machine) = self.machine(&observed.pods) else { return Step::Wait(For::Machine) };
        let release = Release { job: self.collector.clone(), machine: machine.clone() };
        record(request, journal.then(Phase::Collecting { replicas: before, release }))
    }

    /// Where the store surely is: with a frozen pod, or where the last writer was.
    fn machine<'a>(&'a self, pods: &'a [Pod]) -> Option<&'a Machine> {
        let frozen = pods.iter().find(|pod| pod.is_frozen && pod.life == Life::Running);
        frozen.map(|pod| &pod.machine).or_else(|| self.writers.iter().next().map(|writer| &writer.machine))
    }
}

/// `None` if nobody can write, nobody will, and somebody else would thaw if we died; else what comes first.
pub(super) fn proved(observed: &Observed, deployment: &Deployment, claim: &Claim, now: Timestamp) -> Option<Step> {
    let wait = |what| Some(Step::Wait(what));
    if !matches!(observed.keeper, Keeper::Ready(_)) {
        return wait(For::Keeper);
    }
    if !deployment.rollout.is_done() {
        return wait(For::RollOut);
    }
    if observed.pods.iter().any(|pod| pod.may_write(now)) {
        return wait(For::Drain(observed.pods.iter().filter_map(settles).min()));
    }
    // Nor can any pod be writing that was gone before somebody watched.
    let settled = observed.watched_since + SETTLING;
    if now < settled {
        return wait(For::Drain(Some(settled)));
    }
    if !matches!(observed.machine, MachineState::Ready { .. }) {
        return wait(For::Machine);
    }
    if observed.depth < Depth::Proved {
        return Some(Step::Look(Depth::Proved));
    }
    let is_silent = |pod: &Pod| pod.life == Life::Running && pod.answer == Answer::Unknown;
    if observed.guard == Guard::Unknown || observed.pods.iter().any(is_silent) {
        return wait(For::Answers);
    }
    // Not before the roll-out is complete: a paused Deployment replaces no pod.
    let is_held = observed.guard == Guard::InForce || claim.is_paused;
    if !is_held && claim.terms.guard == GuardDemand::BestEffort {
        return Some(Step::Do(Effect::Apply(deployment.target.clone(), claim.clone().paused())));
    }
    None
}

fn writers(pods: &[Pod], now: Timestamp) -> impl Iterator<Item = Writer> {
    pods.iter()
        .filter(move |pod| pod.may_write(now))
        .map(|pod| Writer { pod: pod.uid.clone(), machine: pod.machine.clone() })
}

fn settles(pod: &Pod) -> Option<Timestamp> {
    match pod.life {
        Life::Missing { until } => until,
        Life::Running | Life::Ended => None,
    }
}
