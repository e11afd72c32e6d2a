//! The operator reads the registry's storage: true push times, untagged manifests, bytes that come true.

use std::time::{Duration, SystemTime};

use registry_retention::api::{Mode, RunResult};
use serde_json::{Value, json};

use crate::registries::{Artifact, Version};
use crate::support::{Cluster, Operator, RegistryPod, Retention};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[test]
fn push_times_decide_and_every_byte_comes_back_on_2_8() {
    push_times_decide_and_every_byte_comes_back(Version::V2_8, "/etc/docker/registry/config.yml");
}

#[test]
fn push_times_decide_and_every_byte_comes_back_on_3_1() {
    push_times_decide_and_every_byte_comes_back(Version::V3_1, "/etc/distribution/config.yml");
}

/// What was built in 1970 and pushed yesterday stays, what was built yesterday and pushed long ago goes, and so does what a
/// moved tag left. Each has bytes of its own, and some that it shares.
fn push(cluster: &Cluster, registry: &RegistryPod) {
    let (pusher, store) = (registry.pusher(), registry.store());
    let (long_ago, lately) = ("1970-01-01T00:00:00Z", "2026-11-20T00:00:00Z");
    let rows = [
        ("built-1970", long_ago, 1),
        ("lately", long_ago, 20),
        ("long-ago", lately, 40),
        ("longer-ago", lately, 400),
        ("latest", long_ago, 60),
        ("latest", long_ago, 2),
    ];
    for (number, (tag, created, days)) in rows.into_iter().enumerate() {
        let artifact = Artifact::image(format!("{tag} {number}")).created(created).layers(2, 10_000 + number).build();
        let digest = cluster.block_on(pusher.push("apps/shop", tag, &artifact));
        store.set_push_time("apps/shop", tag, SystemTime::now() - DAY * days);
        store.set_revision_time("apps/shop", &digest, SystemTime::now() - DAY * days);
    }
}

fn spec(url: &str) -> Value {
    json!({
        "registry": {"url": url, "deploymentRef": {"name": "registry"}},
        "rules": [{"name": "all", "repositories": {"include": ["apps/**"]}, "tags": {"include": ["*"]},
                   "keep": {"pushedWithin": "30d"}}],
        "untagged": {"olderThan": "7d"},
        "protect": {"tags": ["latest"], "inUse": {"scope": "None"}},
    })
}

fn push_times_decide_and_every_byte_comes_back(version: Version, configuration: &str) {
    let cluster = Cluster::up();
    let registry = RegistryPod::start(&cluster, version);
    let _operator = Operator::install(&cluster, &["namespaces={registry}"]);
    push(&cluster, &registry);
    let store = registry.store();

    let team = Retention::apply(&cluster, "registry", "team", &spec(&registry.service_url()));
    let planned = team.wait_for("Ready");
    assert_eq!(team.conditions(), ["Ready=True Planned"]);
    let storage = planned.storage.expect("the storage was read");
    assert!(storage.capacity_bytes.is_some_and(|capacity| capacity > storage.used_bytes), "{storage:?}");
    // Two tags with 20,006 bytes each, the manifest that nothing reaches, and their configs and manifests.
    assert!(storage.untagged_bytes > 20_000 && storage.reclaimable_bytes > 60_000, "{storage:?}");
    let freed = planned.rules[0].bytes.expect("bytes of the rule");
    assert_eq!(freed + storage.untagged_bytes, storage.reclaimable_bytes, "nothing else goes");
    assert_eq!(planned.registry.expect("a registry").age_sources, [("Storage".to_owned(), 5)].into());
    let columns = team.columns();
    assert_eq!(columns["RECLAIMABLE"], storage.reclaimable);
    assert_eq!((columns["USED"].as_str(), columns["AGE STORAGE"].as_str()), (storage.used.as_str(), "5"));
    assert_no_job(&cluster);

    let ran = team.patch_and_run(&json!({"mode": "Enforce"}), "now");
    let run = ran.last_run.expect("a run");
    assert_eq!((run.mode, run.result, run.deleted, run.failed), (Mode::Enforce, RunResult::Succeeded, 2, 0));
    let pusher = registry.pusher();
    let mut tags = cluster.block_on(pusher.tags("apps/shop")).expect("a list");
    tags.sort();
    assert_eq!(tags, ["built-1970", "lately", "latest"]);
    // What it says now is what the plan said, and what a collection of the registry's own then removes.
    let left = ran.storage.expect("the storage was read again");
    assert_eq!((left.reclaimable_bytes, left.untagged_bytes), (storage.reclaimable_bytes, 0));
    let before = store.blob_bytes();
    let collect = ["exec", "deployment/registry", "-n", "registry", "--", "registry", "garbage-collect", configuration];
    cluster.kubectl(&collect);
    assert_eq!(before - store.blob_bytes(), left.reclaimable_bytes.unsigned_abs());
    for tag in tags {
        assert_eq!(cluster.block_on(pusher.is_whole("apps/shop", &tag)), Ok(()), "{tag}");
    }
    let again = team.run("again");
    assert_eq!(again.storage.expect("a storage").reclaimable_bytes, 0);
    assert_eq!(again.last_run.expect("a run").deleted, 0);
    assert_no_job(&cluster);
}

