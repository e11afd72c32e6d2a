use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::{Cluster, eventually};

/// A `RegistryRetention`, as a person handles it with `kubectl`.
pub struct Retention<'a> {
    cluster: &'a Cluster,
    namespace: String,
    name: String,
}

impl<'a> Retention<'a> {
    /// Applies it.
    pub fn apply(cluster: &'a Cluster, namespace: &str, name: &str, spec: &Value) -> Self {
        let object = json!({
            "apiVersion": "registry-retention.dev/v1alpha1",
            "kind": "RegistryRetention",
            "metadata": {"name": name, "namespace": namespace},
            "spec": spec,
        });
        cluster.apply(&object.to_string());
        Self { cluster, namespace: namespace.into(), name: name.into() }
    }

    /// Changes some fields of its spec.
    pub fn edit(&self, fields: &Value) {
        let patch = json!({"spec": fields}).to_string();
        self.kubectl("patch", &["--type=merge", "--patch", &patch]);
    }

    /// Asks for a run.
    pub fn request(&self) {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let annotation = format!("registry-retention.dev/requestedAt=request {number}");
        self.kubectl("annotate", &["--overwrite", &annotation]);
    }

    /// Accepts the plan that waits.
    pub fn accept(&self) {
        let hash = self.status()["waiting"]["plan"]["hash"].as_str().expect("a plan waits").to_owned();
        self.kubectl("annotate", &["--overwrite", &format!("registry-retention.dev/accept={hash}")]);
    }

    /// Deletes it. Returns when it is gone.
    pub fn delete(&self) {
        self.kubectl("delete", &[]);
    }

    /// All of it.
    pub fn get(&self) -> Value {
        self.cluster.get_json(&["registryretention", &self.name, "--namespace", &self.namespace])
    }

    /// Its status.
    pub fn status(&self) -> Value {
        self.get()["status"].clone()
    }

    /// Waits for a status that answers to `look`.
    pub fn until<T>(&self, what: &str, mut look: impl FnMut(&Value) -> Option<T>) -> T {
        eventually(&format!("{}: {what}", self.name), || look(&self.status()))
    }

    /// Waits until its newest generation is planned, and its newest request answered, and nothing runs; its status.
    pub fn until_idle(&self) -> Value {
        eventually(&format!("{}: it has nothing more to do", self.name), || {
            let object = self.get();
            let (metadata, status) = (&object["metadata"], &object["status"]);
            let requested = &metadata["annotations"]["registry-retention.dev/requestedAt"];
            let is_idle = status["observedGeneration"] == metadata["generation"]
                && status["lastHandledReconcileAt"] == *requested
                && status["run"].is_null()
                && condition(status, "Reconciling").is_null();
            is_idle.then(|| status.clone())
        })
    }

    /// Waits until `Ready` is `status` for this `reason`; the status with it.
    pub fn until_ready_is(&self, status: &str, reason: &str) -> Value {
        self.until(&format!("Ready is {status} for {reason}"), |it| {
            let ready = condition(it, "Ready");
            (ready["status"] == status && ready["reason"] == reason).then(|| it.clone())
        })
    }

    fn kubectl(&self, verb: &str, arguments: &[&str]) -> String {
        let object = [verb, "registryretention", &self.name, "--namespace", &self.namespace];
        self.cluster.kubectl(&[&object, arguments].concat())
    }
}

/// A condition of a status by its type; null if it is not there.
pub fn condition<'a>(status: &'a Value, type_: &str) -> &'a Value {
    let conditions = status["conditions"].as_array().map_or([].as_slice(), Vec::as_slice);
    conditions.iter().find(|it| it["type"] == type_).unwrap_or(&Value::Null)
}
