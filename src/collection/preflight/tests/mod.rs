//! Each refusal: one change of a registry that nothing is to be said against.

mod read;
mod told;

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, PersistentVolume, PersistentVolumeClaim, Pod};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::collection::garbage::{Account, Deleted, Outcome};
use crate::collection::protocol::{Answer, Guard, GuardDemand, Strategy};
use crate::collection::{Auth, Listening, Serving, Stored};

fn of<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn owned_by(uid: &str, kind: &str) -> Value {
    json!([{"apiVersion": "x/v1", "kind": kind, "name": "x", "uid": uid, "controller": true}])
}

/// The registry's pod template.
fn template() -> Value {
    json!({
        "containers": [{"name": "registry", "image": "registry:3",
            "volumeMounts": [{"name": "data", "mountPath": "/var/lib/registry"}]}],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
    })
}

/// A pod of it that runs.
fn pod(name: &str, node: &str, spec: &Value) -> Pod {
    let mut spec = spec.clone();
    spec["nodeName"] = json!(node);
    let metadata = json!({"name": name, "uid": name, "ownerReferences": owned_by("rs", "ReplicaSet")});
    of(json!({"metadata": metadata, "spec": spec, "status": {"phase": "Running"}}))
}

/// Somebody else's pod that mounts the claim.
fn foreign_pod(metadata: &Value, phase: &str) -> Pod {
    of(json!({"metadata": metadata, "spec": other(), "status": {"phase": phase}}))
}

/// A pod template that is not the registry's, and has its claim.
fn other() -> Value {
    let volumes = json!([{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]);
    json!({"containers": [{"name": "a", "image": "busybox"}], "volumes": volumes})
}

fn workload(kind: &'static str, metadata: Value, pod: Value) -> Workload {
    Workload { kind, metadata: of(metadata), pod: of(pod) }
}

fn node(name: &str, taints: &Value, conditions: &Value) -> Node {
    of(json!({"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}, "spec": {"taints": taints},
        "status": {"conditions": conditions}}))
}

fn ready(name: &str) -> Node {
    node(name, &json!([]), &json!([{"type": "Ready", "status": "True"}]))
}

fn claim(modes: &[&str]) -> PersistentVolumeClaim {
    of(json!({"spec": {"accessModes": modes}}))
}

/// A volume that these nodes alone have.
fn volume(nodes: &[&str]) -> PersistentVolume {
    let expression = json!({"key": "kubernetes.io/hostname", "operator": "In", "values": nodes});
    let required = json!({"nodeSelectorTerms": [{"matchExpressions": [expression]}]});
    of(json!({"spec": {"nodeAffinity": {"required": required}}}))
}

fn serving() -> Serving {
    Serving { port: 5000, tls: false, prefix: String::new(), auth: Auth::None, read_only: false }
}

fn previewed() -> Account {
    Account {
        serving: Some(Listening::At(serving())),
        stored: Some(Stored::Folder("/var/lib/registry".into())),
        predicted: Some(Deleted { manifests: 0, blobs: 3, bytes: 1000 }),
        predicted_seconds: Some(10.0),
        ..Account::of(Outcome::Previewed, "Previewed", "3 blobs".into())
    }
}

/// Nothing is to be said against this one.
fn sound() -> Facts {
    let spec =
        json!({"selector": {}, "replicas": 1, "strategy": {"type": "Recreate"}, "template": {"spec": template()}});
    let status = json!({"observedGeneration": 3, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1});
    let metadata = json!({"name": "registry", "namespace": "team", "uid": "d", "generation": 3});
    let set = json!({"name": "registry-1", "uid": "rs", "ownerReferences": owned_by("d", "Deployment")});
    Facts {
        name: "team/registry".into(),
        wish: Wish {
            container: None,
            configuration: None,
            strategy: Strategy::ReadOnly,
            guard: GuardDemand::Required,
            store_is_exclusive: false,
            max_read_only: Duration::from_secs(1800),
            minimum_reclaim: None,
        },
        deployment: Some(of(json!({"metadata": metadata, "spec": spec, "status": status}))),
        claims: BTreeMap::from([("data".to_owned(), claim(&["ReadWriteOnce"]))]),
        volumes: BTreeMap::new(),
        pods: vec![pod("registry-1-a", "node-a", &template())],
        workloads: vec![workload("Deployment", metadata.clone(), template()), workload("ReplicaSet", set, template())],
        nodes: vec![ready("node-a"), ready("node-b")],
        guard: Guard::InForce,
        has_keeper_account: true,
        elsewhere: None,
        preview: Preview::Told(Box::new(previewed())),
        answers: Some(BTreeMap::from([("registry-1-a".to_owned(), Ok(Answer::Writable))])),
    }
}

/// Another pod template, in the Deployment and in what comes from it.
fn with_template(template: &Value) -> Facts {
    let mut facts = sound();
    facts.deployment.as_mut().unwrap().spec.template = of(json!({"spec": template}));
    facts.workloads.iter_mut().for_each(|workload| workload.pod = of(template.clone()));
    facts.pods = vec![pod("registry-1-a", "node-a", template)];
    facts
}

fn reasons(facts: &Facts) -> Vec<&'static str> {
    objections(facts).iter().map(Objection::reason).collect()
}

/// There is this one reason, and the text says what was found, what was not done, and what to do.
#[track_caller]
fn is_refused(facts: &Facts, reason: &str, parts: &[&str]) -> Objection {
    let all = objections(facts);
    let [objection] = all.as_slice() else { panic!("one objection, not {all:?}") };
    assert_eq!(objection.reason(), reason, "{objection}");
    let text = objection.to_string();
    for part in parts.iter().chain(&["; nothing was changed"]) {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    objection.clone()
}

#[test]
fn a_sound_registry_passes_before_the_preview_and_after() {
    let mut facts = sound();
    assert_eq!(reasons(&facts), [""; 0]);
    facts.preview = Preview::NotYet;
    facts.answers = None;
    assert_eq!(reasons(&facts), [""; 0]);
}

#[test]
fn everything_is_told_at_once_and_in_order() {
    let mut facts = sound();
    facts.deployment.as_mut().unwrap().spec.paused = Some(true);
    facts.guard = Guard::Absent;
    facts.has_keeper_account = false;
    facts.pods.push(foreign_pod(&json!({"name": "debug"}), "Running"));
    assert_eq!(reasons(&facts), ["Paused", "StoreShared", "GuardAbsent", "KeeperForbidden"]);
}
