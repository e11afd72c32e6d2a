//! A run in which nothing goes wrong, request by request: an API server in ten lines carries each of them out.

use super::*;

/// What a request makes of the world; and what the cluster then does by itself.
fn carry_out(seen: &mut Observed, effect: &Effect) -> &'static str {
    let request = seen.request.as_mut().unwrap();
    let deployment = seen.deployment.as_mut().unwrap();
    match effect {
        Effect::AddFinalizer(_) => request.has_finalizer = true,
        Effect::RemoveFinalizer(_) => request.has_finalizer = false,
        Effect::Record(_, journal) => {
            request.journal = Some(journal.clone());
            return match journal.phase {
                Phase::Claiming => "record Claiming",
                Phase::Freezing { .. } => "record Freezing",
                Phase::Collecting { .. } => "record Collecting",
                Phase::Thawing { .. } => "record Thawing",
                Phase::Over { .. } => "record Over",
            };
        }
        Effect::CreateKeeper(_) => seen.keeper = Keeper::Ready(Uid::new("keeper")),
        Effect::RemoveKeeper(_) => seen.keeper = Keeper::Absent,
        Effect::CreateCollector(_) => seen.collector = Collector::Suspended(target("collector")),
        Effect::ReleaseCollector(..) => seen.collector = Collector::Ended(Uid::new("collector"), Report::Succeeded),
        Effect::EndCollector(_) => seen.collector = Collector::Absent { since: at(0) },
        Effect::Apply(_, claim) => {
            deployment.claim = Some(claim.clone());
            deployment.is_applied = true;
            (deployment.is_paused, seen.guard) = (claim.is_paused, seen.guard);
            if claim.is_frozen {
                deployment.entry = Entry::ReadOnly;
                seen.pods = vec![pod("new", true)];
            }
            return match claim {
                Claim { release: Some(_), .. } => "apply: claim the release",
                Claim { is_paused: true, .. } => "apply: pause",
                Claim { is_frozen: true, .. } => "apply: freeze",
                _ => "apply: claim",
            };
        }
        Effect::Thaw(_) => {
            (deployment.claim, deployment.entry, deployment.is_applied) = (None, Entry::Absent, false);
            deployment.is_paused = false;
            seen.pods = vec![pod("newest", false)];
        }
        Effect::Zero(_, zeroed) => {
            (deployment.replicas, deployment.zeroed) = (0, Some(zeroed.clone()));
            seen.pods.clear();
        }
        Effect::Unzero(_, replicas) => {
            (deployment.replicas, deployment.zeroed) = (replicas.unwrap(), None);
        }
        Effect::TakeBack(..) | Effect::Close(_) => unreachable!("not on this way"),
    }
    match effect {
        Effect::AddFinalizer(_) => "add the finalizer",
        Effect::RemoveFinalizer(_) => "remove the finalizer",
        Effect::CreateKeeper(_) => "create the keeper",
        Effect::RemoveKeeper(_) => "remove the keeper",
        Effect::CreateCollector(_) => "create the collector, suspended",
        Effect::ReleaseCollector(..) => "release the collector",
        Effect::EndCollector(_) => "delete the collector",
        Effect::Thaw(_) => "thaw",
        Effect::Zero(..) => "scale to zero",
        Effect::Unzero(..) => "restore the replicas",
        _ => unreachable!("named above"),
    }
}

fn way(mut seen: Observed) -> Vec<&'static str> {
    let before = seen.deployment.clone();
    let mut way = Vec::new();
    loop {
        match step(&seen, at(0)) {
            Step::Do(effect) => way.push(carry_out(&mut seen, &effect)),
            Step::Done(Some(End::Collected)) => break,
            other => panic!("{other:?} after {way:?}"),
        }
    }
    assert_eq!(seen.deployment, before, "restored");
    way
}

const BEGINNING: [&str; 7] = [
    "add the finalizer",
    "record Claiming",
    "apply: claim",
    "create the keeper",
    "create the collector, suspended",
    "record Freezing",
    "apply: freeze",
];
const RELEASE: [&str; 3] = ["record Collecting", "apply: claim the release", "release the collector"];
const THAW: [&str; 3] = ["record Thawing", "delete the collector", "thaw"];
const END: [&str; 3] = ["remove the keeper", "record Over", "remove the finalizer"];

#[test]
fn a_guarded_registry_is_frozen_and_thawed() {
    let expected = [&BEGINNING[..], &RELEASE, &THAW, &END].concat();
    assert_eq!(way(before(Strategy::ReadOnly)), expected);
}

#[test]
fn a_registry_scaled_to_zero_gets_its_replicas_back() {
    let expected = [&BEGINNING[..], &["scale to zero"], &RELEASE, &THAW, &["restore the replicas"], &END].concat();
    assert_eq!(way(before(Strategy::ScaleToZero)), expected);
}

#[test]
fn without_a_guard_it_is_paused_once_it_is_drained() {
    let mut seen = before(Strategy::ReadOnly);
    seen.guard = Guard::Absent;
    seen.request.as_mut().unwrap().asks.guard = GuardDemand::BestEffort;
    let expected = [&BEGINNING[..], &["apply: pause"], &RELEASE, &THAW, &END].concat();
    assert_eq!(way(seen), expected);
}
