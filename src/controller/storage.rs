//! The registry's storage, read by a Job beside the Deployment that its resources name.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::context::Context;
use super::registries::Registry;
use super::resource::Resource;
use super::trouble::Trouble;
use crate::api::{RepositoryBytes, StorageStatus, binary_size};
use crate::cluster::{Subject, read_storage};
use crate::retention::{Capacity, Plan, RepositoryPlan, Store};

/// How long the reading may take. What begins to delete is bounded by `spec.timeout`; nothing waits for this but a plan.
const READING: Duration = Duration::from_secs(3600);

/// What runs a registry, as the resources of that name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Runner<'a> {
    namespace: &'a str,
    deployment: &'a str,
    container: Option<&'a str>,
    configuration: Option<&'a str>,
}

impl<'a> Runner<'a> {
    /// What the resources that `serves` says name; `None` where none names a Deployment.
    ///
    /// # Errors
    ///
    /// Where two of them name different ones: one of them would delete by the storage of another registry.
    pub(super) fn of(registry: &'a Registry, serves: impl Fn(&Resource) -> bool) -> Result<Option<Self>, Trouble> {
        let mut named: Option<(Self, &Resource)> = None;
        for resource in registry.resources.iter().filter(|it| serves(it)) {
            let of = &resource.spec.registry;
            let Some(deployment) = of.deployment() else { continue };
            let runner = Self {
                namespace: &resource.key.namespace,
                deployment,
                container: of.container.as_deref(),
                configuration: of.configuration.as_deref(),
            };
            match &named {
                Some((known, other)) if *known != runner => {
                    let why = format!(
                        "{} and {} concern one registry (their url, aliases or Deployment overlap) and do not name the same \
                         Deployment, container and configuration in spec.registry; make them alike",
                        other.key, resource.key
                    );
                    return Err(Trouble::stalled("DeploymentsDiffer", why));
                }
                _ => named = Some((runner, resource)),
            }
        }
        Ok(named.map(|(runner, _)| runner))
    }

    /// Reads the storage now.
    pub(super) async fn storage(&self, context: &Context, now: Timestamp) -> Result<Arc<Store>, Trouble> {
        let image = context.image("reads a registry's storage")?;
        let Self { namespace, deployment, container, configuration } = *self;
        let subject = Subject { namespace, deployment, container, configuration, image, deadline: READING };
        tracing::info!(namespace, deployment, "the storage is being read");
        let store = match Box::pin(read_storage(&context.client, &subject, now)).await {
            // If the registry lists anything, that is seen not to be stored there.
            Err(why) if why.is_of_empty() => Store::empty(now),
            read => read?,
        };
        tracing::info!(
            namespace,
            deployment,
            repositories = store.repositories.len(),
            blobs = store.blobs.len(),
            "read"
        );
        Ok(Arc::new(store))
    }
}

/// The most repositories that a status names.
const REPOSITORIES: usize = 20;

/// What the status says of a storage, and of what a collection would remove from it once the plan is done.
pub(super) fn status(store: &Store, plan: &Plan) -> Option<StorageStatus> {
    let collected = plan.collected.as_ref()?;
    let mut most: Vec<&RepositoryPlan> = plan.freeing().collect();
    most.sort_by_key(|repository| (Reverse(repository.reclaimable_bytes), &repository.name));
    let repositories = most.into_iter().take(REPOSITORIES).map(|repository| RepositoryBytes {
        name: repository.name.to_string(),
        bytes: size(repository.reclaimable_bytes),
    });
    let blobs = store.blobs.values().sum();
    let (used, of) = match store.capacity {
        Some(Capacity { total, free }) => (total.saturating_sub(free), format!(" of {}", binary_size(total))),
        None => (blobs, String::new()),
    };
    Some(StorageStatus {
        capacity_bytes: store.capacity.map(|capacity| size(capacity.total)),
        used_bytes: size(used),
        reclaimable_bytes: size(collected.total_bytes),
        untagged_bytes: size(collected.untagged_bytes),
        measured_at: Time(store.ended),
        used: format!("{}{of}", binary_size(used)),
        reclaimable: binary_size(collected.total_bytes),
        repositories: repositories.collect(),
    })
}

