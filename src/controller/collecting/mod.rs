//! Collections: each `RegistryCollection` by a task of its own, of one Deployment one at a time.
//!
//! - `course`: one collection, from its preflight to its end, as the [`protocol`](crate::collection::protocol) says
//! - `stopwatch`, `tale`: for how long the registry was read-only, and what the status says (pure)

mod course;
mod preflight;
mod stopwatch;
mod tale;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt as _;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::reflector;
use kube::runtime::watcher::{self, watcher};
use kube::{Api, ResourceExt as _};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use super::context::Context;
use super::resource::Key;
use crate::api::RegistryCollection;
use crate::cluster::Lookout;

/// Which Deployment: namespace and name.
type Place = (String, String);

/// What all collections share.
pub(super) struct Collections {
    context: Arc<Context>,
    /// By namespace; without a name, those of all.
    lookouts: BTreeMap<Option<String>, Arc<Lookout>>,
    /// Of one Deployment one collection at a time; the protocol holds without, this only keeps them from hindering one
    /// another.
    turns: Mutex<BTreeMap<Place, Arc<Mutex<()>>>>,
}

impl Collections {
    /// Pods are watched from the beginning on, so that nobody has to wait until they were for long enough.
    fn new(context: Arc<Context>) -> Self {
        let namespaces: Vec<Option<String>> = match &context.namespaces {
            Some(namespaces) => namespaces.iter().cloned().map(Some).collect(),
            None => vec![None],
        };
        let start = |namespace: Option<String>| {
            let lookout = Arc::new(Lookout::start(&context.client, namespace.as_deref()));
            (namespace, lookout)
        };
        let lookouts = namespaces.into_iter().map(start).collect();
        Self { context, lookouts, turns: Mutex::default() }
    }

    fn lookout(&self, namespace: &str) -> Option<Arc<Lookout>> {
        let of_one = self.lookouts.get(&Some(namespace.to_owned()));
        of_one.or_else(|| self.lookouts.get(&None)).cloned()
    }

    async fn turn(&self, place: Place) -> Arc<Mutex<()>> {
        Arc::clone(self.turns.lock().await.entry(place).or_default())
    }
}

/// Runs every collection until `stop` turns true. What is begun then, whoever comes next goes on with, or the keeper ends.
pub(super) async fn run(context: Arc<Context>, mut stop: watch::Receiver<bool>) {
    let api: Api<RegistryCollection> = Api::all(context.client.clone());
    let all = Arc::new(Collections::new(context));
    let mut tasks: BTreeMap<String, JoinHandle<()>> = BTreeMap::new();
    let (reader, writer) = reflector::store();
    let events = watcher(api, watcher::Config::default()).default_backoff().reflect(writer);
    let mut events = std::pin::pin!(events);
    while !*stop.borrow_and_update() {
        let event = tokio::select! {
            event = events.next() => event,
            _ = stop.changed() => break,
        };
        match event {
            Some(Ok(_)) => {}
            Some(Err(why)) => {
                tracing::warn!(%why, "the watch of RegistryCollections is interrupted");
                continue;
            }
            None => break,
        }
        tasks.retain(|_, task| !task.is_finished());
        for collection in reader.state() {
            let key = Key { namespace: collection.namespace().unwrap_or_default(), name: collection.name_any() };
            let uid = collection.uid().unwrap_or_default();
            if !all.context.serves(&key) || course::is_over(&collection) || tasks.contains_key(&uid) {
                continue;
            }
            let course = course::Course::new(Arc::clone(&all), key, uid.clone(), stop.clone());
            tasks.insert(uid, tokio::spawn(course.run()));
        }
    }
    for task in tasks.into_values() {
        // Each ends at the next thing that it would wait for.
        let _ = task.await;
    }
}
