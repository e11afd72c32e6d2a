use std::collections::BTreeSet;
use std::fs;
use std::ops::Deref;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::registries::{Artifact, Gate, Pusher, Relay, Step, Version, push_many};
use crate::support::{Cluster, RegistryPod, Retention};

/// The tags that the rules condemn in each repository: T1 to T70. In three repositories they are more than one pass can
/// delete while each deletion takes as long as [`Stage::slow_down`] makes it.
pub const TAGS: usize = 70;

/// The tag beside them, which no rule condemns.
pub const KEPT: &str = "stable";

/// A registry in the cluster, which the operator reaches through a relay on the node.
pub struct Stage<'a> {
    pub cluster: &'a Cluster,
    pub registry: RegistryPod,
    pub relay: NodeRelay,
}

/// A relay that works also while the test's thread does something else.
pub struct NodeRelay {
    relay: Relay,
    // Ends after the relay.
    _runtime: Runtime,
}

impl Deref for NodeRelay {
    type Target = Relay;

    fn deref(&self) -> &Relay {
        &self.relay
    }
}

impl<'a> Stage<'a> {
    /// In the namespace `registry`.
    pub fn set(cluster: &'a Cluster, version: Version) -> Self {
        Self::before(cluster, RegistryPod::start(cluster, version))
    }

    /// Around a registry that runs already.
    pub fn before(cluster: &'a Cluster, registry: RegistryPod) -> Self {
        // Its thread is started by this one, and so on the cluster's network.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let relay = runtime.block_on(Relay::between(Cluster::NODE, &registry.url()));
        Self { cluster, registry, relay: NodeRelay { relay, _runtime: runtime } }
    }

    /// The registry itself.
    pub fn pusher(&self) -> Pusher {
        self.registry.pusher()
    }

    /// Pushes [`TAGS`] tags and [`KEPT`] to each repository.
    pub fn fill(&self, repositories: &[&str]) {
        let pusher = self.pusher();
        for repository in repositories {
            let kept = Artifact::image(*repository).layers(1, 1_000).build();
            self.cluster.block_on(async {
                push_many(&pusher, repository, TAGS).await;
                pusher.push(repository, KEPT, &kept).await;
            });
        }
    }

    /// A spec that enforces the deletion of every `T…` in these repositories, given as a glob.
    pub fn spec(&self, repositories: &str) -> Value {
        json!({
            "mode": "Enforce",
            "registry": {"url": self.relay.url(), "completeTagLists": true},
            "rules": [{"name": "releases", "repositories": {"include": [repositories]},
                       "tags": {"include": ["T*"]}, "action": "Delete"}],
            "protect": {"minimumAge": "0h"},
            "limits": {"maxDeletePercent": 100},
        })
    }

    /// A resource with that spec.
    pub fn retention(&self, name: &str, repositories: &str) -> Retention<'a> {
        Retention::apply(self.cluster, self.registry.namespace(), name, &self.spec(repositories))
    }

    /// Asks `team` for its first run, and returns when its 20th deletion below `folder/` stands before the gate: the registry
    /// has not seen it yet.
    pub fn run_and_hold(&self, team: &Retention<'_>, folder: &str) -> Gate {
        let gate = self.relay.on(Method::DELETE, &format!("^/v2/{folder}/")).nth(20).gate();
        team.request("first");
        self.cluster.block_on(gate.reached());
        gate
    }

    /// From now on each deletion takes a fifth of a second: a pass of 20 seconds does no more than 100.
    pub fn slow_down(&self) {
        self.relay.on(Method::DELETE, "").before(async |_| {
            tokio::time::sleep(Duration::from_millis(200)).await;
            Step::Forward
        });
    }

    /// The tags of a repository.
    pub fn tags(&self, repository: &str) -> BTreeSet<String> {
        self.cluster.block_on(self.pusher().tags(repository)).unwrap_or_default().into_iter().collect()
    }

    /// How many tags of these repositories there are, [`KEPT`] not counted.
    pub fn condemned(&self, repositories: &[&str]) -> usize {
        repositories.iter().map(|repository| self.tags(repository).iter().filter(|tag| *tag != KEPT).count()).sum()
    }

    /// Proves that whatever is listed is there, and no byte of it lost.
    pub fn assert_whole(&self, repositories: &[&str]) {
        let pusher = self.pusher();
        for repository in repositories {
            for tag in self.tags(repository) {
                let whole = self.cluster.block_on(pusher.is_whole(repository, &tag));
                whole.unwrap_or_else(|why| panic!("{repository}:{tag} is listed, and not whole: {why}"));
            }
        }
    }

    /// Proves that exactly these tags are left, all whole, and no manifest that none of them names.
    pub fn assert_left(&self, repository: &str, expected: &[&str]) {
        assert_eq!(self.tags(repository), tags(expected), "{repository}");
        self.assert_whole(&[repository]);
        let pusher = self.pusher();
        let digest = |tag: &&str| self.cluster.block_on(pusher.digest_of(repository, tag)).expect("it is listed");
        let tagged: BTreeSet<String> = expected.iter().map(digest).map(|digest| digest.parts().1.to_owned()).collect();
        assert_eq!(self.manifests(repository), tagged, "{repository}: manifests in the store");
    }

    /// Proves the same of several, where only [`KEPT`] is left.
    pub fn assert_only_kept(&self, repositories: &[&str]) {
        for repository in repositories {
            self.assert_left(repository, &[KEPT]);
        }
    }

    /// The digests of a repository's manifests, tagged or not, as they are in the store.
    fn manifests(&self, repository: &str) -> BTreeSet<String> {
        let revisions = self.registry.store().repository(repository).join("_manifests/revisions/sha256");
        let entries = fs::read_dir(revisions).expect("the store can be read");
        let paths = entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.join("link").exists());
        paths.map(|path| path.file_name().expect("a digest").to_string_lossy().into_owned()).collect()
    }
}

/// A set of tags, to compare with.
pub fn tags(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

/// A count as a status has it.
pub fn number(count: usize) -> i64 {
    i64::try_from(count).expect("a count")
}
