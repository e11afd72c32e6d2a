//! What looks wrong holds all deletions, says what is wrong, and goes on once it is put right.

use serde_json::{Value, json};

use crate::registries::{Artifact, Version};
use crate::support::{Cluster, Operator, Retention};

use super::stage::{KEPT, Stage, TAGS};

/// Who reads workloads and resources in the whole cluster, and is bound to it: both have this name.
const READER: &str = "rr-registry-retention-reader";

#[test]
fn nothing_is_deleted_while_rights_or_tags_are_missing() {
    let cluster = Cluster::up();
    let stage = Stage::set(&cluster, Version::V3_1);
    let operator = Operator::install(&cluster, &["namespaces={registry}"]);
    a_role_is_trimmed(&stage);
    a_binding_is_deleted(&stage, &operator);
    tags_vanish(&stage);
}

/// An administrator finds that an operator of registries has no business with `CronJobs`.
fn a_role_is_trimmed(stage: &Stage<'_>) {
    stage.fill(&["trimmed/a"]);
    let team = stage.retention("trimmed", "trimmed/*");
    team.until(&["Ready=True Planned"]);
    let rules = stage.cluster.get_json(&["clusterrole", READER])["rules"].clone();
    let mut trimmed = rules.clone();
    let resources = trimmed.as_array_mut().into_iter().flatten().filter_map(|rule| rule["resources"].as_array_mut());
    resources.for_each(|resources| resources.retain(|resource| resource != "cronjobs"));
    let set_rules = |rules: &Value| {
        let patch = json!({"rules": rules}).to_string();
        stage.cluster.kubectl(&["patch", "clusterrole", READER, "--type=merge", "--patch", &patch]);
    };

    set_rules(&trimmed);
    team.request("first");
    team.until(&["Ready=False WorkloadsUnreadable", "Stalled=True WorkloadsUnreadable"]);
    let message = team.message("Stalled");
    assert!(message.contains("cronjobs.batch cannot be listed") && message.contains("the verb list"), "{message}");
    assert_eq!(stage.condemned(&["trimmed/a"]), TAGS);

    // Nobody need ask again.
    set_rules(&rules);
    team.until(&["Ready=True Pruned"]);
    stage.assert_left("trimmed/a", &[KEPT]);
    team.delete();
}

/// Without its binding the operator does not even see what other resources keep.
fn a_binding_is_deleted(stage: &Stage<'_>, operator: &Operator<'_>) {
    stage.fill(&["bound/a"]);
    let team = stage.retention("bound", "bound/*");
    team.until(&["Ready=True Planned"]);
    stage.cluster.kubectl(&["delete", "clusterrolebinding", READER]);
    team.request("first");
    team.until(&["Ready=False Forbidden", "Stalled=True Forbidden"]);
    let message = team.message("Stalled");
    assert!(message.contains("cannot list resource \"registryretentions\""), "{message}");
    assert_eq!(stage.condemned(&["bound/a"]), TAGS);

    operator.upgrade();
    team.until(&["Ready=True Pruned"]);
    stage.assert_left("bound/a", &[KEPT]);
    team.delete();
}

/// Half of the tags are gone, and not by the operator: perhaps this is not the store that it was.
fn tags_vanish(stage: &Stage<'_>) {
    stage.fill(&["vanished/a"]);
    let mut spec = stage.spec("vanished/*");
    spec["rules"][0]["tags"]["include"] = json!(["T7*"]);
    let team = Retention::apply(stage.cluster, "registry", "vanished", &spec);
    team.until(&["Ready=True Planned"]);
    for number in 1..=35 {
        stage.cluster.block_on(stage.pusher().delete("vanished/a", &format!("T{number}")));
    }
    let before = stage.tags("vanished/a");
    assert!(before.contains("T70"));
    team.request("first");
    team.until(&["Ready=False FewerTags", "Stalled=True FewerTags"]);
    assert_eq!(stage.tags("vanished/a"), before);

    team.accept();
    team.until(&["Ready=True Pruned"]);
    let mut after = before;
    after.remove("T70");
    assert_eq!(stage.tags("vanished/a"), after);
    stage.assert_whole(&["vanished/a"]);

    // What is left is what is expected from now on.
    stage.cluster.block_on(stage.pusher().push("vanished/a", "T71", &Artifact::image("T71").build()));
    team.run("second");
    assert_eq!(team.last_run().deleted, 1);
    assert_eq!(stage.tags("vanished/a"), after);
    team.delete();
}
