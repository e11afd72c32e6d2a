//! What becomes of a Deployment's template, and what is refused.

mod refused;
mod shape;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use serde_json::{Value, json};

use super::*;

/// A Deployment named `registry` whose pods are of this.
fn deployment(pod: &Value) -> Deployment {
    let spec = json!({"selector": {}, "template": {"spec": pod}});
    let metadata = json!({"name": "registry", "namespace": "team", "uid": "u-1"});
    serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap()
}

/// A pod whose container has this besides its name.
fn of_container(mut container: Value, volumes: &Value) -> Value {
    container["name"] = json!("registry");
    json!({"containers": [container], "volumes": volumes})
}

/// A claim at the official root directory.
fn with_claim(container: Value) -> Value {
    let mut pod = of_container(container, &json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]));
    pod["containers"][0]["volumeMounts"] = json!([{"name": "data", "mountPath": "/var/lib/registry"}]);
    pod
}

fn one_node() -> Claims {
    [("data".to_owned(), AccessMode::OneNode)].into()
}

/// The Job that reads the storage, for pods that run on `nodes`.
fn inventory(deployment: &Deployment, claims: &Claims, nodes: &[&str]) -> Result<Job, Refusal> {
    let template = Template::of(deployment, None, None)?;
    let place = template.place(claims, nodes.iter().map(ToString::to_string))?;
    Ok(job(&template, &place, &Errand::inventory(&template, "run-1", "example.com/ours:1", 3600)))
}

/// Its pod as JSON.
fn pod_of(pod: &Value) -> Value {
    let job = inventory(&deployment(pod), &one_node(), &["node-a"]).unwrap();
    serde_json::to_value(job.spec.unwrap().template).unwrap()
}
