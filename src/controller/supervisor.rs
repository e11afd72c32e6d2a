//! One worker for each registry: started, told of changes, and ended as resources come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::context::Context;
use super::registries::{Registry, registries};
use super::resource::{Key, Resource, Unreadable};
use super::story::Standing;
use super::trouble::Trouble;
use super::worker::Worker;
use super::{clock, scribe};
use crate::cluster::Identity;

/// How long a worker may take to finish what it has begun.
const LAST_WORK: Duration = Duration::from_secs(50);

/// The workers of all registries.
pub(super) struct Supervisor {
    context: Arc<Context>,
    shutdown: watch::Receiver<bool>,
    desks: BTreeMap<String, Desk>,
    ending: Vec<(BTreeSet<Identity>, JoinHandle<()>)>,
    /// What was last said of resources that cannot be read.
    said: BTreeMap<Key, (String, i64, String)>,
}

/// One worker, as its supervisor sees it.
struct Desk {
    tell: watch::Sender<Arc<Registry>>,
    task: JoinHandle<()>,
}

impl Supervisor {
    pub(super) fn new(context: Arc<Context>, shutdown: watch::Receiver<bool>) -> Self {
        Self { context, shutdown, desks: BTreeMap::new(), ending: Vec::new(), said: BTreeMap::new() }
    }

    /// Sees to it that there is one worker for each registry, which knows the resources as they are now.
    pub(super) async fn assign(&mut self, whole: &[Arc<Resource>], broken: &[Arc<Unreadable>]) {
        self.say_what_is_wrong(broken).await;
        let now: BTreeMap<String, Registry> = registries(whole, broken)
            .into_iter()
            .filter(|it| !it.resources.is_empty())
            .map(|it| (it.id(), it))
            .collect();
        let gone: Vec<String> = self.desks.keys().filter(|id| !now.contains_key(*id)).cloned().collect();
        for id in gone {
            if let Some(Desk { tell, task }) = self.desks.remove(&id) {
                let identities = tell.borrow().identities.clone();
                self.ending.push((identities, task));
            }
        }
        self.ending.retain(|(_, task)| !task.is_finished());
        for (id, registry) in now {
            match self.desks.get(&id).filter(|desk| !desk.task.is_finished()) {
                Some(desk) => {
                    desk.tell.send_if_modified(|known| {
                        let changed = !known.is_same(&registry);
                        if changed {
                            *known = Arc::new(registry);
                        }
                        changed
                    });
                }
                None => self.hire(id, registry),
            }
        }
    }

    /// A new worker begins when those before it at the same registry have ended.
    fn hire(&mut self, id: String, registry: Registry) {
        let (before, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.ending)
            .into_iter()
            .partition(|(identities, _)| !identities.is_disjoint(&registry.identities));
        self.ending = others;
        let (tell, hear) = watch::channel(Arc::new(registry));
        let worker = Worker {
            context: Arc::clone(&self.context),
            registry: hear,
            shutdown: self.shutdown.clone(),
            known: BTreeMap::new(),
            files: None,
            store: None,
        };
        let task = tokio::spawn(async move {
            for (_, ending) in before {
                // A worker that panicked has ended as well.
                let _ = ending.await;
            }
            worker.work().await;
        });
        self.desks.insert(id, Desk { tell, task });
    }

    /// Waits until all workers have finished what they had begun.
    pub(super) async fn finish(self) {
        let tasks = self.desks.into_values().map(|desk| desk.task).chain(self.ending.into_iter().map(|(_, task)| task));
        if tokio::time::timeout(LAST_WORK, futures::future::join_all(tasks)).await.is_err() {
            tracing::warn!("not everything that was begun is finished; the next start goes on with it");
        }
    }

    async fn say_what_is_wrong(&mut self, broken: &[Arc<Unreadable>]) {
        self.said.retain(|key, _| broken.iter().any(|it| it.key == *key));
        for it in broken.iter().filter(|it| self.context.serves(&it.key)) {
            let what = (it.uid.clone(), it.generation, it.why.clone());
            if self.said.get(&it.key) == Some(&what) {
                continue;
            }
            let held = if it.identities.is_some() { "the registry that it names" } else { "any registry" };
            let message = format!("{}; as long as it cannot be read, nothing is deleted on {held}; correct it", it.why);
            let standing = Standing::Troubled(Trouble::stalled("ResourceInvalid", message));
            let mut status = it.status.clone();
            let words = standing.words(&it.key, &[]);
            status.conditions = standing.conditions(&status.conditions, &words, it.generation, clock::now());
            status.observed_generation = Some(it.generation);
            if status == it.status {
                self.said.insert(it.key.clone(), what);
                continue;
            }
            match scribe::write(&self.context, &it.key, &it.uid, &it.status, &status).await {
                Ok(_) => {
                    scribe::tell(&self.context, &it.key, &it.uid, &words, false).await;
                    self.said.insert(it.key.clone(), what);
                }
                // Where the watch lags behind, it will tell, and then this is written.
                Err(why) => tracing::warn!(key = %it.key, %why, "the status is not written"),
            }
        }
    }
}

impl Registry {
    /// Whether nothing is different that a worker acts on; its own writes to the status are no news to it.
    fn is_same(&self, other: &Self) -> bool {
        let of = |registry: &Self| {
            let whole = registry.resources.iter();
            let broken = registry.unreadable.iter();
            (
                registry.identities.clone(),
                whole
                    .map(|it| (it.uid.clone(), it.generation, it.requested.clone(), it.accept.clone()))
                    .collect::<Vec<_>>(),
                broken.map(|it| (it.uid.clone(), it.generation)).collect::<Vec<_>>(),
            )
        };
        of(self) == of(other)
    }
}
