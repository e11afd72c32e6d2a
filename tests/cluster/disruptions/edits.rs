//! A person changes their mind in the middle of a run.

use registry_retention::api::RunResult;
use serde_json::json;

use crate::registries::Version;
use crate::support::{Cluster, Operator, Retention, eventually};

use super::both_versions;
use super::stage::{KEPT, Stage, TAGS, number, tags};

both_versions![a_person_who_changes_their_mind_in_the_middle_of_a_run_is_heard_within_a_pass];

fn a_person_who_changes_their_mind_in_the_middle_of_a_run_is_heard_within_a_pass(version: Version) {
    let cluster = Cluster::up();
    let stage = Stage::set(&cluster, version);
    let operator = Operator::install(&cluster, &["namespaces={registry}"]);
    suspended(&stage, &operator);
    turned_into_a_dry_run(&stage, &operator);
    kept(&stage, &operator);
    deleted(&stage, &operator);
}

fn suspended(stage: &Stage<'_>, operator: &Operator<'_>) {
    let repositories = ["suspended/a", "suspended/b", "suspended/c"];
    stage.fill(&repositories);
    let team = stage.retention("suspended", "suspended/*");
    team.until(&["Ready=True Planned"]);
    let gate = stage.run_and_hold(&team, "suspended");
    let run = team.status().run.expect("it runs");
    stage.slow_down();
    team.patch(&json!({"suspend": true}));
    gate.open();

    team.until(&["Ready=True Suspended"]);
    let last = team.last_run();
    assert_eq!((last.result, &last.id), (RunResult::Incomplete, &run.id));
    assert!(last.message.contains("suspended"), "{}", last.message);
    assert_eq!(team.status().run, None);
    let left = stage.condemned(&repositories);
    assert!(0 < left && left < 3 * TAGS, "{left} are left");
    assert_eq!(last.deleted, number(3 * TAGS - left));
    stage.assert_whole(&repositories);

    stage.relay.clear_rules();
    team.patch(&json!({"suspend": false}));
    team.run("second");
    let last = team.last_run();
    assert_eq!((last.result, last.deleted), (RunResult::Succeeded, number(left)));
    stage.assert_only_kept(&repositories);
    assert_eq!(operator.stored(Operator::NAMESPACE, "intents"), [""; 0]);
    team.delete();
}

fn turned_into_a_dry_run(stage: &Stage<'_>, operator: &Operator<'_>) {
    let repositories = ["dry/a", "dry/b", "dry/c"];
    stage.fill(&repositories);
    let team = stage.retention("dry", "dry/*");
    team.until(&["Ready=True Planned"]);
    let gate = stage.run_and_hold(&team, "dry");
    let run = team.status().run.expect("it runs");
    stage.slow_down();
    team.patch(&json!({"mode": "DryRun"}));
    gate.open();

    // The run ends, and what is left is planned anew.
    eventually("the run has ended", || team.status().run.is_none().then_some(()));
    let left = stage.condemned(&repositories);
    assert!(0 < left && left < 3 * TAGS, "{left} are left");
    eventually("what is left is planned", || (team.last_run().id != run.id).then_some(()));
    team.until(&["Ready=True Planned"]);
    assert_eq!(stage.condemned(&repositories), left);
    stage.assert_whole(&repositories);

    stage.relay.clear_rules();
    team.patch(&json!({"mode": "Enforce"}));
    team.run("second");
    let last = team.last_run();
    assert_eq!((last.result, last.deleted), (RunResult::Succeeded, number(left)));
    stage.assert_only_kept(&repositories);
    assert_eq!(operator.stored(Operator::NAMESPACE, "intents"), [""; 0]);
    team.delete();
}

/// What is gone when the edit comes is gone; of the rest, what it protects stays.
fn kept(stage: &Stage<'_>, operator: &Operator<'_>) {
    let repositories = ["kept/a", "kept/b", "kept/c"];
    stage.fill(&repositories);
    let team = stage.retention("kept", "kept/*");
    team.until(&["Ready=True Planned"]);
    let gate = stage.run_and_hold(&team, "kept");
    let mut spec = stage.spec("kept/*");
    let rule = json!({"name": "wanted-after-all", "repositories": {"include": ["kept/c"]},
        "tags": {"include": ["*"]}, "action": "Keep"});
    spec["rules"].as_array_mut().expect("rules").push(rule);
    spec["protect"]["tags"] = json!(["T7*"]);
    team.patch(&spec);
    gate.open();

    team.until_idle();
    assert!(stage.tags("kept/a").is_subset(&tags(&[KEPT, "T7", "T70"])), "{:?}", stage.tags("kept/a"));
    stage.assert_left("kept/b", &[KEPT, "T7", "T70"]);
    assert_eq!(stage.tags("kept/c").len(), TAGS + 1);
    stage.assert_whole(&repositories);
    assert_eq!(operator.stored(Operator::NAMESPACE, "intents"), [""; 0]);
    stage.relay.clear_rules();
    team.delete();
}

/// The last resource of the registry goes, and nobody is left who would finish later what was begun.
fn deleted(stage: &Stage<'_>, operator: &Operator<'_>) {
    let repositories = ["deleted/a", "deleted/b", "deleted/c"];
    stage.fill(&repositories);
    let team = stage.retention("deleted", "deleted/*");
    team.until(&["Ready=True Planned"]);
    let gate = stage.run_and_hold(&team, "deleted");
    stage.slow_down();
    assert_ne!(operator.stored(Operator::NAMESPACE, "intents"), [""; 0]);
    team.delete();
    gate.open();
    let intents = || operator.stored(Operator::NAMESPACE, "intents");
    eventually("what was begun is finished", || intents().is_empty().then_some(()));
    let left = stage.condemned(&repositories);
    assert!(0 < left && left < 3 * TAGS, "{left} are left");
    stage.assert_whole(&repositories);
    eventually("its plans go with it", || operator.stored("registry", "plan").is_empty().then_some(()));

    // The next resource of the registry takes up nothing that it was not told.
    let mut spec = stage.spec("deleted/*");
    spec["mode"] = json!("DryRun");
    let next = Retention::apply(stage.cluster, "registry", "next", &spec);
    next.until(&["Ready=True Planned"]);
    assert_eq!(next.last_run().counts.condemned, number(left));
    assert_eq!(stage.condemned(&repositories), left);
    next.delete();
}
