mod aborts;
mod stored;
mod way;

use jiff::{SignedDuration, Timestamp};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn target(uid: &str) -> Target {
    Target { uid: Uid::new(uid), version: Version::new("1") }
}

fn machine() -> Machine {
    Machine { name: "node".into(), uid: Uid::new("node") }
}

fn pod(uid: &str, is_frozen: bool) -> Pod {
    let answer = if is_frozen { Answer::ReadOnly } else { Answer::Writable };
    Pod { uid: Uid::new(uid), machine: machine(), is_frozen, life: Life::Running, answer }
}

fn terms(strategy: Strategy) -> Terms {
    Terms {
        run: Run::new("run"),
        deployment: Uid::new("deployment"),
        strategy,
        guard: GuardDemand::Required,
        last_release: at(1800 - 300),
        deadline: at(1800),
    }
}

fn release() -> Release {
    Release { job: Uid::new("collector"), machine: machine() }
}

/// A registry as the preflight left it.
fn before(strategy: Strategy) -> Observed {
    Observed {
        depth: Depth::Proved,
        run: Run::new("run"),
        preflight: Preflight::Passed,
        is_taken: false,
        guard: Guard::InForce,
        request: Some(Request {
            target: target("request"),
            is_deleting: false,
            is_withdrawn: false,
            has_finalizer: false,
            asks: Asks {
                strategy,
                guard: GuardDemand::Required,
                max_read_only: SignedDuration::from_mins(30),
                expected: SignedDuration::from_mins(5),
            },
            journal: None,
        }),
        deployment: Some(Deployment {
            target: target("deployment"),
            rollout: Rollout { generation: 1, observed_generation: 1, is_complete: true },
            entry: Entry::Absent,
            is_paused: false,
            replicas: 2,
            claim: None,
            zeroed: None,
            is_applied: false,
            collector_dead: None,
        }),
        keeper: Keeper::Absent,
        collector: Collector::Absent { since: at(-3600) },
        machine: MachineState::Ready { since: at(-3600) },
        watched_since: at(-3600),
        pods: vec![pod("old", false)],
    }
}

/// While the collector runs.
fn collecting(strategy: Strategy) -> Observed {
    let mut seen = before(strategy);
    let journal = Journal::new(terms(strategy)).then(Phase::Collecting { replicas: 2, release: release() });
    let request = seen.request.as_mut().unwrap();
    (request.has_finalizer, request.journal) = (true, Some(journal));
    let deployment = seen.deployment.as_mut().unwrap();
    deployment.claim = Some(Claim::new(terms(strategy)).frozen().releasing(release()));
    (deployment.entry, deployment.is_applied) = (Entry::ReadOnly, true);
    seen.pods = vec![pod("new", true)];
    if strategy == Strategy::ScaleToZero {
        deployment.replicas = 0;
        deployment.zeroed = Some(Zeroed { run: Run::new("run"), replicas: 2 });
        seen.pods.clear();
    }
    seen.keeper = Keeper::Ready(Uid::new("keeper"));
    seen.collector = Collector::Running(Uid::new("collector"));
    seen
}
