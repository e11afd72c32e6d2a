use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::{Stream, TryStreamExt as _};
use k8s_openapi::api::core::v1::{Pod, PodSpec, PodStatus};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, DefaultBackoff, Event};
use kube::{Api, Client, ResourceExt as _};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::collection::protocol::Uid;
use crate::collection::view::{has_ended, uid};

/// How long it is remembered that a pod vanished unseen: until then its machine was seen again, or its Node is gone.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
/// Of how many pods it is remembered that they were seen to end.
const ENDED: usize = 10_000;

/// Watches the pods of a namespace, or of all, for those that vanish without having been seen to end: their containers may
/// be running nevertheless.
pub struct Lookout {
    shared: Arc<Shared>,
    task: AbortHandle,
}

/// A pod that vanished unseen.
#[derive(Clone, Debug)]
pub struct Vanished {
    /// As it was last seen, without what does not matter here.
    pub pod: Pod,
    /// When that was noticed.
    pub at: Instant,
}

struct Shared {
    seen: Mutex<Seen>,
    turned: watch::Sender<u64>,
}

impl Lookout {
    /// Begins to watch. Must be called in a runtime.
    pub fn start(client: &Client, namespace: Option<&str>) -> Self {
        let pods = namespace.map_or_else(|| Api::all(client.clone()), |name| Api::namespaced(client.clone(), name));
        let shared = Arc::new(Shared { seen: Mutex::new(Seen::default()), turned: watch::Sender::new(0) });
        let events = watcher::watcher(pods, watcher::Config::default()).backoff(DefaultBackoff::default());
        let task = tokio::spawn(follow(events, Arc::clone(&shared))).abort_handle();
        Self { shared, task }
    }

    /// Since when the pods are watched without a gap; `None` while they are not.
    pub fn since(&self) -> Option<Instant> {
        self.shared.lock().since
    }

    /// Told of each change, and with the number of changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.turned.subscribe()
    }

    /// What vanished unseen in the namespace.
    pub fn vanished(&self, namespace: &str) -> Vec<Vanished> {
        let seen = self.shared.lock();
        seen.vanished.values().filter(|it| it.pod.namespace().as_deref() == Some(namespace)).cloned().collect()
    }

    /// Whether the pod was seen to end.
    pub fn saw_end_of(&self, pod: &Uid) -> bool {
        self.shared.lock().ended.contains(pod)
    }
}

impl Drop for Lookout {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn follow(events: impl Stream<Item = watcher::Result<Event<Pod>>>, shared: Arc<Shared>) {
    let mut events = std::pin::pin!(events);
    loop {
        match events.try_next().await {
            Ok(Some(event)) => {
                shared.lock().apply(event, Instant::now());
                shared.turned.send_modify(|turns| *turns += 1);
            }
            Ok(None) => return,
            Err(why) => tracing::warn!(%why, "the watch of pods is interrupted"),
        }
    }
}

/// What was seen so far.
#[derive(Default)]
struct Seen {
    since: Option<Instant>,
    present: BTreeMap<Uid, Pod>,
    /// What a list has brought that is not through yet.
    listed: BTreeSet<Uid>,
    vanished: BTreeMap<Uid, Vanished>,
    ended: BTreeSet<Uid>,
    ended_first: VecDeque<Uid>,
}

impl Seen {
    fn apply(&mut self, event: Event<Pod>, now: Instant) {
        match event {
            // A list begins where a watch broke off: a pod that came and went between them was not seen.
            Event::Init => {
                self.since = None;
                self.listed.clear();
            }
            Event::InitApply(pod) => {
                self.listed.insert(uid(&pod));
                self.take(&pod);
            }
            Event::InitDone => {
                let gone: Vec<Uid> = self.present.keys().filter(|uid| !self.listed.contains(*uid)).cloned().collect();
                for uid in &gone {
                    self.lose(uid, now);
                }
                self.listed.clear();
                self.since = Some(now);
            }
            Event::Apply(pod) => self.take(&pod),
            Event::Delete(pod) => {
                self.take(&pod);
                self.lose(&uid(&pod), now);
            }
        }
        self.vanished.retain(|_, it| now.duration_since(it.at) < REMEMBERED);
    }

