//! A workload that starts in the middle of a run keeps its image.

use registry_retention::api::RunResult;
use reqwest::Method;
use serde_json::json;

use crate::registries::{Artifact, Version};
use crate::support::{Cluster, Operator, RegistryPod, runnable};

use super::stage::{KEPT, Stage};

/// A condemned tag with an image that runs.
const RUNS: &str = "Tz";

#[test]
fn a_pod_that_starts_between_plan_and_deletion_saves_its_image() {
    let cluster = Cluster::up();
    let old = RegistryPod::builder(Version::V2_8).namespace("old").node_port(30500).start(&cluster);
    let new = RegistryPod::builder(Version::V3_1).namespace("new").node_port(30501).start(&cluster);
    let [old, new] = [old, new].map(|registry| Stage::before(&cluster, registry));
    let _operator = Operator::install(&cluster, &["namespaces={old,new}"]);
    for stage in [&old, &new] {
        named_by_tag(stage);
    }
    named_by_digest(&new);
}

fn named_by_tag(stage: &Stage<'_>) {
    // A path that is used protects in every registry, and so does a digest.
    let image = last_to_go(stage.registry.namespace());
    let folder = format!("by-tag-{}", stage.registry.namespace());
    let repository = &*format!("{folder}/a");
    stage.fill(&[repository]);
    stage.cluster.block_on(stage.pusher().push(repository, RUNS, &image));
    let team = stage.retention("by-tag", &format!("{folder}/*"));
    team.until(&["Ready=True Planned"]);
    let gate = stage.run_and_hold(&team, &folder);
    start_pod(stage, "by-tag", &format!("{}/{repository}:{RUNS}", stage.registry.node_host()));
    gate.open();

    team.until_idle();
    let last = team.last_run();
    assert_eq!(last.result, RunResult::Succeeded, "{}", last.message);
    assert!(last.message.contains("undone, since somebody pushed or used"), "{}", last.message);
    stage.assert_left(repository, &[KEPT, RUNS]);
    team.delete();
}

/// Where tags are deleted before manifests, a digest can come into use whose tag is gone already.
fn named_by_digest(stage: &Stage<'_>) {
    let image = last_to_go("by digest");
    stage.fill(&["by-digest/a"]);
    let digest = stage.cluster.block_on(stage.pusher().push("by-digest/a", RUNS, &image));
    let team = stage.retention("by-digest", "by-digest/*");
    team.until(&["Ready=True Planned"]);
    let gate = stage.relay.on(Method::DELETE, "^/v2/by-digest/a/manifests/sha256:").nth(20).gate();
    team.request("first");
    stage.cluster.block_on(gate.reached());
    assert!(!stage.tags("by-digest/a").contains(RUNS));
    start_pod(stage, "by-digest", &format!("{}/by-digest/a@{digest}", stage.registry.node_host()));
    gate.open();

    team.until_idle();
    let last = team.last_run();
    assert_eq!(last.result, RunResult::Succeeded, "{}", last.message);
    assert!(last.message.contains("undone, since somebody pushed or used"), "{}", last.message);
    assert_eq!(stage.condemned(&["by-digest/a"]), 0);
    let whole = stage.cluster.block_on(stage.pusher().is_whole("by-digest/a", digest.as_str()));
    assert_eq!(whole, Ok(()));
    team.delete();
}

/// An image that runs, and that is deleted after all others: manifests are deleted in the order of their digests.
fn last_to_go(seed: &str) -> Artifact {
    let image = runnable(seed);
    let numbered = (0..).map(|number: u32| image.clone().annotated("number", &number.to_string()));
    numbered.into_iter().find(|it| it.digest().as_str().starts_with("sha256:fff")).expect("there are many numbers")
}

/// Returns when the node has pulled the image and runs it: the API server has told of the pod long before.
fn start_pod(stage: &Stage<'_>, name: &str, image: &str) {
    let namespace = stage.registry.namespace();
    let container = json!({"name": "main", "image": image, "command": ["/bin/busybox", "sleep", "3600"]});
    let spec = json!({"terminationGracePeriodSeconds": 0, "containers": [container]});
    let metadata = json!({"name": name, "namespace": namespace});
    stage.cluster.apply(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}).to_string());
    stage.cluster.wait("condition=Ready", &["pod", name, "--namespace", namespace]);
}