/// Bytes as a status has them.
pub(super) fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::api::DeploymentReference;
    use crate::controller::resource::tests::resource;
    use crate::retention::{Collected, InUse, Inventory, Mandate, Server, decide};

    /// A resource that names this Deployment and this container.
    fn naming(name: &str, deployment: Option<&str>, container: Option<&str>) -> Arc<Resource> {
        let mut resource = resource(name, &["r.r:5000"]);
        let spec = Arc::make_mut(&mut resource.spec);
        spec.registry.deployment_ref = deployment.map(|name| DeploymentReference { name: name.into() });
        spec.registry.container = container.map(str::to_owned);
        Arc::new(resource)
    }

    #[test]
    fn all_that_name_a_deployment_must_name_the_same() {
        let named = |resources: &[Arc<Resource>]| {
            let registry = Registry { identities: [].into(), resources: resources.to_vec(), unreadable: Vec::new() };
            let runner = Runner::of(&registry, |it| it.key.name != "elsewhere");
            runner.map(|runner| runner.map(|runner| runner.deployment.to_owned()))
        };
        let (a, b) = (naming("a", Some("registry"), None), naming("b", Some("registry"), Some("main")));
        let silent = naming("silent", None, None);
        let elsewhere = naming("elsewhere", Some("other"), None);
        assert_eq!(named(&[Arc::clone(&silent)]), Ok(None));
        assert_eq!(named(&[silent, Arc::clone(&a), elsewhere]), Ok(Some("registry".into())));
        let trouble = named(&[a, b]).unwrap_err();
        assert_eq!((trouble.reason, trouble.stalled), ("DeploymentsDiffer", true));
        assert!(trouble.message.contains("ns/a and ns/b"), "{}", trouble.message);
    }

    fn plan(collected: Collected, freed: &[(&str, u64)]) -> Plan {
        let inventory = Inventory::of_api(Server::UNKNOWN, BTreeMap::new());
        let mut plan = decide(&inventory, &[], &InUse::default(), Mandate::default(), Timestamp::UNIX_EPOCH);
        plan.collected = Some(collected);
        plan.repositories = freed
            .iter()
            .map(|(name, bytes)| RepositoryPlan {
                name: name.parse().unwrap(),
                tags: Vec::new(),
                untagged: Vec::new(),
                deletions: Vec::new(),
                reclaimable_bytes: *bytes,
            })
            .collect();
        plan
    }

    #[test]
    fn of_a_filesystem_all_that_is_taken_counts_and_of_a_bucket_the_blobs() {
        let mut store = Store::empty(Timestamp::UNIX_EPOCH);
        store.blobs.insert(crate::oci::Digest::of(b"x"), 3 << 30);
        let collected = Collected { total_bytes: 1 << 30, untagged_bytes: 5, ..Collected::default() };
        let plan = plan(collected, &[("a", 5), ("b", 0), ("c", 7), ("d", 5)]);
        let bucket = status(&store, &plan).unwrap();
        assert_eq!((bucket.used.as_str(), bucket.reclaimable.as_str()), ("3.0 GiB", "1.0 GiB"));
        assert_eq!((bucket.capacity_bytes, bucket.used_bytes, bucket.untagged_bytes), (None, 3 << 30, 5));
        let names: Vec<&str> = bucket.repositories.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["c", "a", "d"]);
        store.capacity = Some(Capacity { total: 50 << 30, free: 10 << 30 });
        let filesystem = status(&store, &plan).unwrap();
        assert_eq!(filesystem.used, "40.0 GiB of 50.0 GiB");
        assert_eq!((filesystem.capacity_bytes, filesystem.used_bytes), (Some(50 << 30), 40 << 30));
    }
}
