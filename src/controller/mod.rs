//! The operator: resources in, deletions and reports out. One worker for each registry owns its memory, its records and
//! its run; whatever is irreversible is preceded by live reads, and recorded first.
//!
//! - [`resource`], [`registries`]: resources as they are read, and which of them concern one registry (pure)
//! - `supervisor`: one worker for each registry; `worker`: its turns, one after another
//! - `gather`: what a turn works with, read live; `access`: logins and certificates
//! - `storage`: the registry's storage, read beside it
//! - `collecting`: garbage is collected, by `RegistryCollection`s
//! - `make`: a plan is made and stored; `pass`: some seconds of carrying it out
//! - [`story`], [`trouble`]: what the status says, and why something cannot be done (pure); `scribe` writes it
//! - [`record`]: a stored plan (pure); [`stored_plans`]: as anyone reads them; `shelves`: those of one resource
//! - `files`: what is kept of one registry, its `journal` and its `memory`; `ledger`: `ConfigMaps`, where all of it is
//! - `known`: what a worker knows of one resource; `context`: what all workers share; `clock`: the one clock

mod access;
mod clock;
mod collecting;
mod context;
mod files;
mod gather;
mod journal;
mod known;
mod ledger;
mod make;
mod memory;
mod pass;
pub mod record;
pub mod registries;
pub mod resource;
mod scribe;
mod shelves;
mod storage;
pub mod stored_plans;
pub mod story;
mod supervisor;
pub mod trouble;
mod worker;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::StreamExt as _;
use kube::core::DynamicObject;
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{WatchStreamExt as _, reflector};
use kube::{Api, Client};
use tokio::sync::watch;

use crate::api::api_resource;
use crate::telemetry::{self, Metrics};
use context::Context;
use supervisor::Supervisor;

/// How the operator runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its own namespace, where its records are.
    pub namespace: String,
    /// Where it acts; absent: everywhere. Resources elsewhere only keep.
    pub namespaces: Option<BTreeSet<String>>,
    /// Where probes and metrics are served.
    pub listen: SocketAddr,
    /// Its own image, which Jobs beside a registry take the program from; absent: there are no such Jobs.
    pub image: Option<String>,
}

/// Why the operator ended.
#[derive(Debug, thiserror::Error)]
pub enum ControllerError {
    /// Probes and metrics cannot be served.
    #[error("{0} cannot be listened on: {1}")]
    Listen(SocketAddr, std::io::Error),
}

/// Runs until `stop` turns true, and finishes what is begun.
///
/// # Errors
///
/// Only if it cannot begin.
pub async fn run(client: Client, options: Options, mut stop: watch::Receiver<bool>) -> Result<(), ControllerError> {
    let metrics = Metrics::default();
    let (ready, is_ready) = watch::channel(false);
    let server = telemetry::serve(options.listen, metrics.clone(), is_ready).await;
    let server = server.map_err(|why| ControllerError::Listen(options.listen, why))?;
    let context = Arc::new(Context::new(client.clone(), &options, metrics));
    let collecting = tokio::spawn(collecting::run(Arc::clone(&context), stop.clone()));
    let mut supervisor = Supervisor::new(context, stop.clone());

    let api: Api<DynamicObject> = Api::all_with(client, &api_resource());
    let writer = reflector::store::Writer::new(api_resource());
    let store = writer.as_reader();
    let mut events = std::pin::pin!(watcher(api, watcher::Config::default()).default_backoff().reflect(writer));
    while !*stop.borrow_and_update() {
        let event = tokio::select! {
            event = events.next() => event,
            _ = stop.changed() => break,
        };
        match event {
            // Only a whole list tells what is gone.
            Some(Ok(Event::Init | Event::InitApply(_))) => {}
            Some(Ok(_)) => {
                let objects: Vec<DynamicObject> = store.state().iter().map(|it| (**it).clone()).collect();
                let (whole, broken) = gather::read(&objects);
                supervisor.assign(&whole, &broken).await;
                ready.send_replace(true);
            }
            Some(Err(why)) => tracing::warn!(%why, "the watch of RegistryRetentions is interrupted"),
            None => break,
        }
    }
    supervisor.finish().await;
    // It ends with the same word, and holds nothing that would have to be finished.
    collecting.abort();
    server.abort();
    Ok(())
}
