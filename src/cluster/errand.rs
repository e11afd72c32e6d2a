//! The one way to run a command of ours beside a registry: its Job is made under its fixed name, followed by watches, and
//! removed again.

use std::time::Duration;

use futures::{Stream, StreamExt as _};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ContainerStateTerminated, Pod};
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watch_object, watcher};
use kube::{Api, Client, ResourceExt as _};
use tokio::time::timeout;

use super::error::Cause;
use super::index::what_failed;
use super::pod_state::{Progress, progress};
use crate::collection::{CONTAINER, MANAGED_BY, Refusal};

/// How long the Job's pod may take to be made.
const POD: Duration = Duration::from_secs(60);
/// How long its container may take to be started: its images may have to be pulled.
const START: Duration = Duration::from_secs(300);
/// How long a deleted Job may take to be gone.
const GONE: Duration = Duration::from_secs(60);
/// What making, starting and ending may take beside the work.
const AROUND: Duration = Duration::from_secs(420);

/// Why an errand brought nothing. The registry was not touched.
#[derive(Debug)]
pub(super) enum ErrandError {
    /// There is no such Deployment: `namespace/name`.
    NoDeployment(String),
    /// No Job can do it.
    Refused(Refusal),
    /// The API server refused, or did not answer: what was tried, and why it failed.
    Api(&'static str, Cause),
    /// A Job of that name is somebody else's: `namespace/name`.
    NotOurs(String),
    /// A Job was deleted and is still there: its name.
    Stays(String),
    /// The Job has no pod: `namespace/name`.
    NoPod(String),
    /// Its pod was deleted meanwhile.
    Gone,
    /// Its container was not started, and why.
    NotStarted(String),
    /// It took too long.
    Timeout,
}

impl From<Refusal> for ErrandError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Runs a Job: an older one of its name is deleted first, and it is deleted in the end, whatever came of it. If this
/// process dies before, its deadline ends it. `work` may take as long as the Job.
pub(super) async fn run<T, E: From<ErrandError>>(
    client: &Client,
    wanted: &Job,
    work: impl AsyncFnOnce(&Job) -> Result<T, E>,
) -> Result<T, E> {
    let namespace = wanted.namespace().unwrap_or_default();
    let jobs: Api<Job> = Api::namespaced(client.clone(), &namespace);
    let name = wanted.name_any();
    let old = jobs.get_opt(&name).await.map_err(|why| failed("reading the Job", &why))?;
    if let Some(old) = old {
        if old.labels().get("app.kubernetes.io/managed-by").map(String::as_str) != Some(MANAGED_BY) {
            return Err(ErrandError::NotOurs(format!("{namespace}/{name}")).into());
        }
        remove(&jobs, &old).await?;
    }
    let made = jobs.create(&PostParams::default(), wanted).await.map_err(|why| failed("creating the Job", &why))?;
    let deadline = wanted.spec.as_ref().and_then(|spec| spec.active_deadline_seconds).unwrap_or_default();
    let bound = Duration::from_secs(deadline.try_into().unwrap_or_default()).saturating_add(AROUND);
    let done = timeout(bound, Box::pin(work(&made))).await;
    if let Err(why) = remove(&jobs, &made).await {
        tracing::warn!(job = name, ?why, "a Job is left; the next of its name deletes it");
    }
    done.unwrap_or_else(|_| Err(ErrandError::Timeout.into()))
}

/// The name of the one pod that the Job makes.
pub(super) async fn pod_of(pods: &Api<Pod>, job: &Job) -> Result<String, ErrandError> {
    let label = format!("batch.kubernetes.io/controller-uid={}", job.uid().unwrap_or_default());
    let events = watcher(pods.clone(), watcher::Config::default().labels(&label));
    let made = events.filter_map(async |event| match event {
        Ok(Event::Apply(pod) | Event::InitApply(pod)) => Some(Ok(pod)),
        Ok(_) => None,
        Err(why) => Some(Err(why)),
    });
    let none = || ErrandError::NoPod(format!("{}/{}", job.namespace().unwrap_or_default(), job.name_any()));
    timeout(POD, first(made, |pod| Some(Ok(pod.name_any())))).await.unwrap_or_else(|_| Err(none()))
}

/// How the container in which the work is done has ended, as its kubelet reports it.
pub(super) async fn ended(pods: &Api<Pod>, pod: &str) -> Result<ContainerStateTerminated, ErrandError> {
    let mut last = String::new();
    let started = first(watch_object(pods.clone(), pod), |pod| match look(pod.as_ref()) {
        Ok(Progress::Waits(why)) => {
            last = why;
            None
        }
        Ok(Progress::Runs | Progress::Ended(_)) => Some(Ok(())),
        Ok(Progress::Failed(why)) => Some(Err(ErrandError::NotStarted(why))),
        Err(gone) => Some(Err(gone)),
    });
    match timeout(START, started).await {
        Ok(started) => started?,
        Err(_) => return Err(ErrandError::NotStarted(last)),
    }
    first(watch_object(pods.clone(), pod), |pod| match look(pod.as_ref()) {
        Ok(Progress::Ended(ended)) => Some(Ok(ended)),
        Ok(Progress::Failed(why)) => Some(Err(ErrandError::NotStarted(why))),
        Ok(Progress::Waits(_) | Progress::Runs) => None,
        Err(gone) => Some(Err(gone)),
    })
    .await
}

fn look(pod: Option<&Pod>) -> Result<Progress, ErrandError> {
    pod.map(|pod| progress(pod, CONTAINER)).ok_or(ErrandError::Gone)
}

/// Deletes a Job with its pod, and sees both gone.
async fn remove(jobs: &Api<Job>, job: &Job) -> Result<(), ErrandError> {
    let (name, uid) = (job.name_any(), job.uid());
    let this = Preconditions { uid: uid.clone(), ..Preconditions::default() };
    match jobs.delete(&name, &DeleteParams::foreground().preconditions(this)).await {
        Ok(_) => {}
        // Gone, or another one in its place.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
        Err(why) => return Err(failed("deleting the Job", &why)),
    }
    let is_gone = |job: Option<Job>| job.is_none_or(|job| job.uid() != uid).then_some(Ok(()));
    let gone = timeout(GONE, first(watch_object(jobs.clone(), &name), is_gone)).await;
    gone.unwrap_or(Err(ErrandError::Stays(name)))
}

/// The first thing that `see` makes of what comes. A watch that fails begins again, unless it is not allowed.
async fn first<O, T>(
    states: impl Stream<Item = watcher::Result<O>> + Send,
    mut see: impl FnMut(O) -> Option<Result<T, ErrandError>>,
) -> Result<T, ErrandError> {
    let mut states = Box::pin(states.default_backoff());
    while let Some(state) = states.next().await {
        match state.map_err(|why| what_failed(&why).1) {
            Ok(state) => {
                if let Some(seen) = see(state) {
                    return seen;
                }
            }
            Err(cause @ Cause::Forbidden) => return Err(ErrandError::Api("watching the Job and its pod", cause)),
            Err(cause) => tracing::debug!(%cause, "a watch of a Job begins again"),
        }
    }
    Err(ErrandError::Gone)
}

fn failed(what: &'static str, why: &kube::Error) -> ErrandError {
    ErrandError::Api(what, Cause::from(why))
}
