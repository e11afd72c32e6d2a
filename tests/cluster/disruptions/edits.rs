//! A person changes their mind in the middle of a run.

use serde_json::{Value, json};

use crate::registries::Version;
use crate::support::{Cluster, Operator, Retention, eventually};

use super::both_versions;
use super::stage::{KEPT, Stage, TAGS, tags};

both_versions![a_person_who_changes_their_mind_in_the_middle_of_a_run_is_heard_within_a_pass];

fn a_person_who_changes_their_mind_in_the_middle_of_a_run_is_heard_within_a_pass(version: Version) {
    let cluster = Cluster::up();
    let stage = Stage::set(&cluster, version);
    let operator = Operator::install(&cluster, &["registry"]);
    suspended(&stage, &operator);
    turned_into_a_dry_run(&stage, &operator);
    kept(&stage, &operator);
    deleted(&stage, &operator);
}

fn suspended(stage: &Stage<'_>, operator: &Operator<'_>) {
    let repositories = ["suspended/a", "suspended/b", "suspended/c"];
    stage.fill(&repositories);
    let team = stage.retention("suspended", "suspended/*");
    team.until_ready_is("True", "Planned");
    let gate = stage.run_and_hold(&team, "suspended");
    let run = team.status()["run"].clone();
    assert_eq!(run["condemned"], 3 * TAGS);
    stage.slow_down();
    team.edit(&json!({"suspend": true}));
    gate.open();

    let status = team.until_ready_is("True", "Suspended");
    assert_eq!(status["run"], json!(null));
    let last = &status["lastRun"];
    assert_eq!((&last["result"], &last["id"]), (&json!("Incomplete"), &run["id"]));
    assert!(last["message"].as_str().is_some_and(|it| it.contains("suspended")), "{last}");
    let left = stage.condemned(&repositories);
    assert!(0 < left && left < 3 * TAGS, "{left} are left");
    assert_eq!(last["deleted"], 3 * TAGS - left);
    stage.assert_whole(&repositories);

    stage.relay.clear_rules();
    team.edit(&json!({"suspend": false}));
    team.request();
    let status = team.until_idle();
    assert_eq!((&status["lastRun"]["result"], &status["lastRun"]["deleted"]), (&json!("Succeeded"), &json!(left)));
    stage.assert_only_kept(&repositories);
    assert_eq!(operator.intents(), "");
    team.delete();
}

fn turned_into_a_dry_run(stage: &Stage<'_>, operator: &Operator<'_>) {
    let repositories = ["dry/a", "dry/b", "dry/c"];
    stage.fill(&repositories);
    let team = stage.retention("dry", "dry/*");
    team.until_ready_is("True", "Planned");
    let gate = stage.run_and_hold(&team, "dry");
    let run = team.status()["run"].clone();
    stage.slow_down();
    team.edit(&json!({"mode": "DryRun"}));
    gate.open();

    // The run ends, and what is left is planned anew.
    team.until("the run has ended", |status| status["run"].is_null().then_some(()));
    let left = stage.condemned(&repositories);
    assert!(0 < left && left < 3 * TAGS, "{left} are left");
    let is_new = |last: &Value| last["result"] == "Succeeded" && last["mode"] == "DryRun" && last["id"] != run["id"];
    team.until("what is left is planned", |status| is_new(&status["lastRun"]).then_some(()));
    team.until_ready_is("True", "Planned");
    assert_eq!(stage.condemned(&repositories), left);
    stage.assert_whole(&repositories);

    stage.relay.clear_rules();
    team.edit(&json!({"mode": "Enforce"}));
    team.request();
    let status = team.until_idle();
    assert_eq!((&status["lastRun"]["result"], &status["lastRun"]["deleted"]), (&json!("Succeeded"), &json!(left)));
    stage.assert_only_kept(&repositories);
    assert_eq!(operator.intents(), "");
    team.delete();
}

/// What is gone when the edit comes is gone; of the rest, what it protects stays.
fn kept(stage: &Stage<'_>, operator: &Operator<'_>) {
    let repositories = ["kept/a", "kept/b", "kept/c"];
    stage.fill(&repositories);
    let team = stage.retention("kept", "kept/*");
    team.until_ready_is("True", "Planned");
    let gate = stage.run_and_hold(&team, "kept");
    let mut spec = stage.spec("kept/*");
    let rule = json!({"name": "withdrawn too early", "repositories": {"include": ["kept/c"]},
        "tags": {"include": ["*"]}, "action": "Keep"});
    spec["rules"].as_array_mut().expect("rules").push(rule);
    spec["protect"]["tags"] = json!(["T7*"]);
    team.edit(&spec);
    gate.open();

    team.until_idle();
    assert!(stage.tags("kept/a").is_subset(&tags(&[KEPT, "T7", "T70"])), "{:?}", stage.tags("kept/a"));
    stage.assert_left("kept/b", &[KEPT, "T7", "T70"]);
    assert_eq!(stage.tags("kept/c").len(), TAGS + 1);
    stage.assert_whole(&repositories);
    assert_eq!(operator.intents(), "");
    stage.relay.clear_rules();
    team.delete();
}

/// The last resource of the registry goes, and nobody is left who would finish later what was begun.
fn deleted(stage: &Stage<'_>, operator: &Operator<'_>) {
    let repositories = ["deleted/a", "deleted/b", "deleted/c"];
    stage.fill(&repositories);
    let team = stage.retention("deleted", "deleted/*");
    team.until_ready_is("True", "Planned");
    let gate = stage.run_and_hold(&team, "deleted");
    stage.slow_down();
    assert_ne!(operator.intents(), "");
    team.delete();
    gate.open();
    eventually("what was begun is finished", || operator.intents().is_empty().then_some(()));
    let left = stage.condemned(&repositories);
    assert!(0 < left && left < 3 * TAGS, "{left} are left");
    stage.assert_whole(&repositories);
    eventually("its plans go with it", || {
        let selector = "--selector=registry-retention.dev/kind=plan";
        let plans = stage.cluster.kubectl(&["get", "configmaps", "--namespace=registry", selector, "--output=name"]);
        plans.is_empty().then_some(())
    });

    // The next resource of the registry takes up nothing that it was not told.
    let mut spec = stage.spec("deleted/*");
    spec["mode"] = json!("DryRun");
    let next = Retention::apply(stage.cluster, "registry", "next", &spec);
    let status = next.until_ready_is("True", "Planned");
    assert_eq!(status["lastRun"]["condemned"], left);
    assert_eq!(stage.condemned(&repositories), left);
    next.delete();
}
