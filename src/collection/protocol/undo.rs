//! The undo follows what stands on the Deployment beside our annotation, and the journal where that is lost; never the
//! spec of a resource.

use super::journal::Run;
use super::observed::Deployment;
use super::step::Effect;

/// The next request that takes back what this run changed; `None` once nothing of it is left. `replicas` are those of
/// the journal.
pub(super) fn undo(run: &Run, deployment: &Deployment, replicas: Option<i32>) -> Option<Effect> {
    let target = deployment.target.clone();
    let zero_is_left = deployment.replicas == 0;
    if let Some(claim) = deployment.claim_of(run) {
        // Once we own nothing, what is left has another owner beside us.
        let left = || Effect::TakeBack(target.clone(), claim.clone());
        return Some(if deployment.is_applied { Effect::Thaw(target.clone()) } else { left() });
    }
    if let Some(zeroed) = deployment.zeroed_by(run) {
        return Some(Effect::Unzero(target, zero_is_left.then_some(zeroed.replicas)));
    }
    // Somebody took the annotations off and left the rest: what we own by apply tells that the rest is ours. A PUT of
    // another manifest leaves none of it, and whatever it says is its author's.
    let is_ours = deployment.claim.is_none() && deployment.zeroed.is_none() && deployment.is_applied;
    match replicas {
        _ if !is_ours => None,
        Some(replicas) if zero_is_left => Some(Effect::Unzero(target, Some(replicas))),
        _ => Some(Effect::Thaw(target)),
    }
}
