use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::collection::{Collection, assert_nothing_left, deployment};
use crate::registries::{Artifact, Pusher, Version};
use crate::support::{Cluster, RegistryPod, eventually};

/// Where the registry's volume is in its pods.
const DATA: &str = "/var/lib/registry";
/// A program that is the registry's, and waits before it sweeps for as long as a file is there.
const SLOW: &str = "#!/bin/sh
case \"$*\" in
garbage-collect*--dry-run* | *--version*) ;;
garbage-collect*) : >/var/lib/registry/reached; while [ -e /var/lib/registry/hold ]; do sleep 0.1; done ;;
esac
exec registry \"$@\"
";

/// A registry with something that stays and something that goes, whose collections can be held.
pub struct Stage<'a> {
    pub cluster: &'a Cluster,
    pub registry: RegistryPod,
    pub pusher: Pusher,
    before: (Value, Vec<String>),
}

impl<'a> Stage<'a> {
    /// A registry of each version: 2.8 in the namespace `old`, 3.1 in `new`.
    pub fn set_both(cluster: &'a Cluster) -> [Self; 2] {
        [(Version::V2_8, "old", 30500), (Version::V3_1, "new", 30501)].map(|(version, namespace, port)| {
            Self::set(cluster, RegistryPod::builder(version).namespace(namespace).node_port(port).start(cluster))
        })
    }

    /// On this registry.
    pub fn set(cluster: &'a Cluster, registry: RegistryPod) -> Self {
        let slow = registry.volume().join("slow");
        fs::write(&slow, SLOW).expect("it is written");
        fs::set_permissions(&slow, fs::Permissions::from_mode(0o755)).expect("it is a program");
        let pusher = registry.pusher();
        cluster.block_on(pusher.push("apps/shop", "kept", &image("kept")));
        let before = deployment(cluster, registry.namespace());
        Self { cluster, registry, pusher, before }
    }

    /// Something that nothing references.
    pub fn add_garbage(&self, text: &str) {
        let digest = self.cluster.block_on(self.pusher.push("apps/shop", text, &image(text)));
        self.cluster.block_on(self.pusher.delete("apps/shop", &digest.to_string()));
    }

    /// Asks for a collection.
    pub fn collect(&self, name: &str, spec: &Value) -> Collection<'a> {
        let mut all = json!({"executable": format!("{DATA}/slow")});
        for (field, value) in spec.as_object().into_iter().flatten() {
            all[field] = value.clone();
        }
        Collection::create(self.cluster, self.registry.namespace(), name, &all)
    }

    /// Asks for one that waits before it sweeps; [`Stage::is_held`] tells when it does.
    pub fn collect_and_hold(&self, name: &str, spec: &Value) -> Collection<'a> {
        self.add_garbage(name);
        fs::write(self.file("hold"), "").expect("it is written");
        self.collect(name, spec)
    }

    /// Returns when the collector is about to sweep.
    pub fn is_held(&self) {
        eventually("the collector is about to sweep", || self.file("reached").exists().then_some(()));
    }

    /// Lets it go on.
    pub fn let_go(&self) {
        fs::remove_file(self.file("hold")).expect("it is held");
        fs::remove_file(self.file("reached")).expect("it was reached");
    }

    /// The registry's environment before anything was done.
    pub fn env_before(&self) -> &Value {
        &self.before.0["template"]["spec"]["containers"][0]["env"]
    }

    fn file(&self, name: &str) -> PathBuf {
        self.registry.volume().join(name)
    }

    /// Runs kubectl in the registry's namespace.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        self.cluster.kubectl(&[&["-n", self.registry.namespace()], arguments].concat())
    }

    /// The same, where it may be refused.
    pub fn try_kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        self.cluster.try_kubectl(&[&["-n", self.registry.namespace()], arguments].concat())
    }

    /// The registry is as it was before, nothing of ours is left, what is kept is whole, and pushes are taken.
    pub fn assert_as_before(&self, what: &str) {
        assert_eq!(deployment(self.cluster, self.registry.namespace()), self.before, "{what}");
        assert_nothing_left(self.cluster, self.registry.namespace());
        self.registry.wait_ready(self.cluster);
        assert_eq!(self.cluster.block_on(self.pusher.is_whole("apps/shop", "kept")), Ok(()), "{what}");
        self.cluster.block_on(self.pusher.push("apps/shop", "again", &image(what)));
        assert_eq!(self.cluster.block_on(self.pusher.is_whole("apps/shop", "again")), Ok(()), "{what}");
    }
}

fn image(text: &str) -> Artifact {
    Artifact::image(text).layers(2, 50_000).build()
}
