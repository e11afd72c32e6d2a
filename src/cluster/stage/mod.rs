//! The objects of one run of a collection: read for the [`protocol`](crate::collection::protocol), and changed as it says.
//! Operator and keeper share it.
//!
//! - [`Stage`]: whose run it is, and where
//! - `read`: a [`Scene`], each object by a live request, in the order that the protocol demands
//! - `pods`: which pods have the store, and what each answers
//! - `act`: an [`Effect`](crate::collection::protocol::Effect), as one request
//! - [`Wakes`]: tells that something of a run changed
//! - `heartbeat`: what the keeper knows the operator by; `clock`: the API server's

mod act;
mod clock;
mod heartbeat;
mod pods;
mod read;
mod wakes;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use kube::Client;

use super::error::Cause;
use super::lookout::Lookout;
use crate::api::Verification;
use crate::collection::StoreMark;
use crate::collection::patch::Subject;
use crate::collection::protocol::{Answer, Machine, Run, Uid};
pub use clock::server_time;
pub use read::Scene;
pub use wakes::Wakes;

/// Asks the pod at an address whether it takes writes.
pub type Ask = Arc<dyn Fn(Arc<str>) -> BoxFuture<'static, Answer> + Send + Sync>;

/// One run, and where it plays.
pub struct Stage {
    /// The cluster.
    pub client: Client,
    /// The Deployment.
    pub subject: Subject,
    /// The run.
    pub run: Run,
    /// The name of its `RegistryCollection`.
    pub collection: String,
    /// Which pods have the store.
    pub mark: StoreMark,
    /// Who watches the pods.
    pub lookout: Arc<Lookout>,
    /// How pods are asked.
    pub ask: Ask,
    /// What is needed to make Jobs; whoever makes none has none.
    pub workshop: Option<Workshop>,
    /// Where each pod was first seen to be, for a Node may be replaced by another of its name.
    machines: Mutex<HashMap<Uid, Machine>>,
    /// Since when neither Job nor pod of the collector was there.
    collector_gone: Mutex<Option<std::time::Instant>>,
}

/// What Jobs are made of.
#[derive(Clone, Debug)]
pub struct Workshop {
    /// Our own image.
    pub image: String,
    /// The registry's program in its container, where somebody says so.
    pub executable: Option<String>,
    /// The registry's configuration file, where somebody says so.
    pub configuration: Option<String>,
    /// How what is kept is looked at afterwards.
    pub verify: Verification,
    /// How old an upload that did not end must be to go.
    pub stale_uploads: String,
}

/// Why a request of a run failed. The next look shows what became of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {cause}")]
pub struct StageError {
    /// What was tried.
    pub what: &'static str,
    /// Why it failed.
    pub cause: Cause,
}

impl StageError {
    /// The `RegistryCollection` could not be read.
    pub fn reading_collection(why: &kube::Error) -> Self {
        Self { what: "reading the RegistryCollection", cause: Cause::from(why) }
    }

    /// The Deployment could not be read.
    pub fn reading_deployment(why: &kube::Error) -> Self {
        Self { what: "reading the Deployment", cause: Cause::from(why) }
    }

    /// Its status could not be written.
    pub fn writing_status(why: &kube::Error) -> Self {
        Self { what: "writing the status", cause: Cause::from(why) }
    }

    /// Whether somebody else changed the object meanwhile, or deleted it: the next look shows it.
    pub fn is_overtaken(&self) -> bool {
        matches!(self.cause, Cause::NotFound | Cause::Refused(409 | 422, _))
    }

    fn of(what: &'static str) -> impl Fn(kube::Error) -> Self {
        move |why| Self { what, cause: Cause::from(&why) }
    }
}

impl Stage {
    /// A run of which nothing was read yet.
    pub fn new(
        client: Client,
        subject: Subject,
        run: Run,
        collection: String,
        mark: StoreMark,
        lookout: Arc<Lookout>,
        ask: Ask,
    ) -> Self {
        Self {
            client,
            subject,
            run,
            collection,
            mark,
            lookout,
            ask,
            workshop: None,
            machines: Mutex::default(),
            collector_gone: Mutex::default(),
        }
    }
}
