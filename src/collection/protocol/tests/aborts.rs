use super::*;

/// What makes the collector end although it runs.
#[test]
fn whatever_goes_wrong_the_collector_is_ended_at_once() {
    type Change = fn(&mut Observed);
    let table: [(&str, Change); 11] = [
        ("the resource is deleted", |seen| seen.request.as_mut().unwrap().is_deleting = true),
        ("it is suspended", |seen| seen.request.as_mut().unwrap().is_withdrawn = true),
        ("the Deployment is gone", |seen| seen.deployment = None),
        ("it is another one", |seen| seen.deployment.as_mut().unwrap().target.uid = Uid::new("other")),
        ("the annotation is gone", |seen| seen.deployment.as_mut().unwrap().claim = None),
        ("the entry is lifted", |seen| seen.deployment.as_mut().unwrap().entry = Entry::Absent),
        ("somebody paused it", |seen| seen.deployment.as_mut().unwrap().is_paused = true),
        ("a pod can write", |seen| seen.pods.push(pod("relabelled", false))),
        ("a frozen pod takes writes", |seen| seen.pods[0].answer = Answer::Writable),
        ("the guard is gone", |seen| seen.guard = Guard::Absent),
        ("the keeper is gone", |seen| seen.keeper = Keeper::Absent),
    ];
    let running = collecting(Strategy::ReadOnly);
    assert_eq!(step(&running, at(0)), Step::Wait(For::Collector));
    let end = Step::Do(Effect::EndCollector(Uid::new("collector")));
    for (name, change) in table {
        let mut seen = running.clone();
        change(&mut seen);
        assert_eq!(step(&seen, at(0)), end, "{name}");
    }
    assert_eq!(step(&running, at(1800)), end, "the deadline");
    let mut scaled = collecting(Strategy::ScaleToZero);
    scaled.deployment.as_mut().unwrap().replicas = 1;
    assert_eq!(step(&scaled, at(0)), end, "somebody scaled it up");
}

#[test]
fn the_thaw_waits_for_a_proof_that_the_collector_is_dead() {
    let mut gone = collecting(Strategy::ReadOnly);
    gone.collector = Collector::Absent { since: at(100) };
    let proof = |until| Step::Wait(For::CollectorProof(until));
    assert_eq!(step(&gone, at(100)), proof(Some(at(160))), "its pod may have been deleted by force");
    gone.machine = MachineState::Ready { since: at(130) };
    assert_eq!(step(&gone, at(160)), proof(Some(at(190))), "its machine was away");
    assert!(
        matches!(step(&gone, at(190)), Step::Do(Effect::Record(_, it)) if matches!(it.phase, Phase::Thawing { .. }))
    );
    for machine in [MachineState::NotReady, MachineState::Gone] {
        gone.machine = machine;
        assert_eq!(step(&gone, at(9999)), proof(None), "{machine:?}");
    }
    gone.deployment.as_mut().unwrap().collector_dead = Some(Run::new("an earlier one"));
    assert_eq!(step(&gone, at(9999)), proof(None));
    gone.deployment.as_mut().unwrap().collector_dead = Some(Run::new("run"));
    assert!(matches!(step(&gone, at(9999)), Step::Do(Effect::Record(..))), "a person vouches");
}

#[test]
fn what_is_remembered_decides_nothing() {
    let mut seen = before(Strategy::ReadOnly);
    seen.depth = Depth::Remembered;
    assert_eq!(step(&seen, at(0)), Step::Look(Depth::Live));
}

#[test]
fn the_annotation_alone_restores() {
    let mut seen = collecting(Strategy::ScaleToZero);
    seen.request = None;
    assert_eq!(step(&seen, at(0)), Step::Do(Effect::EndCollector(Uid::new("collector"))));
    seen.collector = Collector::Absent { since: at(-3600) };
    assert_eq!(step(&seen, at(0)), Step::Do(Effect::Thaw(target("deployment"))));
    let deployment = seen.deployment.as_mut().unwrap();
    (deployment.claim, deployment.is_applied) = (None, false);
    assert_eq!(step(&seen, at(0)), Step::Do(Effect::Unzero(target("deployment"), Some(2))));
}

#[test]
fn the_journal_alone_restores() {
    let mut seen = collecting(Strategy::ReadOnly);
    let end = End::Aborted(Abort::ClaimLost);
    let journal = Journal::new(terms(Strategy::ReadOnly));
    let thawing = Phase::Thawing { replicas: None, end, witnesses: [].into() };
    seen.request.as_mut().unwrap().journal = Some(journal.then(thawing));
    seen.collector = Collector::Absent { since: at(0) };
    seen.deployment.as_mut().unwrap().claim = None;
    assert_eq!(step(&seen, at(0)), Step::Do(Effect::Thaw(target("deployment"))));
    // A PUT of the manifest left nothing of ours.
    let deployment = seen.deployment.as_mut().unwrap();
    (deployment.entry, deployment.is_applied) = (Entry::Other, false);
    assert_eq!(step(&seen, at(0)), Step::Do(Effect::RemoveKeeper(Uid::new("keeper"))));
}

#[test]
fn a_keeper_acts_only_for_its_run() {
    let seen = collecting(Strategy::ReadOnly);
    let mut watched = Watched {
        run: seen.run,
        is_operator_gone: false,
        has_thawed: false,
        guard: seen.guard,
        deployment: seen.deployment,
        collector: seen.collector,
        machine: seen.machine,
        pods: seen.pods,
    };
    let end = Step::Do(Effect::EndCollector(Uid::new("collector")));
    assert_eq!(keep(&watched, at(0)), Step::Wait(For::Trouble));
    assert_eq!(keep(&watched, at(1800)), end);
    watched.is_operator_gone = true;
    assert_eq!(keep(&watched, at(0)), end);
    watched.collector = Collector::Absent { since: at(0) };
    assert_eq!(keep(&watched, at(60)), Step::Do(Effect::Thaw(target("deployment"))));
    watched.run = Run::new("an earlier one");
    assert_eq!(keep(&watched, at(60)), Step::Done(None));
}
