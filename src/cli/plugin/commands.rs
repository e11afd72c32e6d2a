//! The next command to type, for the same cluster.

use super::args::Place;
use crate::cli::next::{absolute, word};
use crate::controller::resource::Key;

/// Commands with the options that lead to the cluster of this one.
pub(super) struct Commands {
    options: String,
}

impl Commands {
    pub(super) fn new(place: &Place) -> Self {
        let mut options = String::new();
        let kubeconfig = place.kubeconfig.as_deref().map(absolute);
        for (name, value) in [("--kubeconfig", kubeconfig), ("--context", place.context.clone())] {
            if let Some(value) = value {
                options.extend([" ", name, " ", &word(&value)]);
            }
        }
        Self { options }
    }

    pub(super) fn status(&self, key: &Key) -> String {
        self.plugin(&format!("status {}", key.name), key)
    }

    pub(super) fn plan(&self, key: &Key) -> String {
        self.plugin(&format!("plan {}", key.name), key)
    }

    pub(super) fn plan_waiting(&self, key: &Key) -> String {
        self.plugin(&format!("plan {} --waiting", key.name), key)
    }

    pub(super) fn plan_running(&self, key: &Key) -> String {
        self.plugin(&format!("plan {} --running", key.name), key)
    }

    pub(super) fn run(&self, key: &Key) -> String {
        self.plugin(&format!("run {} --wait", key.name), key)
    }

    /// `hash` as it is typed.
    pub(super) fn accept(&self, key: &Key, hash: &str) -> String {
        self.plugin(&format!("accept {} {hash}", key.name), key)
    }

    /// Lets it run again.
    pub(super) fn unsuspend(&self, key: &Key) -> String {
        self.patch(key, r#"{"spec":{"suspend":false}}"#)
    }

    /// Lets its runs delete.
    pub(super) fn enforce(&self, key: &Key) -> String {
        self.patch(key, r#"{"spec":{"mode":"Enforce"}}"#)
    }

    /// The operator's pods.
    pub(super) fn operator(&self) -> String {
        self.kubectl("get pods -A -l app.kubernetes.io/name=registry-retention")
    }

    /// Any command of `kubectl`.
    pub(super) fn kubectl(&self, command: &str) -> String {
        format!("kubectl {command}{}", self.options)
    }

    fn plugin(&self, command: &str, key: &Key) -> String {
        self.kubectl(&format!("registry-retention {command} -n {}", key.namespace))
    }

    fn patch(&self, key: &Key, patch: &str) -> String {
        self.kubectl(&format!("patch rr {} -n {} --type merge -p '{patch}'", key.name, key.namespace))
    }
}

/// The end of what a command says.
pub(super) fn next(commands: &[String]) -> impl Iterator<Item = String> {
    let heading = ["", "Next:"].into_iter().filter(|_| !commands.is_empty());
    heading.map(str::to_owned).chain(commands.iter().map(|command| format!("  {command}")))
}