/// Without it a plan would go by other ages, and could condemn what the storage keeps.
#[test]
fn a_storage_that_cannot_be_read_holds_everything_up() {
    let cluster = Cluster::up();
    let registry = RegistryPod::start(&cluster, Version::V3_1);
    let other = RegistryPod::builder(Version::V3_1).namespace("other").node_port(30501).start(&cluster);
    let _operator = Operator::install(&cluster, &["namespaces={registry,other}"]);
    push(&cluster, &registry);
    let tags = cluster.block_on(registry.pusher().tags("apps/shop"));

    let mut enforced = spec(&registry.service_url());
    enforced["mode"] = "Enforce".into();
    enforced["registry"]["deploymentRef"]["name"] = "misspelt".into();
    let team = Retention::apply(&cluster, "registry", "team", &enforced);
    team.until(&["Ready=False DeploymentNotFound", "Stalled=True DeploymentNotFound"]);
    let message = team.message("Ready");
    assert!(message.contains("registry/misspelt") && message.contains("Next: "), "{message}");

    // An emptyDir is gone with its pod.
    let container = json!({"name": "registry", "image": "localhost/registry:3.1",
        "volumeMounts": [{"name": "data", "mountPath": "/var/lib/registry"}]});
    let template = json!({"metadata": {"labels": {"app": "mislaid"}},
        "spec": {"containers": [container], "volumes": [{"name": "data", "emptyDir": {}}]}});
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "mislaid", "namespace": "registry"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "mislaid"}}, "template": template}});
    cluster.apply(&deployment.to_string());
    team.patch(&json!({"registry": {"deploymentRef": {"name": "mislaid"}}}));
    team.until(&["Ready=False StoreNotShared", "Stalled=True StoreNotShared"]);

    let second = Retention::apply(&cluster, "registry", "second", &enforced_at(&registry));
    second.until(&["Ready=False DeploymentsDiffer", "Stalled=True DeploymentsDiffer"]);
    let message = second.message("Ready");
    assert!(message.contains("registry/second") && message.contains("registry/team"), "{message}");
    team.delete();
    second.delete();

    // The storage of another registry, in which nothing is stored yet.
    let elsewhere = Retention::apply(&cluster, "other", "elsewhere", &enforced_at(&registry));
    elsewhere.until(&["Ready=False StorageElsewhere", "Stalled=True StorageElsewhere"]);
    elsewhere.delete();
    // Of a new registry that is as it should be.
    let new = Retention::apply(&cluster, "other", "new", &enforced_at(&other));
    new.until(&["Ready=True Planned"]);
    assert_eq!(cluster.block_on(registry.pusher().tags("apps/shop")), tags, "nothing was deleted");
    assert_no_job(&cluster);
}

fn enforced_at(registry: &RegistryPod) -> Value {
    let mut spec = spec(&registry.service_url());
    spec["mode"] = "Enforce".into();
    spec
}

#[track_caller]
fn assert_no_job(cluster: &Cluster) {
    let jobs = cluster.get_json(&["jobs", "--all-namespaces"]);
    assert_eq!(jobs["items"], json!([]));
}
