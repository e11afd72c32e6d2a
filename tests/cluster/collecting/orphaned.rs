//! The operator is gone for good while a registry is read-only.

use registry_retention::collection::marks::{COLLECTOR_DEAD, HOW_TO_THAW};
use serde_json::json;

use super::Stage;
use super::collection::{assert_nothing_left, deployment};
use crate::registries::Version;
use crate::support::{Cluster, Operator, RegistryPod, eventually};

#[test]
fn whoever_uninstalls_the_operator_in_the_middle_has_a_writable_registry_soon() {
    let cluster = Cluster::up();
    let stages = Stage::set_both(&cluster);
    let operator = Operator::install(&cluster, &["namespaces={old,new}"]);
    let held: Vec<_> = stages.iter().map(|stage| stage.collect_and_hold("orphaned", &json!({}))).collect();
    stages.iter().for_each(Stage::is_held);
    operator.uninstall();
    for (stage, collection) in stages.iter().zip(&held) {
        eventually("the keeper ends the collector", || {
            let job = ["get", "job", "registry-collector", "--ignore-not-found", "-o", "name"];
            stage.kubectl(&job).is_empty().then_some(())
        });
        let ended = collection.ended();
        stage.let_go();
        assert_eq!(ended.phase.as_deref(), Some("Failed"), "{ended:?}");
        let journal = serde_json::to_value(ended.journal).expect("JSON");
        assert_eq!(journal["end"]["reason"], "OperatorGone", "{journal}");
        // The keeper's Job ends, and stays to be looked at: nobody is left who would take it away.
        eventually("the keeper has ended", || {
            let job = cluster.get_json(&["job", "registry-keeper", "-n", stage.registry.namespace()]);
            (job["status"]["succeeded"] == 1).then_some(())
        });
        stage.kubectl(&["delete", "job", "registry-keeper"]);
        stage.assert_as_before("orphaned");
        collection.delete();
    }
}

/// Neither operator nor keeper is there, and the guard is: what a person finds on the Deployment is all that is needed.
#[test]
fn whoever_has_nothing_but_kubectl_types_what_stands_on_the_deployment() {
    let cluster = Cluster::up();
    let stage = Stage::set(&cluster, RegistryPod::start(&cluster, Version::V3_1));
    let _operator = Operator::install(&cluster, &["namespaces={registry}"]);
    let collection = stage.collect_and_hold("broken", &json!({}));
    stage.is_held();
    cluster.kubectl(&["scale", "deployment/rr-registry-retention", "-n", Operator::NAMESPACE, "--replicas=0"]);
    cluster.kubectl(&["wait", "pod", "-n", Operator::NAMESPACE, "--all", "--for=delete", "--timeout=120s"]);
    stage.kubectl(&["delete", "job", "registry-keeper", "--cascade=foreground", "--wait"]);
    let frozen = cluster.get_json(&["deployment/registry", "-n", "registry"]);
    let commands = frozen["metadata"]["annotations"][HOW_TO_THAW].as_str().expect("they stand there").to_owned();
    cluster.shell(&commands);
    stage.let_go();
    let (spec, ours) = deployment(&cluster, "registry");
    assert_eq!(spec["template"]["spec"]["containers"][0]["env"], *stage.env_before());
    assert_eq!(ours, [COLLECTOR_DEAD]);
    stage.registry.wait_ready(&cluster);
    cluster.block_on(stage.pusher.push("apps/shop", "meanwhile", &crate::registries::Artifact::image("x").build()));
    // An operator that comes back ends what was begun, and does not freeze anything again.
    cluster.kubectl(&["scale", "deployment/rr-registry-retention", "-n", Operator::NAMESPACE, "--replicas=1"]);
    // The pod that came back may have seen what the collector did, and is not believed for that.
    collection.until(&["Thawing"]);
    stage.kubectl(&["delete", "pod", "-l", "app=registry"]);
    let ended = collection.ended();
    assert_eq!(ended.phase.as_deref(), Some("Failed"), "{ended:?}");
    let word = format!("{COLLECTOR_DEAD}-");
    stage.kubectl(&["annotate", "deployment/registry", &word]);
    assert_nothing_left(&cluster, "registry");
    stage.assert_as_before("broken");
}
