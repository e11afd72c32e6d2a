use registry_retention::api::{RegistryCollection, RegistryCollectionStatus};
use serde_json::{Value, json};

use crate::support::{Cluster, eventually};

/// A `RegistryCollection`, as people see it.
pub struct Collection<'a> {
    cluster: &'a Cluster,
    namespace: String,
    name: String,
}

impl<'a> Collection<'a> {
    /// Creates one of the Deployment `registry`, with more fields of the spec.
    pub fn create(cluster: &'a Cluster, namespace: &str, name: &str, spec: &Value) -> Self {
        let metadata = json!({"name": name, "namespace": namespace});
        let mut all = json!({"deploymentRef": {"name": "registry"}});
        for (field, value) in spec.as_object().into_iter().flatten() {
            all[field] = value.clone();
        }
        let (version, kind) = ("registry-retention.dev/v1alpha1", "RegistryCollection");
        cluster.apply(&json!({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": all}).to_string());
        Self { cluster, namespace: namespace.into(), name: name.into() }
    }

    /// It and its status.
    pub fn get(&self) -> RegistryCollection {
        let resource = format!("registrycollection/{}", self.name);
        serde_json::from_value(self.cluster.get_json(&[&resource, "-n", &self.namespace]))
            .expect("a RegistryCollection")
    }

    /// What the operator says of it.
    pub fn status(&self) -> RegistryCollectionStatus {
        self.get().status.unwrap_or_default()
    }

    /// Waits until it has one of these phases.
    pub fn until(&self, phases: &[&str]) -> RegistryCollectionStatus {
        eventually(&format!("{} is {phases:?}", self.name), || {
            let status = self.status();
            let phase = status.phase.clone().unwrap_or_default();
            phases.contains(&phase.as_str()).then_some(status)
        })
    }

    /// Waits for its end, and that nothing of it is left to be done.
    pub fn ended(&self) -> RegistryCollectionStatus {
        self.until(&["Collected", "Failed"]);
        eventually("its finalizer is off", || {
            self.get().metadata.finalizers.unwrap_or_default().is_empty().then_some(())
        });
        self.status()
    }

    /// Deletes it, and returns when it is gone.
    pub fn delete(&self) {
        self.cluster.kubectl(&["delete", "registrycollection", &self.name, "-n", &self.namespace]);
    }

    /// `Ready=True Collected`, and so on.
    pub fn conditions(&self) -> Vec<String> {
        let conditions = self.status().conditions;
        conditions.iter().map(|it| format!("{}={} {}", it.type_, it.status, it.reason)).collect()
    }
}

/// The spec of the Deployment `registry`, and what stands on it of ours.
pub fn deployment(cluster: &Cluster, namespace: &str) -> (Value, Vec<String>) {
    let deployment = cluster.get_json(&["deployment/registry", "-n", namespace]);
    let annotations = deployment["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
    let ours = annotations.keys().filter(|name| name.starts_with("registry-retention.dev/")).cloned().collect();
    (deployment["spec"].clone(), ours)
}

/// Nothing of ours is left in the namespace but the resources themselves.
pub fn assert_nothing_left(cluster: &Cluster, namespace: &str) {
    eventually("no Job and no Lease is left", || {
        let names = cluster.kubectl(&["get", "jobs,leases", "-n", namespace, "-o", "name"]);
        names.trim().is_empty().then_some(())
    });
    assert_eq!(deployment(cluster, namespace).1, [""; 0]);
    let managers = cluster.get_json(&["deployment/registry", "-n", namespace, "--show-managed-fields"]);
    let managers = managers["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    assert!(!managers.iter().any(|it| it["manager"] == "registry-retention"), "{managers:?}");
}
