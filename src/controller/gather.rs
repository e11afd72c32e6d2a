//! What one turn works with, read live: resources and workloads may have changed since a watch last told.

use std::sync::Arc;

use kube::Api;
use kube::core::DynamicObject;

use super::access::access;
use super::context::Context;
use super::registries::{Registry, registries};
use super::resource::{Key, Resource};
use super::trouble::Trouble;
use crate::api::api_resource;
use crate::cluster::{Scope, Watched, names, used_images};
use crate::registry::Client;
use crate::retention::{InUse, Policy, RegistryNames};
use crate::worker::Workloads;

/// What one turn works with.
pub(super) struct Gathered {
    /// The registry, with the login of the resource whose turn it is.
    pub(super) client: Client,
    /// That resource's first; the others only keep.
    pub(super) policies: Vec<Policy>,
    /// What workloads use; nothing, where no resource of this registry wants to know.
    pub(super) workloads: Box<dyn Workloads + Send>,
}

/// The resource as it is now, with its registry; none if it is gone.
pub(super) async fn live(context: &Context, key: &Key) -> Result<Option<(Registry, Arc<Resource>)>, Trouble> {
    let api: Api<DynamicObject> = Api::all_with(context.client.clone(), &api_resource());
    let objects = api.list(&kube::api::ListParams::default()).await;
    let objects = objects.map_err(|why| Trouble::of_api("RegistryRetentions", &why))?;
    let (whole, broken) = read(&objects.items);
    let of = |registry: Registry| {
        let resource = registry.resources.iter().find(|it| it.key == *key).map(Arc::clone)?;
        Some((registry, resource))
    };
    Ok(registries(&whole, &broken).into_iter().find_map(of))
}

/// Those that can be read, and those that cannot.
pub(super) fn read(objects: &[DynamicObject]) -> (Vec<Arc<Resource>>, Vec<Arc<super::resource::Unreadable>>) {
    let (mut whole, mut broken) = (Vec::new(), Vec::new());
    for object in objects {
        match Resource::read(object) {
            Ok(resource) => whole.push(Arc::new(resource)),
            Err(unreadable) => broken.push(Arc::new(*unreadable)),
        }
    }
    (whole, broken)
}

/// All that a turn of `resource` needs, or why it cannot be had; then nothing is deleted.
pub(super) async fn gather(context: &Context, registry: &Registry, resource: &Resource) -> Result<Gathered, Trouble> {
    if let Some(broken) = registry.unreadable.first() {
        let why = format!(
            "RegistryRetention {} may keep something on this registry and cannot be read: {}; correct it, or delete it",
            broken.key, broken.why
        );
        return Err(Trouble::stalled("ResourceInvalid", why));
    }
    let client = Client::new(resource.endpoint.clone(), access(&context.client, resource).await?)?;
    let others = registry.resources.iter().filter(|it| it.key != resource.key);
    let policies = std::iter::once(resource.policy.clone()).chain(others.map(|it| it.policy.clone().keeps_only()));
    Ok(Gathered { client, policies: policies.collect(), workloads: uses(context, registry).await? })
}

async fn uses(context: &Context, registry: &Registry) -> Result<Box<dyn Workloads + Send>, Trouble> {
    let asked = registry.resources.iter().map(|it| (it.spec.protect.in_use.scope, it.key.namespace.clone()));
    let Some(scope) = Scope::of(asked) else { return Ok(Box::new(Arc::<InUse>::default())) };
    let index = context.index(&scope).await?;
    let read = used_images(&context.client, &scope).await?;
    let mut all = RegistryNames::default();
    for it in &registry.resources {
        all.absorb(names(&it.endpoint, &it.spec.registry.aliases, Some(&it.key.namespace)));
    }
    Ok(Box::new(Watched::new(index, all, read)))
}
