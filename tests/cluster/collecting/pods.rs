//! Who may have the claim of a registry while its garbage is collected.

use registry_retention::collection::LABEL_RUN;
use registry_retention::collection::marks::{COLLECTOR_DEAD, READ_ONLY, READ_ONLY_VALUE};
use registry_retention::collection::protocol::{Claim, Strategy};
use serde_json::{Value, json};

use crate::support::{Cluster, eventually};

use super::guarded::{PEOPLE, Who, annotations, claim, entry};
use super::{Guarded, words};

const CREATE: &str = "create --dry-run=server --filename FILE";

#[test]
fn no_foreign_pod_gets_the_claim_of_a_frozen_registry() {
    let cluster = Cluster::up();
    let guarded = Guarded::set(&cluster);
    let run = guarded.collection("team", Strategy::ReadOnly).to_string();
    guarded.collection("without-a-status", Strategy::ReadOnly);
    guarded.collection("before", Strategy::ReadOnly);
    guarded.is_at("before", "Collected", &["registry"]);
    let create = |who, pod: &Value| guarded.tried(who, CREATE, pod);
    let foreign = pod(&json!([]), "registry");

    for phase in ["Waiting", "Claiming", "Thawing", "Collected", "Failed", "Refused"] {
        guarded.is_at("team", phase, &["registry"]);
        eventually(phase, || create(Who::Owner, &foreign).ok());
    }
    guarded.is_at("team", "Freezing", &["registry"]);
    eventually("foreign pods are refused", || create(Who::Owner, &foreign).err().filter(|error| words(error)));
    let frozen = claim(&run, Strategy::ReadOnly).frozen();
    guarded.freeze(&frozen);
    guarded.is_at("team", "Collecting", &["registry", "more"]);
    eventually("the other claim as well", || create(Who::Owner, &pod(&json!([]), "more")).err().filter(|it| words(it)));
    for pod in foreign_pods(&run) {
        for who in PEOPLE {
            let error = create(who, &pod).expect_err("it is foreign");
            assert!(words(&error), "{pod}: {error}");
        }
    }
    for pod in harmless_pods() {
        create(Who::Owner, &pod).unwrap_or_else(|error| panic!("{pod}: {error}"));
    }

    // The collector of this run, made by the Job's controller, and no other.
    for (name, run, is_admitted) in
        [("registry-collector", &*run, true), ("registry-other", &*run, false), ("b-collector", "r2", false)]
    {
        guarded.tried(Who::Operator, "create --filename FILE", &job(name, run)).expect("the operator may create Jobs");
        let label = format!("batch.kubernetes.io/job-name={name}");
        eventually(name, || {
            let pods = cluster.get_json(&["pods", "-n", "registry", "-l", &label]);
            let events = [
                "events",
                "-n",
                "registry",
                "--field-selector",
                &format!("involvedObject.name={name},reason=FailedCreate"),
            ];
            let refused = cluster.get_json(&events)["items"][0]["message"].as_str().is_some_and(words);
            let admitted = !pods["items"][0].is_null();
            assert!(!(if is_admitted { refused } else { admitted }), "{name}");
            (refused || admitted).then_some(())
        });
    }

    debugged_in_vain(&guarded);
    recreated_frozen(&guarded, &frozen);

    // Whoever vouches for the collector's end lets writers in, but not for another run.
    let vouch = |run: &str| {
        let line = "patch registrycollection team --type=merge --patch-file FILE";
        guarded.tried(Who::Administrator, line, &annotations(&json!({COLLECTOR_DEAD: run}))).expect("it is patched");
    };
    vouch("r2");
    create(Who::Owner, &foreign).expect_err("that is another run");
    vouch(&run);
    eventually("foreign pods are admitted", || create(Who::Owner, &foreign).ok());
}

/// No container that is added to a running pod gets the claim.
fn debugged_in_vain(guarded: &Guarded<'_>) {
    let cluster = guarded.cluster;
    let pods = cluster.get_json(&["pods", "-n", "registry", "-l", "app=registry"]);
    let mut pod = pods["items"][0].clone();
    let name = pod["metadata"]["name"].as_str().expect("a name").to_owned();
    let path = format!("/api/v1/namespaces/registry/pods/{name}/ephemeralcontainers");
    let line = format!("replace --raw {path} --filename FILE");
    let mut container = json!({"name": "debug", "image": "localhost/busybox:1", "command": ["/bin/busybox", "true"]});
    container["volumeMounts"] = json!([{"name": "data", "mountPath": "/store"}]);
    container["env"] = json!([entry(READ_ONLY_VALUE)]);
    pod["spec"]["ephemeralContainers"] = json!([container]);
    let error = guarded.tried(Who::Administrator, &line, &pod).expect_err("it mounts the claim");
    assert!(words(&error), "{error}");
    container["volumeMounts"] = json!([]);
    pod["spec"]["ephemeralContainers"] = json!([container]);
    guarded.tried(Who::Administrator, &line, &pod).expect("it mounts nothing");
}

