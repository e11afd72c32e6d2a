use std::fmt::Debug;
use std::sync::Arc;

use futures::StreamExt as _;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use kube::core::{NamespaceResourceScope, PartialObjectMeta};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{Config, DefaultBackoff, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::Stage;
use crate::api::RegistryCollection;
use crate::collection::{LABEL_RUN, Purpose, name};

/// Watches whatever a run waits for, and tells that something changed; what, a live look shows.
pub struct Wakes {
    changed: Arc<Notify>,
    tasks: Vec<AbortHandle>,
}

impl Wakes {
    /// Begins to watch. Must be called in a runtime.
    pub fn start(stage: &Stage) -> Self {
        let changed = Arc::new(Notify::new());
        let named = |name: &str| Config::default().fields(&format!("metadata.name={name}"));
        let jobs = Config::default().labels(&format!("{LABEL_RUN}={}", stage.run));
        let pods = pods(stage, Arc::clone(&changed));
        let tasks = vec![
            follow::<Deployment>(stage, named(&stage.subject.deployment), &changed),
            follow::<RegistryCollection>(stage, named(&stage.collection), &changed),
            follow::<Job>(stage, jobs, &changed),
            // Whatever is left of an earlier run has another label.
            follow::<Job>(stage, named(&name(&stage.subject.deployment, Purpose::Keeper)), &changed),
            pods,
        ];
        Self { changed, tasks }
    }

    /// Returns at the next change, or at once if there was one since the last time.
    pub async fn next(&self) {
        self.changed.notified().await;
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

fn follow<K>(stage: &Stage, config: Config, changed: &Arc<Notify>) -> AbortHandle
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let changed = Arc::clone(changed);
    let api: Api<PartialObjectMeta<K>> = Api::namespaced(stage.client.clone(), &stage.subject.namespace);
    let follow = async move {
        let mut events = std::pin::pin!(watcher(api, config).backoff(DefaultBackoff::default()));
        while let Some(event) = events.next().await {
            if event.is_ok() {
                changed.notify_one();
            }
        }
    };
    tokio::spawn(follow).abort_handle()
}

/// Those of the namespace come by the lookout, which watches them anyway.
fn pods(stage: &Stage, changed: Arc<Notify>) -> AbortHandle {
    let mut seen = stage.lookout.changes();
    tokio::spawn(async move {
        while seen.changed().await.is_ok() {
            changed.notify_one();
        }
    })
    .abort_handle()
}
