use std::collections::BTreeSet;

use kube::core::DynamicObject;
use kube::{Api, Client};
use serde_json::Value;

use super::error::{Cause, ClusterError, Unread, Verb};
use super::list::read;
use super::names::{Identity, group, identities};
use crate::api::{RegistryRetention, api_resource};
use crate::registry::{Endpoint, EndpointError};
use crate::retention::Policy;

/// A resource of the cluster that has a say in what one registry keeps.
#[derive(Clone, Debug)]
pub struct Joined {
    /// As the cluster has it.
    pub resource: RegistryRetention,
    /// Where it reaches the registry.
    pub url: Endpoint,
    /// The same, compiled; it condemns nothing.
    pub policy: Policy,
}

/// Every `RegistryRetention` of the cluster, as it is stored. None, where the cluster does not know the kind.
///
/// # Errors
///
/// [`ClusterError::Resources`].
pub async fn resources(client: &Client) -> Result<Vec<DynamicObject>, ClusterError> {
    let resource = api_resource();
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    match all(&api).await {
        Err(Cause::NotFound) => Ok(Vec::new()),
        all => all.map_err(|cause| ClusterError::Resources(Unread::new(&resource, None, Verb::List, cause))),
    }
}

/// All objects of `api`, page by page.
///
/// # Errors
///
/// If any page cannot be read.
pub async fn all(api: &Api<DynamicObject>) -> Result<Vec<DynamicObject>, Cause> {
    read(api, |all: &mut Vec<DynamicObject>, object| all.push(object)).await
}

/// Those of `objects` that concern the registry of these `identities`, in order. One whose registry cannot be read may
/// concern any.
///
/// # Errors
///
/// [`ClusterError::Resource`] for the first one that concerns it and cannot be understood.
pub fn joined(objects: &[DynamicObject], identities: &BTreeSet<Identity>) -> Result<Vec<Joined>, ClusterError> {
    let named = |object: &DynamicObject| identities_of(object).unwrap_or_else(|| identities.clone());
    let others = objects.iter().enumerate().map(|(number, object)| (Some(number), named(object)));
    let everyone: Vec<(Option<usize>, BTreeSet<Identity>)> = others.chain([(None, identities.clone())]).collect();
    let ours = group(&everyone).into_iter().find(|registry| registry.members.contains(&None));
    let members = ours.into_iter().flat_map(|registry| registry.members).flatten();
    let mut concerned: Vec<&DynamicObject> = members.filter_map(|number| objects.get(number)).collect();
    concerned.sort_by_key(|object| name(object));
    concerned.into_iter().map(join).collect()
}

fn join(object: &DynamicObject) -> Result<Joined, ClusterError> {
    let invalid = |why: String| ClusterError::Resource { name: name(object), why };
    let value = serde_json::to_value(object).map_err(|why| invalid(why.to_string()))?;
    let resource: RegistryRetention = serde_json::from_value(value).map_err(|why| invalid(why.to_string()))?;
    let policy = Policy::compile(&resource)
        .map_err(|faults| invalid(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
    let url = resource
        .spec
        .registry
        .url
        .parse()
        .map_err(|why: EndpointError| invalid(format!("spec.registry.url: {why}")))?;
    Ok(Joined { resource, url, policy: policy.keeps_only() })
}

/// By what the registry of a resource is known, whatever else is wrong with that; `None` if it cannot be read.
pub fn identities_of(object: &DynamicObject) -> Option<BTreeSet<Identity>> {
    let registry = object.data.pointer("/spec/registry")?;
    let namespace = object.metadata.namespace.as_deref();
    let aliases = match registry.get("aliases") {
        None | Some(Value::Null) => Vec::new(),
        Some(aliases) => serde_json::from_value(aliases.clone()).ok()?,
    };
    let deployment = match registry.get("deploymentRef") {
        None | Some(Value::Null) => None,
        Some(reference) => Some(reference.get("name")?.as_str()?),
    };
    let url = registry.get("url")?.as_str()?.parse().ok()?;
    Some(identities(&url, &aliases, deployment, namespace))
}

fn name(object: &DynamicObject) -> String {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    format!("{}/{}", text(&object.metadata.namespace), text(&object.metadata.name))
}
