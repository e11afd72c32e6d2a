use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{Stream, TryStreamExt as _};
use kube::Client;
use kube::runtime::watcher::{self, DefaultBackoff, Event};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::error::{Cause, ClusterError, Unread, Verb};
use super::images::Workload;
use super::references::{Change, References};
use super::scope::{Feed, Scope};
use crate::retention::UsedImages;

/// How long a watch waits at most before it begins again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What workloads use, followed as it changes. It holds no objects, only the images that they name, each text once.
///
/// A watch that fails lists everything anew before it counts as current again, so that nothing can have been missed;
/// what is asked meanwhile is an error. The watches end with the index.
pub struct Index {
    shared: Arc<Shared>,
    tasks: Vec<AbortHandle>,
}

struct Shared {
    state: Mutex<State>,
    /// Told whenever a feed becomes current or fails.
    turned: watch::Sender<()>,
}

struct State {
    references: References,
    snapshot: Option<(u64, Arc<UsedImages>)>,
}

impl Index {
    /// Begins to follow every kind in `scope`. Must be called in a runtime.
    pub fn start(client: &Client, scope: &Scope) -> Self {
        let feeds = scope.feeds();
        let references = References::new(feeds.iter().map(|feed| feed.kind));
        let state = Mutex::new(State { references, snapshot: None });
        let shared = Arc::new(Shared { state, turned: watch::Sender::new(()) });
        let follow = |(number, feed): (usize, Feed)| {
            tokio::spawn(follow(client.clone(), feed, number, Arc::clone(&shared))).abort_handle()
        };
        let tasks = feeds.into_iter().enumerate().map(follow).collect();
        Self { shared, tasks }
    }

    /// Waits until every kind was listed once.
    ///
    /// # Errors
    ///
    /// The first one, although the watch goes on and may succeed later.
    pub async fn synced(&self) -> Result<(), ClusterError> {
        let mut turned = self.shared.turned.subscribe();
        while !self.health()? {
            // The sender lives as long as this index.
            let _ = turned.changed().await;
        }
        Ok(())
    }

    /// Whether everything is known: `Ok(false)` while the first lists are under way.
    ///
    /// # Errors
    ///
    /// That of a watch that fails and has not listed everything since.
    pub fn health(&self) -> Result<bool, ClusterError> {
        if self.tasks.iter().any(AbortHandle::is_finished) {
            return Err(ClusterError::Configuration("a watch of workloads has ended".into()));
        }
        self.shared.lock().references.health()
    }

    /// What workloads use at this moment; the same value as before where nothing changed.
    ///
    /// # Errors
    ///
    /// As for [`Index::health`]; what is not known whole is not shown at all.
    pub fn snapshot(&self) -> Result<Arc<UsedImages>, ClusterError> {
        if !self.health()? {
            return Err(ClusterError::Configuration("workloads are still being listed".into()));
        }
        let mut state = self.shared.lock();
        let version = state.references.version();
        if let Some((_, images)) = state.snapshot.as_ref().filter(|(made, _)| *made == version) {
            return Ok(Arc::clone(images));
        }
        let images = Arc::new(state.references.images());
        state.snapshot = Some((version, Arc::clone(&images)));
        Ok(images)
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A watch that panicked has ended, which is looked at before.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, feed: usize, change: Change) {
        let turns = matches!(change, Change::Complete | Change::Failed(_));
        self.lock().references.apply(feed, change);
        if turns {
            self.turned.send_replace(());
        }
    }
}

/// Lists and watches, and begins anew whenever that fails.
async fn follow(client: Client, feed: Feed, number: usize, shared: Arc<Shared>) {
    let mut pauses = DefaultBackoff::default();
    loop {
        let events = kube::runtime::watcher(feed.api(&client), watcher::Config::default());
        let Err(error) = follow_once(events, number, &shared).await else { continue };
        let (verb, cause) = what_failed(&error);
        let unread = Unread::new(&feed.kind.resource(), feed.namespace.as_deref(), verb, cause);
        tracing::warn!(%unread, "workloads cannot be followed");
        shared.apply(number, Change::Failed(ClusterError::Workloads(unread)));
        tokio::time::sleep(pauses.next().unwrap_or(LONGEST_PAUSE)).await;
    }
}

async fn follow_once(
    events: impl Stream<Item = watcher::Result<Event<Workload>>>,
    number: usize,
    shared: &Shared,
) -> watcher::Result<()> {
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.try_next().await? {
        shared.apply(number, Change::from(event));
    }
    Ok(())
}

impl From<Event<Workload>> for Change {
    fn from(event: Event<Workload>) -> Self {
        match event {
            Event::Init => Self::Begin,
            Event::InitApply(workload) => Self::Listed(workload.name(), workload.into_images()),
            Event::InitDone => Self::Complete,
            Event::Apply(workload) => Self::Applied(workload.name(), workload.into_images()),
            Event::Delete(workload) => Self::Deleted(workload.name()),
        }
    }
}

/// What a watch failed at, and why.
pub(super) fn what_failed(error: &watcher::Error) -> (Verb, Cause) {
    match error {
        watcher::Error::InitialListFailed(error) => (Verb::List, Cause::from(error)),
        watcher::Error::WatchStartFailed(error) | watcher::Error::WatchFailed(error) => {
            (Verb::Watch, Cause::from(error))
        }
        watcher::Error::WatchError(status) => (Verb::Watch, Cause::from(&**status)),
        watcher::Error::NoResourceVersion => (Verb::Watch, Cause::Malformed(error.to_string())),
    }
}
