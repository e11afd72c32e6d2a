//! The chart comes, is upgraded, goes and comes back, under a resource that is at work.

use std::fs;
use std::path::Path;
use std::process::Command;

use registry_retention::api::RunResult;
use serde_json::{Value, json};

use crate::registries::{Artifact, Version};
use crate::support::{Cluster, Operator};

use super::stage::{KEPT, Stage, TAGS};

const CRD: &str = "registryretentions.registry-retention.dev";

#[test]
fn an_upgrade_brings_a_new_field_and_an_uninstall_takes_nothing() {
    let cluster = Cluster::up();
    let stage = Stage::set(&cluster, Version::V3_1);
    stage.fill(&["apps/a"]);

    // The operator's image is newer than the CRD beside it, which drops a field that keeps tags.
    let chart = tempfile::tempdir().expect("a folder");
    copy_without_protected_tags(chart.path());
    let operator = Operator::install_chart(&cluster, &chart.path().join("chart"), &["namespaces={registry}"]);
    let team = stage.retention("team", "apps/*");
    team.until(&["Ready=True Planned"]);
    team.request("first");
    team.until(&["Ready=False CRDOutdated", "Stalled=True CRDOutdated"]);
    let message = team.message("Stalled");
    assert!(message.contains("helm upgrade"), "{message}");
    assert_eq!(stage.condemned(&["apps/a"]), TAGS);

    // With the field in place the run goes on by itself.
    let uid = team.get().metadata.uid;
    operator.upgrade();
    team.until(&["Ready=True Pruned"]);
    stage.assert_left("apps/a", &[KEPT]);
    push_late(&stage);
    team.patch(&json!({"protect": {"tags": ["T-late"]}}));
    team.run("second");
    assert_eq!(team.last_run().counts.kept_by_reason["Protected"], 1);
    stage.assert_left("apps/a", &[KEPT, "T-late"]);

    // Nothing of the resource goes with the chart.
    let everything = || cluster.kubectl(&["get", "rr,configmaps", "-n", "registry", "-o", "yaml"]);
    let before = everything();
    assert!(before.contains(&uid.expect("it has one")) && before.contains("team-plan-"), "{before}");
    operator.uninstall();
    assert_eq!(everything(), before);

    // The next one takes up where the last one stopped.
    Operator::install(&cluster, &["namespaces={registry}"]);
    team.patch(&json!({"protect": {"tags": []}}));
    team.run("third");
    let last = team.last_run();
    assert_eq!((last.result, last.deleted), (RunResult::Succeeded, 1));
    stage.assert_left("apps/a", &[KEPT]);
}

fn push_late(stage: &Stage<'_>) {
    stage.cluster.block_on(stage.pusher().push("apps/a", "T-late", &Artifact::image("late").build()));
}

/// Makes a copy of the chart in `folder`, as `chart`, whose CRD does not know `spec.protect.tags`.
fn copy_without_protected_tags(folder: &Path) {
    let copy = folder.join("chart");
    let copied = Command::new("cp").arg("--recursive").arg(Operator::CHART).arg(&copy).status();
    assert!(copied.is_ok_and(|status| status.success()), "the chart can be copied");
    let file = copy.join(format!("files/crds/{CRD}.yaml"));
    let text = fs::read_to_string(&file).expect("the chart has a CRD");
    let mut crd: Value = serde_saphyr::from_str(&text).expect("YAML");
    let protect = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/protect/properties";
    let fields = crd.pointer_mut(protect).and_then(Value::as_object_mut).expect("the CRD has spec.protect");
    fields.remove("tags").expect("the CRD has spec.protect.tags");
    fs::write(&file, serde_saphyr::to_string(&crd).expect("YAML")).expect("it is written");
}
