use std::collections::BTreeSet;

use jiff::Timestamp;

use super::death::Death;
use super::end::{Abort, End};
use super::freeze;
use super::journal::{Journal, Phase, Release, Terms, Uid};
use super::observed::{Collector, Deployment, Depth, Keeper, Life, Observed, Preflight, Report, Request};
use super::step::{Effect, For, Step};
use super::trouble::trouble;
use super::undo::undo;

/// The one next thing that the operator does for a run. Total: whatever was observed, there is an answer, and nothing but
/// what was observed goes into it.
pub fn step(observed: &Observed, now: Timestamp) -> Step {
    let step = decide(observed, now);
    match step {
        Step::Wait(_) | Step::Look(_) => step,
        _ if observed.depth == Depth::Remembered => Step::Look(Depth::Live),
        _ => step,
    }
}

fn decide(observed: &Observed, now: Timestamp) -> Step {
    let Some(request) = &observed.request else {
        return restore(observed, now).or_else(|| sweep(observed)).unwrap_or(Step::Done(None));
    };
    let Some(journal) = &request.journal else { return begin(observed, request, now) };
    match &journal.phase {
        Phase::Over { end, .. } => close(observed, request, *end),
        Phase::Thawing { end, witnesses, .. } => thaw(observed, request, journal, *end, witnesses, now),
        _ => match trouble(observed, journal, now) {
            Some(abort) => end(observed, request, journal, End::Aborted(abort), now),
            None => go_on(observed, request, journal, now),
        },
    }
}

/// A run that has no journal yet, or has lost it.
fn begin(observed: &Observed, request: &Request, now: Timestamp) -> Step {
    if let Some(step) = restore(observed, now) {
        return step;
    }
    let dismiss = |step| if request.has_finalizer { remove_finalizer(request) } else { step };
    if request.is_deleting || request.is_withdrawn {
        return dismiss(Step::Done(None));
    }
    let deployment = match (&observed.preflight, &observed.deployment) {
        (Preflight::Refused(reason), _) => return dismiss(Step::Refuse(reason.clone())),
        (Preflight::NotYet, _) | (Preflight::Passed, None) => return Step::Wait(For::Preflight),
        (Preflight::Passed, Some(deployment)) => deployment,
    };
    if observed.is_taken || deployment.claim.is_some() || deployment.zeroed.is_some() {
        return Step::Wait(For::OtherRun);
    }
    // No claim stands for them: they are of an earlier run, or of a request of it that came late.
    if let Collector::OfAnotherRun { job, .. } = &observed.collector {
        return Step::Do(Effect::EndCollector(job.clone()));
    }
    if let Keeper::OfAnotherRun(job) = &observed.keeper {
        return Step::Do(Effect::RemoveKeeper(job.clone()));
    }
    if let Some(step) = sweep(observed) {
        return step;
    }
    if !request.has_finalizer {
        return Step::Do(Effect::AddFinalizer(request.target.clone()));
    }
    record(request, Journal::new(terms(observed, request, deployment, now)))
}

fn terms(observed: &Observed, request: &Request, deployment: &Deployment, now: Timestamp) -> Terms {
    let asks = request.asks;
    let deadline = now + asks.max_read_only;
    Terms {
        run: observed.run.clone(),
        deployment: deployment.target.uid.clone(),
        strategy: asks.strategy,
        guard: asks.guard,
        last_release: deadline - asks.expected,
        deadline,
    }
}

/// A run that has a journal, and whose Deployment is there.
#[derive(Clone, Copy)]
pub(super) struct Hand<'a> {
    pub(super) observed: &'a Observed,
    pub(super) request: &'a Request,
    pub(super) journal: &'a Journal,
    pub(super) deployment: &'a Deployment,
    pub(super) now: Timestamp,
}

/// A run that nothing stands in the way of.
fn go_on(observed: &Observed, request: &Request, journal: &Journal, now: Timestamp) -> Step {
    let uid = &journal.terms.deployment;
    let Some(deployment) = observed.deployment.as_ref().filter(|it| it.target.uid == *uid) else {
        return Step::Wait(For::RollOut);
    };
    let hand = Hand { observed, request, journal, deployment, now };
    match &journal.phase {
        Phase::Claiming => freeze::claim(hand),
        Phase::Freezing { collector, replicas, writers } => {
            freeze::Freezing { collector, replicas: *replicas, writers }.next(hand)
        }
        Phase::Collecting { release, .. } => collect(hand, release),
        Phase::Thawing { .. } | Phase::Over { .. } => Step::Wait(For::RollOut),
    }
}

