use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Node, Pod};
use serde_json::{Value, json};

use super::*;
use crate::collection::garbage::{Account, Outcome};
use crate::collection::marks::{READ_ONLY, READ_ONLY_VALUE, RUN, ZEROED};
use crate::collection::protocol::{Collector, Entry, Keeper, MachineState, Report, Run};
use crate::collection::{CONTAINER, LABEL_RUN, PROGRAM};

fn of<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

fn registry(env: &Value) -> Value {
    json!({"metadata": {"name": "registry", "uid": "d", "resourceVersion": "7", "generation": 3},
        "spec": {"selector": {}, "replicas": 2, "template": {"spec": {"containers": [
            {"name": "other", "env": [{"name": READ_ONLY, "value": READ_ONLY_VALUE}]}, {"name": "registry", "env": env}]}}},
        "status": {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}})
}

#[test]
fn an_entry_is_ours_only_if_it_is_the_one_that_we_set() {
    let rows = [
        (json!([]), Entry::Absent),
        (json!([{"name": "X", "value": READ_ONLY_VALUE}]), Entry::Absent),
        (json!([{"name": READ_ONLY, "value": READ_ONLY_VALUE}]), Entry::ReadOnly),
        (json!([{"name": READ_ONLY, "value": "{\"enabled\":false}"}]), Entry::Other),
        (json!([{"name": READ_ONLY}]), Entry::Other),
        (json!([{"name": READ_ONLY, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]), Entry::Other),
        (json!([{"name": READ_ONLY, "value": READ_ONLY_VALUE}, {"name": READ_ONLY, "value": "x"}]), Entry::Other),
    ];
    for (env, entry) in rows {
        let object: Deployment = of(&registry(&env));
        assert_eq!(deployment(&object, "registry").entry, entry, "{env}");
    }
    let object: Deployment = of(&registry(&json!([])));
    assert_eq!(deployment(&object, "gone").entry, Entry::Other);
}

#[test]
fn a_roll_out_is_complete_by_its_counts() {
    let complete = |field: &str, value: Value| {
        let mut object = registry(&json!([]));
        object["status"][field] = value;
        let object: Deployment = of(&object);
        deployment(&object, "registry").rollout.is_done()
    };
    assert!(complete("replicas", json!(2)));
    for (field, value) in [
        ("replicas", json!(3)),
        ("updatedReplicas", Value::Null),
        ("readyReplicas", json!(1)),
        ("availableReplicas", json!(0)),
        ("observedGeneration", json!(2)),
    ] {
        assert!(!complete(field, value.clone()), "{field} {value}");
    }
}

#[test]
fn marks_that_cannot_be_read_are_no_marks_and_are_told() {
    let mut object = registry(&json!([]));
    object["metadata"]["annotations"] = json!({(RUN): "{}", (ZEROED): r#"{"run":"r","replicas":3}"#});
    let marks = Marks::of(&of(&object));
    assert!(marks.is_damaged && marks.claim.is_none());
    assert_eq!(marks.zeroed.map(|zeroed| (zeroed.run, zeroed.replicas)), Some((Run::new("r"), 3)));
    assert_eq!(Marks::of(&of(&registry(&json!([])))), Marks::default());
}

#[test]
fn what_is_applied_by_us_is_told_by_its_manager() {
    let applied = |manager: &str, operation: &str, subresource: Value| {
        let mut object = registry(&json!([]));
        object["metadata"]["managedFields"] =
            json!([{"manager": manager, "operation": operation, "subresource": subresource}]);
        let object: Deployment = of(&object);
        deployment(&object, "registry").is_applied
    };
    assert!(applied("registry-retention", "Apply", Value::Null));
    assert!(!applied("registry-retention", "Update", Value::Null));
    assert!(!applied("helm", "Apply", Value::Null));
    assert!(!applied("registry-retention", "Apply", json!("status")));
}

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn job(status: &Value, suspended: bool) -> Job {
    of(
        &json!({"metadata": {"name": "registry-collector", "uid": "j", "resourceVersion": "1", "labels": {(LABEL_RUN): "r"}},
        "spec": {"suspend": suspended, "template": {}}, "status": status}),
    )
}

fn pod(phase: &str, state: &Value, conditions: &Value) -> Pod {
    let status = json!({"phase": phase, "startTime": "2026-01-01T00:00:00Z", "conditions": conditions, "containerStatuses": [
        {"name": CONTAINER, "state": state, "image": "", "imageID": "", "ready": false, "restartCount": 0}]});
    of(&json!({"metadata": {"name": "p", "uid": "p", "labels": {(LABEL_RUN): "r"}},
        "spec": {"containers": [{"name": CONTAINER, "command": [PROGRAM], "args": ["collector"]}]}, "status": status}))
}

fn told(outcome: Outcome, code: i32) -> Value {
    let line = Account::of(outcome, "Collected", "done".into()).to_line();
    json!({"terminated": {"exitCode": code, "message": format!("words\n{line}\n")}})
}

#[test]
fn a_collector_has_ended_when_its_kubelet_says_so_and_not_before() {
    let run = Run::new("r");
    let see = |job: Option<&Job>, pods: &[Pod]| collector(&run, job, pods, NOW);
    let (new, begun) = (job(&json!({}), true), job(&json!({"startTime": "2026-01-01T00:00:00Z"}), false));
    assert_eq!(see(None, &[]), Collector::Absent { since: NOW });
    assert_eq!(see(Some(&new), &[]), Collector::Suspended(target(&new)));
    // Suspended again by somebody after it ran.
    assert_eq!(
        see(Some(&job(&json!({"startTime": "2026-01-01T00:00:00Z"}), true)), &[]),
        Collector::Running(Uid::new("j"))
    );
    let running = pod("Running", &json!({"running": {}}), &json!([]));
    assert_eq!(see(Some(&begun), std::slice::from_ref(&running)), Collector::Running(Uid::new("j")));
    // Its Job is gone, and it is not.
    assert_eq!(see(None, &[running]), Collector::Ending);
    let ended = |state: &Value, conditions: &Value| see(Some(&begun), &[pod("Failed", state, conditions)]);
    let uid = || Uid::new("j");
    assert_eq!(ended(&told(Outcome::Collected, 0), &json!([])), Collector::Ended(uid(), Report::Succeeded));
    for failed in [told(Outcome::Collected, 1), told(Outcome::Damaged, 0), json!({"terminated": {"exitCode": 0}})] {
        assert_eq!(ended(&failed, &json!([])), Collector::Ended(uid(), Report::Failed), "{failed}");
    }
    // The garbage collector of pods says so of a pod whose Node is lost.
    let lost = json!([{"type": "DisruptionTarget", "status": "True", "reason": "DeletionByPodGC"}]);
    assert_eq!(ended(&json!({"running": {}}), &lost), Collector::Running(uid()));
    assert_eq!(ended(&json!({"terminated": {"exitCode": 1}}), &lost), Collector::Running(uid()));
    let mut other = begun.clone();
    other.metadata.labels.as_mut().unwrap().insert(LABEL_RUN.into(), "another".into());
    assert_eq!(see(Some(&other), &[]), Collector::OfAnotherRun { job: uid(), since: NOW });
}

#[test]
fn a_keeper_is_ready_once_its_pod_says_so() {
    let run = Run::new("r");
    let begun = job(&json!({}), false);
    let ready = |status: &str| {
        let conditions = json!([{"type": "Ready", "status": status}]);
        keeper(&run, Some(&begun), &[pod("Running", &json!({"running": {}}), &conditions)])
    };
    assert_eq!(ready("True"), Keeper::Ready(Uid::new("j")));
    assert_eq!(ready("False"), Keeper::NotReady(Uid::new("j")));
    let over = job(&json!({"conditions": [{"type": "Complete", "status": "True"}]}), false);
    assert_eq!(keeper(&run, Some(&over), &[]), Keeper::Ended(Uid::new("j")));
    assert_eq!(keeper(&Run::new("s"), Some(&begun), &[]), Keeper::OfAnotherRun(Uid::new("j")));
    assert_eq!(keeper(&run, None, &[]), Keeper::Absent);
}

#[test]
fn a_machine_is_told_apart_from_another_of_its_name() {
    let node = |status: &str| -> Node {
        of(&json!({"metadata": {"name": "m", "uid": "n"}, "status": {"conditions": [
            {"type": "Ready", "status": status, "lastTransitionTime": "1970-01-01T00:00:05Z"}]}}))
    };
    let since = Timestamp::from_second(5).unwrap();
    assert_eq!(machine_state(Some(&node("True")), &Uid::new("n")), MachineState::Ready { since });
    assert_eq!(machine_state(Some(&node("Unknown")), &Uid::new("n")), MachineState::NotReady);
    assert_eq!(machine_state(Some(&node("True")), &Uid::new("before")), MachineState::Gone);
    assert_eq!(machine_state(None, &Uid::new("n")), MachineState::Gone);
}

#[test]
fn who_only_reads_is_told_by_what_it_runs() {
    let reads = |command: &str, arguments: &[&str]| {
        let pod: Pod = of(&json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "registry-retention"}},
            "spec": {"containers": [{"name": "a", "command": [command], "args": arguments}]}}));
        is_reader(pod.spec.as_ref().unwrap())
    };
    assert!(reads(PROGRAM, &["inventory", "--detect"]));
    assert!(reads(PROGRAM, &["collector", "--detect", "--dry-run"]));
    assert!(!reads(PROGRAM, &["collector", "--detect"]));
    assert!(!reads("registry", &["inventory"]));
}
