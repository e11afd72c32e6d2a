mod look;

use registry_retention::api::{LastRunStatus, RegistryRetention, RegistryRetentionStatus};
use serde_json::{Value, json};

use super::{Cluster, eventually};

/// Asks for a run.
const REQUESTED_AT: &str = "registry-retention.dev/requestedAt";

/// A `RegistryRetention`, as people see it.
pub struct Retention<'a> {
    cluster: &'a Cluster,
    namespace: String,
    name: String,
}

impl<'a> Retention<'a> {
    /// The resource of this name, which need not be there yet.
    pub fn new(cluster: &'a Cluster, namespace: &str, name: &str) -> Self {
        Self { cluster, namespace: namespace.into(), name: name.into() }
    }

    /// Applies it with this spec.
    pub fn apply(cluster: &'a Cluster, namespace: &str, name: &str, spec: &Value) -> Self {
        let metadata = json!({"name": name, "namespace": namespace});
        let (version, kind) = ("registry-retention.dev/v1alpha1", "RegistryRetention");
        cluster.apply(&json!({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}).to_string());
        Self::new(cluster, namespace, name)
    }

    /// Deletes it, and returns when it is gone.
    pub fn delete(&self) {
        self.cluster.kubectl(&["delete", "rr", &self.name, "-n", &self.namespace]);
    }

    /// It and its status.
    pub fn get(&self) -> RegistryRetention {
        let resource = format!("registryretention/{}", self.name);
        serde_json::from_value(self.cluster.get_json(&[&resource, "-n", &self.namespace])).expect("a RegistryRetention")
    }

    /// What the operator says of it.
    pub fn status(&self) -> RegistryRetentionStatus {
        self.get().status.unwrap_or_default()
    }

    /// Its last run, whatever came of it.
    pub fn last_run(&self) -> LastRunStatus {
        self.status().last_run.expect("a run has ended")
    }

    /// Waits as people do: `kubectl wait --for=condition=Ready`, which looks at the generation as well.
    pub fn wait_for(&self, condition: &str) -> RegistryRetentionStatus {
        let resource = format!("registryretention/{}", self.name);
        self.cluster.wait(&format!("condition={condition}"), &[&resource, "-n", &self.namespace]);
        self.status()
    }

    /// Changes the spec.
    pub fn patch(&self, spec: &Value) {
        let patch = json!({"spec": spec}).to_string();
        self.cluster.kubectl(&["patch", "rr", &self.name, "-n", &self.namespace, "--type=merge", "--patch", &patch]);
    }

    /// Sets an annotation of the operator's.
    pub fn annotate(&self, name: &str, value: &str) {
        let annotation = format!("registry-retention.dev/{name}={value}");
        self.cluster.kubectl(&["annotate", "rr", &self.name, "-n", &self.namespace, "--overwrite", &annotation]);
    }

    /// Changes the spec and asks for a run, both at once, and waits until that has ended.
    pub fn patch_and_run(&self, spec: &Value, request: &str) -> RegistryRetentionStatus {
        let patch = json!({"metadata": {"annotations": {REQUESTED_AT: request}}, "spec": spec}).to_string();
        self.cluster.kubectl(&["patch", "rr", &self.name, "-n", &self.namespace, "--type=merge", "--patch", &patch]);
        self.answered(request)
    }

    /// Asks for a run, and waits until it has ended.
    pub fn run(&self, request: &str) -> RegistryRetentionStatus {
        self.annotate("requestedAt", request);
        self.answered(request)
    }

    fn answered(&self, request: &str) -> RegistryRetentionStatus {
        eventually("the requested run ends", || {
            let status = self.status();
            let ended = status.last_handled_reconcile_at.as_deref() == Some(request) && status.run.is_none();
            ended.then_some(status)
        })
    }

    /// Asks for a run, and goes on.
    pub fn request(&self, request: &str) {
        self.annotate("requestedAt", request);
    }

    /// Accepts the plan that waits.
    pub fn accept(&self) {
        self.annotate("accept", &self.status().waiting.expect("a plan waits").plan.hash);
    }

    /// Waits until the newest generation is processed, the newest request answered, and no run in progress.
    pub fn until_idle(&self) -> RegistryRetentionStatus {
        eventually(&format!("{} has nothing more to do", self.name), || {
            let RegistryRetention { metadata, status, .. } = self.get();
            let status = status?;
            let requested = metadata.annotations.as_ref().and_then(|all| all.get(REQUESTED_AT));
            let is_idle = status.observed_generation == metadata.generation
                && status.last_handled_reconcile_at.as_ref() == requested
                && status.run.is_none()
                && status.conditions.iter().all(|it| it.type_ != "Reconciling");
            is_idle.then_some(status)
        })
    }

    /// Waits until it has these conditions and no others, as [`Retention::conditions`] writes them.
    pub fn until(&self, conditions: &[&str]) {
        eventually(&format!("{} is {}", self.name, conditions.join(", ")), || {
            (self.conditions() == conditions).then_some(())
        });
    }

    /// The conditions, in order: `Ready=True Planned`.
    pub fn conditions(&self) -> Vec<String> {
        let conditions = self.status().conditions;
        conditions.iter().map(|it| format!("{}={} {}", it.type_, it.status, it.reason)).collect()
    }

    /// The message of a condition.
    pub fn message(&self, condition: &str) -> String {
        let found = self.status().conditions.into_iter().find(|it| it.type_ == condition);
        found.unwrap_or_else(|| panic!("no condition {condition}: {:?}", self.conditions())).message
    }
}
