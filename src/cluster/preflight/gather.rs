use std::collections::BTreeMap;
use std::fmt::Debug;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Node, PersistentVolume, PersistentVolumeClaim, Pod, ServiceAccount};
use kube::{Api, Client, ResourceExt};
use serde::de::DeserializeOwned;

use super::workloads::workloads;
use super::{Ask, Failure};
use crate::cluster::error::Cause;
use crate::cluster::guard::{probe, refuses};
use crate::cluster::list::read;
use crate::collection::Template;
use crate::collection::marks::KEEPER_ACCOUNT;
use crate::collection::preflight::{Facts, Preview};
use crate::collection::protocol::Guard;

/// Reads all that the cluster tells, each object by a request of its own or a list of now.
pub(super) async fn gather(client: &Client, ask: &Ask<'_>) -> Result<Facts, Failure> {
    let Ask { namespace, deployment: name, wish, .. } = ask;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let deployment = got("reading the Deployment", deployments.get_opt(name).await)?;
    let guard = match &deployment {
        Some(_) => got("patching the Deployment as a dry run", refuses(&deployments, name, &probe(ask.run)).await)?,
        None => Guard::Unknown,
    };
    let mut facts = Facts {
        name: format!("{namespace}/{name}"),
        wish: wish.clone(),
        deployment,
        claims: BTreeMap::new(),
        volumes: BTreeMap::new(),
        pods: listed("listing pods", &Api::namespaced(client.clone(), namespace), |pod: Pod| pod).await?,
        workloads: workloads(client, namespace).await?,
        nodes: listed("listing nodes", &Api::all(client.clone()), without_images).await?,
        guard,
        has_keeper_account: has_keeper_account(client, namespace).await?,
        elsewhere: None,
        preview: Preview::NotYet,
        answers: None,
    };
    for claim in claims(&facts) {
        let api: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
        let Some(found) = got("reading the PersistentVolumeClaim", api.get_opt(&claim).await)? else { continue };
        let volume = found.spec.as_ref().and_then(|spec| spec.volume_name.as_deref());
        if let Some(volume) = volume
            && let Ok(Some(volume)) = Api::<PersistentVolume>::all(client.clone()).get_opt(volume).await
        {
            facts.volumes.insert(claim.clone(), volume);
        }
        facts.claims.insert(claim, found);
    }
    Ok(facts)
}

/// Those that the registry's container mounts, if that can be told.
fn claims(facts: &Facts) -> Vec<String> {
    let wish = &facts.wish;
    let template = facts
        .deployment
        .as_ref()
        .and_then(|deployment| Template::of(deployment, wish.container.as_deref(), wish.configuration.as_deref()).ok());
    template.iter().flat_map(|template| template.claims().map(str::to_owned)).collect()
}

async fn has_keeper_account(client: &Client, namespace: &str) -> Result<bool, Failure> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    Ok(got("reading the keeper's ServiceAccount", accounts.get_opt(KEEPER_ACCOUNT).await)?.is_some())
}

/// All objects of a list, without what makes up much of each and is not looked at.
async fn listed<K>(what: &str, api: &Api<K>, less: impl Fn(K) -> K) -> Result<Vec<K>, Failure>
where
    K: ResourceExt + Clone + DeserializeOwned + Debug,
{
    let all = read(api, |all: &mut Vec<K>, mut object: K| {
        object.managed_fields_mut().clear();
        all.push(less(object));
    });
    all.await.map_err(|cause| Failure::of_api(what, &cause))
}

fn without_images(mut node: Node) -> Node {
    if let Some(status) = &mut node.status {
        status.images = None;
    }
    node
}

fn got<T>(what: &str, got: kube::Result<T>) -> Result<T, Failure> {
    got.map_err(|why| failed(what, &why))
}

fn failed(what: &str, why: &kube::Error) -> Failure {
    Failure::of_api(what, &Cause::from(why))
}
