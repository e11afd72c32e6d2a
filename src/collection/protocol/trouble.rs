//! What ends a run before its time. Each check reads the world as it is; whether it was so before does not matter.

use jiff::Timestamp;

use super::end::Abort;
use super::journal::{Claim, GuardDemand, Journal, Phase, Strategy};
use super::observed::{Answer, Collector, Deployment, Entry, Guard, Keeper, Observed, Pod, Report};

/// Why the run must be ended now, if it must.
pub(super) fn trouble(observed: &Observed, journal: &Journal, now: Timestamp) -> Option<Abort> {
    let terms = &journal.terms;
    let request = observed.request.as_ref();
    if request.is_none_or(|request| request.is_deleting) {
        return Some(Abort::Deleted);
    }
    if request.is_some_and(|request| request.is_withdrawn) {
        return Some(Abort::Withdrawn);
    }
    if now >= terms.deadline {
        return Some(Abort::DeadlinePassed);
    }
    let deployment = observed.deployment.as_ref().filter(|it| it.target.uid == terms.deployment);
    let Some(deployment) = deployment else { return Some(Abort::DeploymentGone) };
    if deployment.collector_dead.as_ref() == Some(&terms.run) {
        return Some(Abort::DeclaredDead);
    }
    let claim = deployment.claim_of(&terms.run);
    match (&journal.phase, claim) {
        (Phase::Claiming, None) => {
            // Both are created under the claim.
            let was_claimed = !matches!(observed.keeper, Keeper::Absent | Keeper::OfAnotherRun(_));
            let is_lost = was_claimed || deployment.claim.is_some();
            is_lost.then_some(Abort::ClaimLost).or_else(|| unready(deployment, journal, now))
        }
        (Phase::Claiming, Some(_)) => unready(deployment, journal, now),
        (Phase::Freezing { .. } | Phase::Collecting { .. }, None) => Some(Abort::ClaimLost),
        (Phase::Freezing { collector, .. }, Some(claim)) => {
            let is_suspended = matches!(&observed.collector, Collector::Suspended(it) if it.uid == *collector);
            if !is_suspended {
                return Some(Abort::CollectorLost);
            }
            if !claim.is_frozen {
                return unready(deployment, journal, now);
            }
            thawing(deployment, claim)
                .or_else(|| unheld(observed, claim))
                .or_else(|| is_late(journal, now).then_some(Abort::TooLittleTime))
        }
        (Phase::Collecting { .. }, Some(claim)) => thawing(deployment, claim)
            .or_else(|| unheld(observed, claim))
            .or_else(|| written(observed, now))
            .or_else(|| lost_collector(&observed.collector)),
        (Phase::Thawing { .. } | Phase::Over { .. }, _) => None,
    }
}

/// Before the freeze: the Deployment is not as the preflight found it, or the time is over.
fn unready(deployment: &Deployment, journal: &Journal, now: Timestamp) -> Option<Abort> {
    if deployment.entry != Entry::Absent || deployment.is_paused || deployment.zeroed.is_some() {
        return Some(Abort::Edited);
    }
    is_late(journal, now).then_some(Abort::TooLittleTime)
}

/// Since the freeze: somebody lifted it, wholly or in part.
pub(super) fn thawing(deployment: &Deployment, claim: &Claim) -> Option<Abort> {
    let zeroed = deployment.zeroed_by(&claim.terms.run).is_some();
    let is_lifted = deployment.entry != Entry::ReadOnly || deployment.is_paused != claim.is_paused;
    let is_scaled = zeroed && deployment.replicas != 0;
    // A zero without our mark is somebody else's.
    let is_foreign_zero = claim.terms.strategy == Strategy::ScaleToZero && !zeroed && deployment.replicas == 0;
    (is_lifted || is_scaled || is_foreign_zero).then_some(Abort::FreezeLost)
}

/// Since the freeze: nothing would hold it, or nobody would end it.
fn unheld(observed: &Observed, claim: &Claim) -> Option<Abort> {
    if matches!(observed.keeper, Keeper::Absent | Keeper::OfAnotherRun(_) | Keeper::Ended(_) | Keeper::Ending) {
        return Some(Abort::KeeperLost);
    }
    if observed.pods.iter().any(is_deceptive) {
        return Some(Abort::NotReadOnly);
    }
    unguarded(observed.guard, claim).then_some(Abort::GuardLost)
}

/// Whether the guard was seen not to hold, and is asked for. With `BestEffort` the pause may still come; once the collector
/// may run, it must be there.
pub(super) fn unguarded(guard: Guard, claim: &Claim) -> bool {
    let is_needed = match claim.terms.guard {
        GuardDemand::Required => true,
        GuardDemand::BestEffort => claim.release.is_some() && !claim.is_paused,
    };
    guard == Guard::Absent && is_needed
}

/// While the collector may run: somebody may write.
pub(super) fn written(observed: &Observed, now: Timestamp) -> Option<Abort> {
    observed.pods.iter().any(|pod| pod.may_write(now)).then_some(Abort::FreezeLost)
}

fn is_deceptive(pod: &Pod) -> bool {
    pod.is_frozen && pod.answer == Answer::Writable
}

fn lost_collector(collector: &Collector) -> Option<Abort> {
    match collector {
        Collector::Suspended(_) | Collector::Running(_) | Collector::Ended(_, Report::Succeeded) => None,
        Collector::Ended(_, Report::Failed) => Some(Abort::CollectorFailed),
        Collector::Absent { .. } | Collector::OfAnotherRun { .. } | Collector::Ending => Some(Abort::CollectorLost),
    }
}

fn is_late(journal: &Journal, now: Timestamp) -> bool {
    now > journal.terms.last_release
}
