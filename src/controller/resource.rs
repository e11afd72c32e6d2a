//! A resource as the controller reads it from the cluster: whole, or not at all.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use kube::ResourceExt as _;
use kube::core::DynamicObject;
use serde_json::{Value, json};

use crate::api::{Mode, RegistryRetention, RegistryRetentionSpec, RegistryRetentionStatus};
use crate::cluster::{Identity, identities, identities_of};
use crate::registry::Endpoint;
use crate::retention::Policy;
use crate::schedule::Schedule;

/// Asks for a run now; its value is echoed in `status.lastHandledReconcileAt`.
pub const REQUESTED_AT: &str = "registry-retention.dev/requestedAt";
/// Accepts the waiting plan of this hash.
pub const ACCEPT: &str = "registry-retention.dev/accept";

/// Which resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// A resource that can be acted on.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Which.
    pub key: Key,
    /// Which one of that name.
    pub uid: String,
    /// Which version of its spec.
    pub generation: i64,
    /// The spec.
    pub spec: Arc<RegistryRetentionSpec>,
    /// The same, compiled.
    pub policy: Policy,
    /// Where the registry is.
    pub endpoint: Endpoint,
    /// What the registry is known by.
    pub identities: BTreeSet<Identity>,
    /// When to run.
    pub schedule: Option<Schedule>,
    /// The value of [`REQUESTED_AT`].
    pub requested: Option<String>,
    /// The value of [`ACCEPT`].
    pub accept: Option<String>,
    /// The status that came with it. It may be older than what was written since.
    pub status: RegistryRetentionStatus,
}

/// A resource that cannot be acted on. It may keep anything, so it holds all deletions on the registry that it names,
/// and on all registries if it does not even name one.
#[derive(Clone, Debug, PartialEq)]
pub struct Unreadable {
    /// Which.
    pub key: Key,
    /// Which one of that name.
    pub uid: String,
    /// Which version of its spec.
    pub generation: i64,
    /// What is wrong with it.
    pub why: String,
    /// What its registry is known by, if that much can be read.
    pub identities: Option<BTreeSet<Identity>>,
    /// The status that came with it.
    pub status: RegistryRetentionStatus,
}

impl Resource {
    /// Reads `object` as the API server gave it.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what it holds up.
    pub fn read(object: &DynamicObject) -> Result<Self, Box<Unreadable>> {
        let key = Key { namespace: object.namespace().unwrap_or_default(), name: object.name_any() };
        let uid = object.uid().unwrap_or_default();
        let generation = object.metadata.generation.unwrap_or_default();
        let status = status_of(object);
        let unreadable = |why: String| {
            let identities = identities_of(object);
            Box::new(Unreadable {
                key: key.clone(),
                uid: uid.clone(),
                generation,
                why,
                identities,
                status: status.clone(),
            })
        };
        let mut whole = RegistryRetention::new(&key.name, spec(object).map_err(&unreadable)?);
        whole.metadata.namespace = Some(key.namespace.clone());
        let policy = Policy::compile(&whole).map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            unreadable(faults.join("; "))
        })?;
        let spec = whole.spec;
        let endpoint: Endpoint =
            spec.registry.url.parse().map_err(|why| unreadable(format!("spec.registry.url: {why}")))?;
        let schedule = match &spec.schedule {
            None => None,
            Some(cron) => {
                Some(Schedule::parse(cron, spec.time_zone.as_deref()).map_err(|why| unreadable(why.to_string()))?)
            }
        };
        let annotation = |name: &str| object.annotations().get(name).filter(|value| !value.is_empty()).cloned();
        Ok(Self {
            identities: identities(&endpoint, &spec.registry.aliases, spec.registry.deployment(), Some(&key.namespace)),
            uid,
            generation,
            policy,
            endpoint,
            schedule,
            requested: annotation(REQUESTED_AT),
            accept: annotation(ACCEPT),
            status,
            spec: Arc::new(spec),
            key,
        })
    }

    /// Whether its runs delete.
    pub fn enforces(&self) -> bool {
        self.spec.mode == Mode::Enforce
    }
}

