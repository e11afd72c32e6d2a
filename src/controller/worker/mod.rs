//! The worker of one registry: one turn after another, for one of its resources at a time.
//!
//! - `plan`: a turn that plans; `run`: a turn that deletes; `say`: what a turn came to is written, and told

mod plan;
mod run;
mod say;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::clock;
use super::context::Context;
use super::files::Files;
use super::gather::live;
use super::known::{Known, Sight};
use super::registries::Registry;
use super::resource::{Key, Resource};
use super::trouble::Trouble;
use crate::api::Mode;
use crate::retention::Store;
use crate::schedule::{Due, Turn};

/// How long the watch may lag behind a live read before that is read again.
const LAG: SignedDuration = SignedDuration::from_secs(5);

/// The worker of one registry. Nobody else touches that.
pub(super) struct Worker {
    pub(super) context: Arc<Context>,
    pub(super) registry: watch::Receiver<Arc<Registry>>,
    pub(super) shutdown: watch::Receiver<bool>,
    pub(super) known: BTreeMap<Key, Known>,
    /// What is kept of the registry; read anew after anything failed.
    pub(super) files: Option<Files>,
    /// What its storage showed, for as long as a run goes on that was planned by it.
    pub(super) store: Option<Arc<Store>>,
}

impl Worker {
    /// Works until the registry has no resources any more, or the process ends.
    pub(super) async fn work(mut self) {
        while !*self.shutdown.borrow() {
            let registry = Arc::clone(&self.registry.borrow_and_update());
            if self.registry.has_changed().is_err() {
                return self.leave(&registry).await;
            }
            self.know(&registry);
            let now = clock::now();
            match self.next(&registry, now) {
                Due::Now((resource, turn)) => self.turn(&registry, &resource, turn, now).await,
                Due::At(at) => {
                    self.show_all(&registry, now).await;
                    self.rest(Some(at)).await;
                }
                Due::WhenAsked => {
                    self.show_all(&registry, now).await;
                    self.rest(None).await;
                }
            }
        }
    }

    /// Learns of new resources, and forgets those that are gone.
    fn know(&mut self, registry: &Registry) {
        self.known.retain(|key, known| registry.resources.iter().any(|it| it.key == *key && it.uid == known.uid));
        for resource in registry.resources.iter().filter(|it| self.context.serves(&it.key)) {
            self.known.entry(resource.key.clone()).or_insert_with(|| Known::new(resource));
        }
    }

    /// What is due first. A plan comes between two passes of a run; another run waits for its end.
    fn next(&self, registry: &Registry, now: Timestamp) -> Due<(Arc<Resource>, Turn)> {
        let known =
            |resource: &Arc<Resource>| Some((Arc::clone(resource), self.known.get(&resource.key)?.due(resource, now)));
        let dues: Vec<(Arc<Resource>, Due)> = registry.resources.iter().filter_map(known).collect();
        for turn in [Turn::Plan, Turn::Resume, Turn::Run] {
            if let Some((resource, _)) = dues.iter().find(|(_, due)| *due == Due::Now(turn)) {
                return Due::Now((Arc::clone(resource), turn));
            }
        }
        let at = |(_, due): &(Arc<Resource>, Due)| match due {
            Due::At(at) => Some(*at),
            _ => None,
        };
        dues.iter().filter_map(at).min().map_or(Due::WhenAsked, Due::At)
    }

    /// Waits until something changes, or until `at`.
    async fn rest(&mut self, at: Option<Timestamp>) {
        let until = async {
            match at {
                Some(at) => clock::reach(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.registry.changed() => {}
            _ = self.shutdown.changed() => {}
            () = until => {}
        }
    }

    /// One turn for one resource. Whatever stands in the way is said, and tried again later.
    async fn turn(&mut self, known: &Registry, resource: &Resource, turn: Turn, now: Timestamp) {
        let (registry, resource) = match live(&self.context, &resource.key).await {
            Ok(Some((registry, live))) if registry.identities == known.identities && live.uid == resource.uid => {
                (registry, live)
            }
            // The watch will tell, and then this may be another worker's registry.
            Ok(_) => return self.rest(Some(now + LAG)).await,
            // What is due at once stays so, whatever comes of it: the API server is given time.
            Err(trouble) => {
                self.trouble(resource, turn, trouble, now).await;
                return self.rest(Some(now + LAG)).await;
            }
        };
        // What another worker wrote a moment ago may not have reached the watch.
        match self.known.get_mut(&resource.key) {
            Some(known) if known.sight != Sight::Live => {
                return *known = Known { sight: Sight::Live, ..Known::new(&resource) };
            }
            _ => {}
        }
        let ended = match turn {
            Turn::Resume => self.resume(&registry, &resource, now).await,
            Turn::Plan | Turn::Run => self.plan_unless_told_to_end(&registry, &resource, turn, now).await,
        };
        if let Err(trouble) = ended {
            // What could not be written may be anything.
            self.files = None;
            if self.known.get(&resource.key).is_some_and(|known| known.sight == Sight::Overtaken) {
                tracing::info!(key = %resource.key, message = trouble.message, "what somebody else wrote counts");
                return;
            }
            self.trouble(&resource, turn, trouble, now).await;
        }
    }

    /// A plan that is not finished is lost without harm.
    async fn plan_unless_told_to_end(
        &mut self,
        registry: &Registry,
        resource: &Resource,
        turn: Turn,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let mut shutdown = self.shutdown.clone();
        tokio::select! {
            planned = self.plan(registry, resource, turn, now) => planned,
            _ = shutdown.wait_for(|told| *told) => Ok(()),
        }
    }
}

/// A run's name: when it began. To the millisecond, since a run that is cut is followed by a plan within the same second.
fn id(now: Timestamp) -> String {
    now.strftime("%Y%m%d-%H%M%S-%3f").to_string()
}

/// Whether a turn is to delete.
fn mode(resource: &Resource, turn: Turn) -> Mode {
    if turn == Turn::Run { resource.spec.mode } else { Mode::DryRun }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_the_same_second_have_names_of_their_own() {
        let named = |at: &str| id(at.parse().unwrap());
        assert_eq!(named("2026-11-22T07:13:33.021Z"), "20261122-071333-021");
        assert!(named("2026-11-22T07:13:33.021Z") < named("2026-11-22T07:13:33.4Z"));
    }
}