/// The release is journalled, then claimed, then done.
fn collect(hand: Hand<'_>, release: &Release) -> Step {
    let Hand { observed, request, journal, deployment, now } = hand;
    let Some(claim) = deployment.claim_of(&journal.terms.run) else { return Step::Wait(For::RollOut) };
    match &observed.collector {
        Collector::Suspended(_) if now > journal.terms.last_release => {
            end(observed, request, journal, End::Aborted(Abort::TooLittleTime), now)
        }
        Collector::Suspended(job) => {
            if let Some(step) = freeze::proved(observed, deployment, claim, now) {
                return step;
            }
            if claim.release.is_none() {
                let claim = claim.clone().releasing(release.clone());
                return Step::Do(Effect::Apply(deployment.target.clone(), claim));
            }
            Step::Do(Effect::ReleaseCollector(job.clone(), release.machine.clone()))
        }
        Collector::Ended(_, Report::Succeeded) => end(observed, request, journal, End::Collected, now),
        _ => Step::Wait(For::Collector),
    }
}

/// The collector is ended first, whatever the reason; only then the thaw begins.
fn end(observed: &Observed, request: &Request, journal: &Journal, end: End, now: Timestamp) -> Step {
    let claimed = observed.deployment.as_ref().and_then(|it| it.claim_of(&observed.run));
    let release = journal.release().or_else(|| claimed?.release.as_ref());
    if let Some(step) = death(observed, release).prove(now) {
        return step;
    }
    let witnesses = match journal.phase {
        Phase::Collecting { .. } => alive(observed).cloned().collect(),
        _ => BTreeSet::new(),
    };
    let replicas = journal.replicas();
    record(request, journal.then(Phase::Thawing { replicas, end, witnesses }))
}

/// The collector is dead. Its Job goes, and everything that was changed is taken back; the keeper goes last.
fn thaw(
    observed: &Observed,
    request: &Request,
    journal: &Journal,
    end: End,
    witnesses: &BTreeSet<Uid>,
    now: Timestamp,
) -> Step {
    if let Some(job) = observed.collector.job() {
        return Step::Do(Effect::EndCollector(job.clone()));
    }
    let deployment = observed.deployment.as_ref().filter(|it| it.target.uid == journal.terms.deployment);
    if let Some(effect) = deployment.and_then(|it| undo(&observed.run, it, journal.replicas())) {
        return Step::Do(effect);
    }
    let stale: BTreeSet<Uid> = alive(observed).filter(|uid| witnesses.contains(uid)).cloned().collect();
    if !stale.is_empty() && now < journal.terms.deadline {
        return Step::Wait(For::Replacement(journal.terms.deadline));
    }
    if let Some(step) = dismiss_keeper(&observed.keeper) {
        return step;
    }
    record(request, journal.then(Phase::Over { end, stale }))
}

/// The run is over. What is left of it was made by a request that came late.
fn close(observed: &Observed, request: &Request, end: End) -> Step {
    if let Some(step) = sweep(observed) {
        return step;
    }
    let undone = observed.deployment.as_ref().and_then(|it| undo(&observed.run, it, None));
    match undone {
        Some(effect) => Step::Do(effect),
        None if request.has_finalizer => remove_finalizer(request),
        None => Step::Done(Some(end)),
    }
}

/// Restores by the annotations alone, when there is no journal. `None` if there is nothing to restore.
fn restore(observed: &Observed, now: Timestamp) -> Option<Step> {
    let deployment = observed.deployment.as_ref()?;
    let claim = deployment.claim_of(&observed.run);
    if claim.is_none() && deployment.zeroed_by(&observed.run).is_none() {
        return None;
    }
    let release = claim.and_then(|claim| claim.release.as_ref());
    if let Some(step) = death(observed, release).prove(now) {
        return Some(step);
    }
    undo(&observed.run, deployment, None).map(Step::Do)
}

/// Deletes Jobs of this run that no claim stands for.
fn sweep(observed: &Observed) -> Option<Step> {
    match (observed.collector.job(), &observed.collector) {
        (Some(job), _) => Some(Step::Do(Effect::EndCollector(job.clone()))),
        (None, Collector::Ending) => Some(Step::Wait(For::CollectorGone)),
        _ => dismiss_keeper(&observed.keeper),
    }
}

fn dismiss_keeper(keeper: &Keeper) -> Option<Step> {
    match (keeper.job(), keeper) {
        (Some(job), _) => Some(Step::Do(Effect::RemoveKeeper(job.clone()))),
        (None, Keeper::Ending) => Some(Step::Wait(For::KeeperGone)),
        _ => None,
    }
}

fn death<'a>(observed: &'a Observed, release: Option<&'a Release>) -> Death<'a> {
    let vouched = observed.deployment.as_ref().and_then(|it| it.collector_dead.as_ref());
    Death {
        collector: &observed.collector,
        release,
        machine: observed.machine,
        is_vouched: vouched == Some(&observed.run),
    }
}

fn alive(observed: &Observed) -> impl Iterator<Item = &Uid> {
    observed.pods.iter().filter(|pod| pod.life == Life::Running).map(|pod| &pod.uid)
}

pub(super) fn record(request: &Request, journal: Journal) -> Step {
    Step::Do(Effect::Record(request.target.clone(), journal))
}

fn remove_finalizer(request: &Request) -> Step {
    Step::Do(Effect::RemoveFinalizer(request.target.clone()))
}