    fn take(&mut self, pod: &Pod) {
        let uid = uid(pod);
        if has_ended(pod) {
            self.present.remove(&uid);
            if self.ended.insert(uid.clone()) {
                self.ended_first.push_back(uid);
            }
            if self.ended_first.len() > ENDED
                && let Some(first) = self.ended_first.pop_front()
            {
                self.ended.remove(&first);
            }
        } else {
            self.present.insert(uid, trimmed(pod));
        }
    }

    fn lose(&mut self, uid: &Uid, now: Instant) {
        let Some(pod) = self.present.remove(uid) else { return };
        // One that no node had can have run nowhere.
        if pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some()) {
            self.vanished.insert(uid.clone(), Vanished { pod, at: now });
        }
    }
}

/// What tells whether a pod has a store, and where it is.
fn trimmed(pod: &Pod) -> Pod {
    let mut pod = pod.clone();
    pod.metadata.managed_fields = None;
    pod.metadata.annotations = None;
    let ip = pod.status.and_then(|status| status.pod_ip);
    pod.status = Some(PodStatus { pod_ip: ip, ..PodStatus::default() });
    let spec = pod.spec.unwrap_or_default();
    let slim = |mut container: k8s_openapi::api::core::v1::Container| {
        container.liveness_probe = None;
        container.readiness_probe = None;
        container.startup_probe = None;
        container.resources = None;
        container
    };
    pod.spec = Some(PodSpec {
        containers: spec.containers.into_iter().map(slim).collect(),
        init_containers: spec.init_containers.map(|all| all.into_iter().map(slim).collect()),
        node_name: spec.node_name,
        volumes: spec.volumes,
        ..PodSpec::default()
    });
    pod
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(uid: &str, node: Option<&str>, ended: bool) -> Pod {
        let state = if ended { json!({"terminated": {"exitCode": 0}}) } else { json!({"running": {}}) };
        let status = json!({"phase": if ended { "Succeeded" } else { "Running" }, "containerStatuses": [
            {"name": "a", "state": state, "image": "", "imageID": "", "ready": false, "restartCount": 0}]});
        let spec = json!({"containers": [{"name": "a"}], "nodeName": node});
        serde_json::from_value(json!({"metadata": {"uid": uid, "namespace": "n"}, "spec": spec, "status": status}))
            .unwrap()
    }

    fn vanished(seen: &Seen) -> Vec<String> {
        seen.vanished.keys().map(ToString::to_string).collect()
    }

    #[test]
    fn who_vanishes_without_having_been_seen_to_end_is_remembered() {
        let mut seen = Seen::default();
        let now = Instant::now();
        for event in [
            Event::Init,
            Event::InitApply(pod("forced", Some("m"), false)),
            Event::InitApply(pod("ended", Some("m"), false)),
            Event::InitApply(pod("nowhere", None, false)),
            Event::InitDone,
        ] {
            assert_eq!(seen.since, None);
            seen.apply(event, now);
        }
        assert_eq!(seen.since, Some(now));
        seen.apply(Event::Apply(pod("ended", Some("m"), true)), now);
        for uid in ["forced", "ended", "nowhere"] {
            let node = (uid != "nowhere").then_some("m");
            seen.apply(Event::Delete(pod(uid, node, uid == "ended")), now);
        }
        assert_eq!(vanished(&seen), ["forced"]);
        assert!(seen.ended.contains(&Uid::new("ended")));
    }

    #[test]
    fn a_watch_that_broke_begins_anew_and_misses_nobody_that_it_knew() {
        let mut seen = Seen::default();
        let (first, later) = (Instant::now(), Instant::now() + Duration::from_secs(5));
        seen.apply(Event::Init, first);
        seen.apply(Event::InitApply(pod("a", Some("m"), false)), first);
        seen.apply(Event::InitApply(pod("b", Some("m"), false)), first);
        seen.apply(Event::InitDone, first);
        seen.apply(Event::Init, later);
        assert_eq!(seen.since, None);
        seen.apply(Event::InitApply(pod("b", Some("m"), false)), later);
        seen.apply(Event::InitDone, later);
        assert_eq!((vanished(&seen), seen.since), (vec!["a".to_owned()], Some(later)));
        seen.apply(Event::Apply(pod("b", Some("m"), false)), later + REMEMBERED);
        assert_eq!(vanished(&seen), [""; 0]);
    }
}
