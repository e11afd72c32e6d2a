//! The chart's policies are not there: a collection is refused, or the Deployment is paused and watched.

use serde_json::json;

use super::Stage;
use crate::registries::Version;
use crate::support::{Cluster, Operator, RegistryPod, eventually};

#[test]
fn without_the_guard_the_deployment_is_paused_and_whoever_lifts_read_only_ends_the_collection() {
    let cluster = Cluster::up();
    let stage = Stage::set(&cluster, RegistryPod::start(&cluster, Version::V3_1));
    let _operator = Operator::install(&cluster, &["namespaces={registry}", "guard.create=false"]);
    let refused = stage.collect("refused", &json!({}));
    refused.until(&["Refused"]);
    assert_eq!(refused.conditions(), ["Ready=False GuardAbsent", "Stalled=True GuardAbsent"]);
    refused.delete();

    let best_effort = json!({"guard": "BestEffort"});
    let lifted = stage.collect_and_hold("lifted", &best_effort);
    stage.is_held();
    let paused = || cluster.get_json(&["deployment/registry", "-n", "registry"])["spec"]["paused"].clone();
    assert_eq!(paused(), true);
    stage.kubectl(&["set", "env", "deployment/registry", "REGISTRY_STORAGE_MAINTENANCE_READONLY-"]);
    eventually("the collector is ended at once", || {
        let job = ["get", "job", "registry-collector", "--ignore-not-found", "-o", "name"];
        stage.kubectl(&job).is_empty().then_some(())
    });
    // Nothing was rolled out meanwhile, since it is paused.
    let ended = lifted.ended();
    stage.let_go();
    assert_eq!(lifted.conditions().first().map(String::as_str), Some("Ready=False FreezeLost"), "{ended:?}");
    stage.assert_as_before("lifted");
    lifted.delete();

    stage.add_garbage("collected");
    let collected = stage.collect("collected", &best_effort);
    let ended = collected.ended();
    assert_eq!(collected.conditions(), ["Ready=True Collected"], "{ended:?}");
    stage.assert_as_before("collected");
}
