use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::core::{Selector, SelectorExt as _};
use kube::{Api, Client, ResourceExt as _};

use super::errand;
use super::error::Cause;
use super::inventory_error::InventoryError;
use super::job_log::{FollowError, follow};
use super::list::read;
use super::pod_state::how;
use crate::collection::{AccessMode, CONTAINER, Claims, Errand, Template, job};
use crate::retention::Store;
use crate::storage::{InventoryBytes, LogError, LogReader};

/// Which registry's storage is read, and by what.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// Where the Deployment is.
    pub namespace: &'a str,
    /// The registry's Deployment.
    pub deployment: &'a str,
    /// The registry's container; else the only one, else the one named `registry`.
    pub container: Option<&'a str>,
    /// The registry's configuration file in its container, where the Deployment does not tell it.
    pub configuration: Option<&'a str>,
    /// Our own image, which brings the program.
    pub image: &'a str,
    /// How long the reading may take.
    pub deadline: Duration,
}

/// Reads a registry's storage by a Job that runs beside it, as the Deployment and its pods are now. The registry itself is
/// not touched.
///
/// The Job has a fixed name, so that there is one at a time: an older one is deleted first. It is deleted in the end,
/// whatever came of it; if this process dies before, its deadline ends it.
pub async fn read_storage(client: &Client, subject: &Subject<'_>, now: Timestamp) -> Result<Store, InventoryError> {
    let wanted = Box::pin(wanted(client, subject, now)).await?;
    Box::pin(errand::run(client, &wanted, async |made| result(client, subject.namespace, made).await)).await
}

/// The Job that reads the storage.
async fn wanted(client: &Client, subject: &Subject<'_>, now: Timestamp) -> Result<Job, InventoryError> {
    let Subject { namespace, deployment, .. } = *subject;
    let found = Api::<Deployment>::namespaced(client.clone(), namespace).get_opt(deployment).await;
    let found = found.map_err(|why| failed("reading the Deployment", &why))?;
    let gone = || InventoryError::NoDeployment { name: format!("{namespace}/{deployment}") };
    let deployment = found.ok_or_else(gone)?;
    let template = Template::of(&deployment, subject.container, subject.configuration)?;
    let mut claims = Claims::new();
    for name in template.claims() {
        let claim = Api::<PersistentVolumeClaim>::namespaced(client.clone(), namespace).get_opt(name).await;
        let claim = claim.map_err(|why| failed("reading the PersistentVolumeClaim", &why))?;
        claims.extend(claim.map(|claim| (name.to_owned(), AccessMode::of(&claim))));
    }
    let names = claims.keys().cloned().collect();
    let place = template.place(&claims, nodes(client, namespace, &deployment, &names).await?)?;
    let seconds = i64::try_from(subject.deadline.as_secs()).unwrap_or(i64::MAX).max(1);
    let run = now.as_millisecond().to_string();
    Ok(job(&template, &place, &Errand::inventory(&template, &run, subject.image, seconds)))
}

/// The nodes on which pods of the Deployment run, or any pod that has one of the claims.
async fn nodes(
    client: &Client,
    namespace: &str,
    deployment: &Deployment,
    claims: &BTreeSet<String>,
) -> Result<BTreeSet<String>, InventoryError> {
    let selector = Selector::try_from(deployment.spec.selector.clone()).map_err(|why| InventoryError::Api {
        what: "the Deployment's selector",
        cause: Cause::Malformed(why.to_string()),
    })?;
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let taken = read(&pods, |nodes: &mut BTreeSet<String>, pod: Pod| {
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        let spec = pod.spec.as_ref();
        let has_claim = spec.iter().flat_map(|spec| spec.volumes.iter().flatten()).any(|volume| {
            volume.persistent_volume_claim.as_ref().is_some_and(|claim| claims.contains(&claim.claim_name))
        });
        let counts = !matches!(phase, Some("Succeeded" | "Failed")) && (has_claim || selector.matches(pod.labels()));
        nodes.extend(spec.and_then(|spec| spec.node_name.clone()).filter(|_| counts));
    });
    taken.await.map_err(|cause| InventoryError::Api { what: "listing pods", cause })
}

/// What the Job's log says.
async fn result(client: &Client, namespace: &str, job: &Job) -> Result<Store, InventoryError> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let pod = errand::pod_of(&pods, job).await?;
    let (reader, ended) = match follow(&pods, &pod, CONTAINER, || LogReader::new(InventoryBytes::new())).await {
        Err(FollowError::Log(LogError::Failed { reason, text })) => return Err(InventoryError::Told { reason, text }),
        followed => followed.map_err(InventoryError::Unfollowed)?,
    };
    if ended.exit_code != 0 {
        let words = reader.words().map(str::to_owned).collect::<Vec<_>>().join("; ");
        return Err(InventoryError::Ended { how: how(&ended), words });
    }
    let unusable = |why| InventoryError::Unfollowed(FollowError::Log(why));
    reader.finish().map_err(unusable)?.finish().map_err(|why| unusable(LogError::Content(why)))
}

fn failed(what: &'static str, why: &kube::Error) -> InventoryError {
    InventoryError::Api { what, cause: Cause::from(why) }
}
