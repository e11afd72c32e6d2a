//! What dies, is deleted or is called off in the middle of a collection: the registry is writable again in the end, always.

use serde_json::json;

use super::Collection;
use super::Stage;
use crate::support::{Cluster, Operator, eventually};

#[test]
fn whatever_dies_in_the_middle_the_registry_is_writable_again() {
    let cluster = Cluster::up();
    let stages = Stage::set_both(&cluster);
    let operator = Operator::install(&cluster, &["namespaces={old,new}"]);
    // Each on both registries at once: what is waited for is waited for once.
    let each = |name: &str, during: &dyn Fn(&Stage<'_>), phase: &str, reason: &str| {
        let held: Vec<Collection<'_>> = stages.iter().map(|stage| stage.collect_and_hold(name, &json!({}))).collect();
        stages.iter().for_each(Stage::is_held);
        stages.iter().for_each(during);
        for (stage, collection) in stages.iter().zip(&held) {
            if phase == "Collected" {
                stage.let_go();
            }
            let ended = collection.ended();
            if phase != "Collected" {
                stage.let_go();
            }
            let ready = collection.conditions().first().cloned().unwrap_or_default();
            assert!(ready.ends_with(reason), "{name}: {ready}: {ended:?}");
            assert_eq!(ended.phase.as_deref(), Some(phase), "{name}: {ended:?}");
            stage.assert_as_before(name);
            collection.delete();
        }
    };
    each("collector-killed", &|stage| kill(stage, "job-name=registry-collector"), "Failed", "CollectorFailed");
    let delete_collector = |stage: &Stage<'_>| {
        stage.kubectl(&["delete", "pod", "-l", "job-name=registry-collector", "--wait=false"]);
    };
    each("collector-deleted", &delete_collector, "Failed", "");
    let delete_job = |stage: &Stage<'_>| {
        stage.kubectl(&["delete", "job", "registry-collector", "--wait=false"]);
    };
    each("job-deleted", &delete_job, "Failed", "CollectorLost");
    let suspend = |stage: &Stage<'_>| {
        stage.kubectl(&["patch", "rrc", "suspended", "--type=merge", "-p", r#"{"spec":{"suspend":true}}"#]);
    };
    each("suspended", &suspend, "Failed", "Withdrawn");
    let delete_keeper = |stage: &Stage<'_>| {
        stage.kubectl(&["delete", "job", "registry-keeper", "--wait=false"]);
    };
    each("keeper-deleted", &delete_keeper, "Failed", "KeeperLost");
    // The one that comes in its place is read-only as well.
    let delete_registry = |stage: &Stage<'_>| {
        stage.kubectl(&["delete", "pod", "-l", "app=registry", "--wait=false"]);
    };
    each("registry-pod-deleted", &delete_registry, "Collected", "Collected");
    let delete_replica_set = |stage: &Stage<'_>| {
        stage.kubectl(&["delete", "replicaset", "-l", "app=registry", "--wait=false"]);
    };
    each("replica-set-deleted", &delete_replica_set, "Collected", "Collected");
    each("people-refused", &people_are_refused, "Collected", "Collected");
    let kill_operator = |_: &Stage<'_>| operator.kill();
    each("operator-killed", &kill_operator, "Collected", "Collected");
}

/// The guard keeps the registry read-only, whoever comes; what does not touch that is nobody's affair.
fn people_are_refused(stage: &Stage<'_>) {
    for lift in [
        ["set", "env", "deployment/registry", "REGISTRY_STORAGE_MAINTENANCE_READONLY-"].as_slice(),
        &["rollout", "undo", "deployment/registry"],
        &["rollout", "pause", "deployment/registry"],
        &["annotate", "deployment/registry", "registry-retention.dev/run-"],
    ] {
        let refused = stage.try_kubectl(lift).expect_err("the guard refuses it");
        assert!(refused.contains("registry-retention guards this registry"), "{lift:?}: {refused}");
    }
}

fn kill(stage: &Stage<'_>, selector: &str) {
    // The kubelet tells of it a moment after it was started.
    let id = eventually("its container runs", || {
        let pods = stage.cluster.get_json(&["pods", "-n", stage.registry.namespace(), "-l", selector]);
        pods["items"][0]["status"]["containerStatuses"][0]["containerID"].as_str().map(str::to_owned)
    });
    stage.cluster.kill_container(&id);
}