fn spec(object: &DynamicObject) -> Result<RegistryRetentionSpec, String> {
    let spec = object.data.get("spec").cloned().unwrap_or(Value::Null);
    serde_json::from_value(spec).map_err(|why| format!("spec: {why}"))
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The reference that makes an object of ours go with the resource.
pub(super) fn owner(key: &Key, uid: &str) -> k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference {
    use kube::Resource as _;
    k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference {
        api_version: RegistryRetention::api_version(&()).into_owned(),
        kind: RegistryRetention::kind(&()).into_owned(),
        name: key.name.clone(),
        uid: uid.to_owned(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}

/// The status of an object as the API server gave it; one that cannot be read says nothing.
pub(super) fn status_of(object: &DynamicObject) -> RegistryRetentionStatus {
    let status = object.data.get("status").and_then(|status| serde_json::from_value(status.clone()).ok());
    status.unwrap_or_default()
}

/// The least object that a patch of the status needs.
pub(super) fn with_status(key: &Key, status: &RegistryRetentionStatus) -> Value {
    use kube::Resource as _;
    json!({
        "apiVersion": RegistryRetention::api_version(&()),
        "kind": RegistryRetention::kind(&()),
        "metadata": {"name": key.name, "namespace": key.namespace},
        "status": status,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A resource that goes by these names.
    pub(in crate::controller) fn resource(name: &str, identities: &[&str]) -> Resource {
        let mut resource = Resource::read(&object(&spec("http://registry.registry:5000"))).unwrap();
        resource.key.name = name.into();
        resource.identities = identities.iter().map(|name| Identity::Address((*name).into())).collect();
        resource
    }

    /// A resource that cannot be read.
    pub(in crate::controller) fn unreadable(name: &str) -> Unreadable {
        let mut unreadable = *Resource::read(&object(&json!({}))).unwrap_err();
        unreadable.key.name = name.into();
        unreadable
    }

    fn object(spec: &Value) -> DynamicObject {
        let metadata = json!({"name": "team", "namespace": "ns", "uid": "u", "generation": 3,
            "annotations": {REQUESTED_AT: "now", ACCEPT: ""}});
        serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap()
    }

    fn spec(url: &str) -> Value {
        json!({"registry": {"url": url}, "rules": [{"name": "a", "repositories": {"include": ["a"]},
            "tags": {"include": ["*"]}, "action": "Keep"}]})
    }

    #[test]
    fn a_whole_one_is_read_with_the_defaults() {
        let resource = Resource::read(&object(&spec("http://registry.registry:5000"))).unwrap();
        assert_eq!((resource.key.to_string().as_str(), resource.generation), ("ns/team", 3));
        assert_eq!((resource.requested.as_deref(), resource.accept), (Some("now"), None));
        assert_eq!(&*resource.policy.name, "ns/team");
        assert!(
            resource.identities.contains(&Identity::Address("registry.registry:5000".into())),
            "{:?}",
            resource.identities
        );
    }

    #[test]
    fn whatever_is_wrong_it_is_known_which_registry_it_holds() {
        let url = "http://registry.registry:5000";
        let broken: [(Value, &str); 4] = [
            (json!({"mode": "Later"}), "spec: "),
            (
                json!({"rules": [{"name": "a", "repositories": {"include": ["a["]}, "tags": {"include": ["*"]}, "action": "Keep"}]}),
                "spec.rules[0].repositories.include",
            ),
            (json!({"schedule": "99 * * * *"}), "spec.schedule"),
            (json!({"rules": 5}), "spec: "),
        ];
        for (fields, why) in broken {
            let mut spec = spec(url);
            spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            let unreadable = Resource::read(&object(&spec)).unwrap_err();
            assert!(unreadable.why.starts_with(why), "{}", unreadable.why);
            assert!(unreadable.identities.unwrap().contains(&Identity::Address("registry.registry:5000".into())));
        }
        for data in [
            json!({}),
            json!({"registry": {"url": 5}}),
            json!({"registry": {"url": "nonsense"}}),
            json!({"registry": {"url": url, "aliases": 5}}),
        ] {
            assert_eq!(Resource::read(&object(&data)).unwrap_err().identities, None);
        }
    }
}
