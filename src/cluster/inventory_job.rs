use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::{DeleteParams, ListParams, PostParams, Preconditions};
use kube::core::{Selector, SelectorExt as _};
use kube::{Api, Client, ResourceExt as _};

use super::error::Cause;
use super::inventory_error::InventoryError;
use super::job_log::{FollowError, follow};
use super::list::read;
use super::pod_state::how;
use crate::collection::{AccessMode, CONTAINER, Claims, Errand, MANAGED_BY, Template, job};
use crate::retention::Store;
use crate::storage::{InventoryBytes, LogError, LogReader};

/// How long it is waited between two looks at something.
const PAUSE: Duration = Duration::from_millis(500);
/// How long the Job's pod may take to be made.
const POD: Duration = Duration::from_secs(60);
/// How long a deleted Job may take to be gone.
const GONE: Duration = Duration::from_secs(60);
/// What starting and ending may take beside the reading.
const AROUND: Duration = Duration::from_secs(420);

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
    let jobs: Api<Job> = Api::namespaced(client.clone(), subject.namespace);
    let name = wanted.name_any();
    if let Some(old) = get(&jobs, &name).await? {
        if old.labels().get("app.kubernetes.io/managed-by").map(String::as_str) != Some(MANAGED_BY) {
            return Err(InventoryError::NotOurs { job: format!("{}/{name}", subject.namespace) });
        }
        remove(&jobs, &old).await?;
    }
    let made = jobs.create(&PostParams::default(), &wanted).await.map_err(|why| failed("creating the Job", &why))?;
    let bound = subject.deadline.saturating_add(AROUND);
    let told = tokio::time::timeout(bound, Box::pin(result(client, subject.namespace, &made))).await;
    if let Err(why) = remove(&jobs, &made).await {
        tracing::warn!(job = name, %why, "a Job is left; the next inventory deletes it");
    }
    told.unwrap_or(Err(InventoryError::Timeout))
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
    let pod = pod_of(&pods, job).await?;
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

/// The name of the one pod that the Job makes.
async fn pod_of(pods: &Api<Pod>, job: &Job) -> Result<String, InventoryError> {
    let uid = job.uid().unwrap_or_default();
    let of_job = ListParams::default().labels(&format!("batch.kubernetes.io/controller-uid={uid}"));
    let began = Instant::now();
    loop {
        let list = pods.list(&of_job).await.map_err(|why| failed("listing the Job's pod", &why))?;
        if let Some(pod) = list.items.first() {
            return Ok(pod.name_any());
        }
        if began.elapsed() > POD {
            return Err(InventoryError::NoPod {
                job: format!("{}/{}", job.namespace().unwrap_or_default(), job.name_any()),
            });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Deletes a Job with its pod, and sees both gone.
async fn remove(jobs: &Api<Job>, job: &Job) -> Result<(), InventoryError> {
    let (name, uid) = (job.name_any(), job.uid());
    let this = Preconditions { uid: uid.clone(), ..Preconditions::default() };
    match jobs.delete(&name, &DeleteParams::foreground().preconditions(this)).await {
        Ok(_) => {}
        // Gone, or another one in its place.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
        Err(why) => return Err(failed("deleting the Job", &why)),
    }
    let began = Instant::now();
    while get(jobs, &name).await?.is_some_and(|job| job.uid() == uid) {
        if began.elapsed() > GONE {
            return Err(InventoryError::Stays { job: name });
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn get(jobs: &Api<Job>, name: &str) -> Result<Option<Job>, InventoryError> {
    jobs.get_opt(name).await.map_err(|why| failed("reading the Job", &why))
}

fn failed(what: &'static str, why: &kube::Error) -> InventoryError {
    InventoryError::Api { what, cause: Cause::from(why) }
}
