use jiff::Timestamp;

use super::death::Death;
use super::journal::Run;
use super::observed::{Collector, Deployment, Guard, MachineState, Pod};
use super::step::{Effect, For, Step};
use super::trouble::{thawing, unguarded};
use super::undo::undo;

/// The world as a keeper reads it: always live, in the order of the fields.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Watched {
    /// The run that it is the keeper of.
    pub run: Run,
    /// The operator did not renew its lease for too long, by the keeper's own monotonic clock.
    pub is_operator_gone: bool,
    /// This very process has thawed; or the resource still says that the run goes on, which nobody corrected.
    pub has_thawed: bool,
    /// Whether the admission guard holds.
    pub guard: Guard,
    /// The Deployment.
    pub deployment: Option<Deployment>,
    /// The collector's Job, and what there is of its pod.
    pub collector: Collector,
    /// The machine that the claim names.
    pub machine: MachineState,
    /// Every pod that has the store, but for the collector's.
    pub pods: Vec<Pod>,
}

/// The one next thing that a keeper does. It touches the Deployment only while its annotations name its run, and the
/// collector only if it is of its run.
pub fn keep(watched: &Watched, now: Timestamp) -> Step {
    let run = &watched.run;
    let named = watched.deployment.as_ref();
    let named = named.filter(|it| it.claim_of(run).is_some() || it.zeroed_by(run).is_some());
    let Some(deployment) = named else { return leave(watched) };
    if !must_thaw(watched, deployment, now) {
        return Step::Wait(For::Trouble);
    }
    let release = deployment.claim_of(run).and_then(|claim| claim.release.as_ref());
    let is_vouched = deployment.collector_dead.as_ref() == Some(run);
    let death = Death { collector: &watched.collector, release, machine: watched.machine, is_vouched };
    if let Some(step) = death.prove(now) {
        return step;
    }
    undo(run, deployment, None).map_or(Step::Done(None), Step::Do)
}

fn must_thaw(watched: &Watched, deployment: &Deployment, now: Timestamp) -> bool {
    // A zero without its claim is what a thaw has left.
    let Some(claim) = deployment.claim_of(&watched.run) else { return true };
    let is_lifted = claim.is_frozen && thawing(deployment, claim).is_some();
    let is_written = claim.release.is_some() && watched.pods.iter().any(|pod| pod.may_write(now));
    let is_unguarded = claim.is_frozen && unguarded(watched.guard, claim);
    watched.is_operator_gone || now >= claim.terms.deadline || is_lifted || is_written || is_unguarded
}

/// The annotations do not name its run: there is nothing to thaw, and nothing that a collector of its run may do.
fn leave(watched: &Watched) -> Step {
    match &watched.collector {
        Collector::Suspended(job) => Step::Do(Effect::EndCollector(job.uid.clone())),
        Collector::Running(job) => Step::Do(Effect::EndCollector(job.clone())),
        Collector::Absent { .. } if watched.has_thawed && watched.is_operator_gone => {
            Step::Do(Effect::Close(watched.run.clone()))
        }
        Collector::Ending => Step::Wait(For::CollectorGone),
        Collector::Absent { .. } | Collector::OfAnotherRun { .. } | Collector::Ended(..) => Step::Done(None),
    }
}
