use jiff::Timestamp;
use kube::ResourceExt as _;
use kube::core::DynamicObject;

use crate::api::{RegistryRetentionStatus, WaitingStatus};
use crate::controller::resource::{ACCEPT, Key, Resource};
use crate::retention::StoredPlan;

/// A resource as it is shown. Of the spec no more is read than must be: one that the operator cannot act on is shown too.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) key: Key,
    pub(super) uid: String,
    pub(super) generation: i64,
    pub(super) mode: String,
    pub(super) suspended: bool,
    pub(super) scheduled: bool,
    pub(super) url: String,
    /// Why the operator cannot act on it.
    pub(super) fault: Option<String>,
    /// The plan that was accepted last.
    pub(super) accept: Option<String>,
    pub(super) status: RegistryRetentionStatus,
}

impl Subject {
    /// Reads `object` as the API server gave it.
    ///
    /// # Errors
    ///
    /// If its status is none that this version knows.
    pub(super) fn read(object: &DynamicObject) -> Result<Self, String> {
        let key = Key { namespace: object.namespace().unwrap_or_default(), name: object.name_any() };
        let status = match object.data.get("status") {
            None => RegistryRetentionStatus::default(),
            Some(status) => serde_json::from_value(status.clone()).map_err(|why| {
                format!("the status of {key} cannot be read by version {}: {why}", env!("CARGO_PKG_VERSION"))
            })?,
        };
        let spec = &object.data["spec"];
        let text = |value: &serde_json::Value, default: &str| value.as_str().unwrap_or(default).to_owned();
        Ok(Self {
            uid: object.uid().unwrap_or_default(),
            generation: object.metadata.generation.unwrap_or_default(),
            mode: text(&spec["mode"], "DryRun"),
            suspended: spec["suspend"].as_bool().unwrap_or_default(),
            scheduled: spec["schedule"].is_string(),
            url: text(&spec["registry"]["url"], "-"),
            fault: Resource::read(object).err().map(|unreadable| unreadable.why),
            accept: object.annotations().get(ACCEPT).cloned(),
            status,
            key,
        })
    }

    /// Whether its runs delete.
    pub(super) fn enforces(&self) -> bool {
        self.mode == "Enforce"
    }

    /// Whether the operator has taken in what the spec says now.
    pub(super) fn is_observed(&self) -> bool {
        self.status.observed_generation == Some(self.generation)
    }

    /// The plan that waits and can still be accepted.
    pub(super) fn acceptable(&self, now: Timestamp) -> Option<&WaitingStatus> {
        self.status.waiting.as_ref().filter(|waiting| now < StoredPlan::acceptable_until(waiting.since.0))
    }
}