/// Whatever is deleted of the Deployment's, what comes in its place is frozen, or is refused.
fn recreated_frozen(guarded: &Guarded<'_>, frozen: &Claim) {
    let cluster = guarded.cluster;
    let list = || cluster.get_json(&["pods", "-n", "registry", "-l", "app=registry"])["items"].clone();
    let uid = list()[0]["metadata"]["uid"].clone();
    let runs = |pod: &Value| pod["metadata"]["uid"] != uid && pod["status"]["phase"] == "Running";
    // A paused Deployment makes no ReplicaSet, and gives pods to the one from before the freeze.
    guarded.apply(Who::Operator, Some(&frozen.clone().paused())).expect("the operator may pause");
    let sets = cluster.get_json(&["replicasets", "-n", "registry", "-l", "app=registry"]);
    let mut sets = sets["items"].as_array().into_iter().flatten();
    let set = sets.find(|set| is_frozen(&set["spec"]["template"])).expect("it was rolled out");
    cluster.kubectl(&["delete", "replicaset", set["metadata"]["name"].as_str().expect("a name"), "-n", "registry"]);
    let events = ["events", "-n", "registry", "--field-selector", "involvedObject.kind=ReplicaSet,reason=FailedCreate"];
    eventually("the writable pod is refused", || {
        cluster.get_json(&events)["items"][0]["message"].as_str().filter(|it| words(it)).map(|_| ())
    });
    assert!(!list().as_array().expect("a list").iter().any(runs));

    guarded.apply(Who::Operator, Some(frozen)).expect("the operator may resume");
    eventually("another pod runs", || {
        let pods = list();
        let all = pods.as_array().expect("a list");
        assert!(all.iter().all(is_frozen), "{pods}");
        all.iter().any(runs).then_some(())
    });
}

fn is_frozen(pod: &Value) -> bool {
    let env = pod["spec"]["containers"][0]["env"].as_array();
    env.is_some_and(|env| env.contains(&entry(READ_ONLY_VALUE)))
}

/// A pod that mounts a claim, with this environment.
fn pod(env: &Value, claim: &str) -> Value {
    let container = json!({"name": "main", "image": "localhost/busybox:1", "command": ["/bin/busybox", "true"], "env": env,
        "volumeMounts": [{"name": "claim", "mountPath": "/store"}]});
    let spec = json!({"restartPolicy": "Never", "containers": [container],
        "volumes": [{"name": "claim", "persistentVolumeClaim": {"claimName": claim}}]});
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod", "namespace": "registry"}, "spec": spec})
}

fn foreign_pods(run: &str) -> Vec<Value> {
    let frozen = || pod(&json!([entry(READ_ONLY_VALUE)]), "registry");
    let mut beside = frozen();
    let main = pod(&json!([]), "registry")["spec"]["containers"][0].clone();
    let named = |name: &str| {
        let mut container = main.clone();
        container["name"] = json!(name);
        container
    };
    beside["spec"]["containers"].as_array_mut().expect("a list").push(named("beside"));
    let mut before = frozen();
    before["spec"]["initContainers"] = json!([named("before")]);
    let mut block = frozen();
    let mut device = named("device");
    device["volumeMounts"] = Value::Null;
    device["volumeDevices"] = json!([{"name": "claim", "devicePath": "/dev/store"}]);
    block["spec"]["containers"].as_array_mut().expect("a list").push(device);
    let mut disguised = pod(&json!([]), "registry");
    disguised["metadata"]["labels"] = json!({LABEL_RUN: run});
    disguised["metadata"]["ownerReferences"] = json!([{"apiVersion": "batch/v1", "kind": "Job",
        "name": "registry-collector", "uid": "00000000-0000-0000-0000-000000000000", "controller": true}]);
    vec![
        pod(&json!([]), "registry"),
        pod(&json!([entry(r#"{"enabled":false}"#)]), "registry"),
        pod(&json!([entry(READ_ONLY_VALUE), entry("{}")]), "registry"),
        pod(&json!([{"name": READ_ONLY}]), "registry"),
        pod(&json!([{"name": READ_ONLY, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]), "registry"),
        beside,
        before,
        block,
        disguised,
    ]
}

fn harmless_pods() -> Vec<Value> {
    let mut nothing = pod(&json!([]), "registry");
    nothing["spec"]["volumes"] = Value::Null;
    nothing["spec"]["containers"][0]["volumeMounts"] = Value::Null;
    let mut empty = pod(&json!([]), "registry");
    empty["spec"]["volumes"] = json!([{"name": "claim", "emptyDir": {}}]);
    let mut aside = pod(&json!([entry(READ_ONLY_VALUE)]), "registry");
    let other = json!({"name": "aside", "image": "localhost/busybox:1"});
    aside["spec"]["containers"].as_array_mut().expect("a list").push(other);
    vec![pod(&json!([]), "other"), nothing, empty, pod(&json!([entry(READ_ONLY_VALUE)]), "registry"), aside]
}

/// A Job of this run whose pod mounts the claim.
fn job(name: &str, run: &str) -> Value {
    let spec = pod(&json!([]), "registry")["spec"].clone();
    let labels = json!({LABEL_RUN: run});
    let template = json!({"metadata": {"labels": labels}, "spec": spec});
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "registry", "labels": labels},
        "spec": {"backoffLimit": 0, "template": template}})
}
