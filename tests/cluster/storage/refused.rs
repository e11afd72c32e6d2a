use std::thread;
use std::time::Duration;

use registry_retention::cluster::InventoryError;
use serde_json::{Value, json};

use super::{assert_nothing_left, inventory};
use crate::registries::{Artifact, Version};
use crate::support::{Cluster, RegistryPod, eventually};

/// A Deployment named `registry` with this storage, which need not run.
fn deploy(cluster: &Cluster, namespace: &str, mut container: Value, volumes: &Value) {
    container["name"] = json!("registry");
    container["image"] = json!("localhost/registry:3.1");
    let template = json!({"metadata": {"labels": {"app": "registry"}},
        "spec": {"containers": [container], "volumes": volumes}});
    let items = json!([
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "registry", "namespace": namespace},
         "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "registry"}}, "template": template}},
    ]);
    cluster.apply(&json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string());
}

#[track_caller]
fn is_refused(cluster: &Cluster, namespace: &str, reason: &str, parts: &[&str]) -> InventoryError {
    let error = cluster.block_on(inventory(cluster, namespace)).expect_err("there is no inventory");
    assert_eq!(error.reason(), reason, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "{part:?} is not in {error}");
    }
    assert_nothing_left(cluster, namespace);
    error
}

#[test]
fn what_no_job_can_read_is_refused_with_a_reason() {
    let cluster = Cluster::up();
    is_refused(&cluster, "default", "DeploymentNotFound", &["default/registry"]);

    let empty_dir = json!([{"name": "data", "emptyDir": {}}]);
    let mounts = json!([{"name": "data", "mountPath": "/var/lib/registry"}]);
    deploy(&cluster, "plain", json!({"volumeMounts": mounts}), &empty_dir);
    is_refused(&cluster, "plain", "StoreNotShared", &["its volume data", "emptyDir", "PersistentVolumeClaim"]);

    // Where the template does not tell, the program in the Job does.
    let from = json!([{"configMapRef": {"name": "more", "optional": true}}]);
    deploy(&cluster, "other", json!({"volumeMounts": mounts, "envFrom": from}), &empty_dir);
    is_refused(&cluster, "other", "StoreNotShared", &["/var/lib/registry: the storage lies on no volume"]);
    let gcs = json!([{"name": "REGISTRY_STORAGE", "value": "{gcs: {bucket: b}}"}]);
    deploy(&cluster, "gcs", json!({"env": gcs}), &json!([]));
    is_refused(&cluster, "gcs", "ConfigurationUnusable", &["\"gcs\" cannot be read"]);
    let absent = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "absent"}}]);
    deploy(&cluster, "absent", json!({"volumeMounts": mounts}), &absent);
    is_refused(&cluster, "absent", "ClaimNotFound", &["the claim absent"]);
    deploy(&cluster, "shell", json!({"command": ["sh", "-c", "registry serve /x"]}), &json!([]));
    is_refused(&cluster, "shell", "EntryPointUnknown", &["EXECUTABLE serve FILE"]);

    // Somebody's Job of that name stays.
    let pod = json!({"restartPolicy": "Never", "containers": [{"name": "a", "image": "localhost/busybox:1"}]});
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "registry-inventory", "namespace": "other"},
        "spec": {"suspend": true, "template": {"spec": pod}}});
    cluster.apply(&job.to_string());
    is_refused(&cluster, "other", "JobInTheWay", &["Job other/registry-inventory", "delete it"]);
    cluster.get_json(&["job/registry-inventory", "-n", "other"]);
}

#[test]
fn a_job_that_somebody_deletes_gives_no_inventory_and_leaves_nothing() {
    let cluster = Cluster::up();
    let registry = RegistryPod::start(&cluster, Version::V3_1);
    cluster.block_on(registry.pusher().push("app", "v1", &Artifact::image("one").build()));
    let init = json!([{"name": "slow", "image": "localhost/busybox:1", "command": ["sleep", "20"]}]);
    let patch = json!({"spec": {"template": {"spec": {"initContainers": init, "terminationGracePeriodSeconds": 1}}}});
    cluster.kubectl(&["patch", "deployment/registry", "-n", "registry", "-p", &patch.to_string()]);
    registry.wait_ready(&cluster);

    let delete = |what: &str, more: &[&str]| {
        eventually("the Job's pod is there", || {
            let label = "batch.kubernetes.io/job-name=registry-inventory";
            let pods = cluster.get_json(&["pods", "-n", "registry", "-l", label]);
            (!pods["items"].as_array()?.is_empty()).then_some(())
        });
        cluster.kubectl(&[&["delete", what, "-n", "registry", "--wait=false"], more].concat());
    };
    let selected = ["-l", "batch.kubernetes.io/job-name=registry-inventory"];
    for (what, more) in [("job/registry-inventory", &[][..]), ("pods", &selected)] {
        let error = thread::scope(|scope| {
            let deleting = scope.spawn(move || delete(what, more));
            let read = cluster.block_on(inventory(&cluster, "registry"));
            deleting.join().expect("it was deleted");
            read.expect_err("no inventory")
        });
        assert!(["JobGone", "JobNotStarted"].contains(&error.reason()), "{what}: {error}");
        assert!(error.is_transient());
        assert_nothing_left(&cluster, "registry");
    }
    // A Job that was left by an operator that died is no obstacle.
    let read = cluster.block_on(async {
        let read = || Box::pin(inventory(&cluster, "registry"));
        let first = tokio::time::timeout(Duration::from_secs(5), read());
        assert!(first.await.is_err(), "it is given up in the middle");
        read().await
    });
    assert_eq!(read.expect("an inventory").repositories.len(), 1);
    assert_nothing_left(&cluster, "registry");
}
