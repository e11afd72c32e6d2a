//! A person changes their mind in the middle of a run.

use registry_retention::api::RunResult;
use serde_json::{Value, json};

use crate::registries::{Gate, Version};
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
    let (team, run) = interrupted(stage, "suspended", &repositories, &json!({"suspend": true}));

    team.until(&["Ready=True Suspended"]);
    let last = team.last_run();
    assert_eq!((last.result, &last.id), (RunResult::Incomplete, &run));
    assert!(last.message.contains("suspended"), "{}", last.message);
    assert_eq!(team.status().run, None);
    let left = some_left(stage, &repositories);
    assert_eq!(last.deleted, number(3 * TAGS - left));
    stage.assert_whole(&repositories);

    stage.relay.clear_rules();
    team.patch_and_run(&json!({"suspend": false}), "second");
    finished(stage, operator, &team, &repositories, left);
}

fn turned_into_a_dry_run(stage: &Stage<'_>, operator: &Operator<'_>) {
    let repositories = ["dry/a", "dry/b", "dry/c"];
    let (team, run) = interrupted(stage, "dry", &repositories, &json!({"mode": "DryRun"}));

    // The run ends, and what is left is planned anew.
    eventually("the run has ended", || team.status().run.is_none().then_some(()));
    let left = some_left(stage, &repositories);
    eventually("what is left is planned", || (team.last_run().id != run).then_some(()));
    team.until(&["Ready=True Planned"]);
    assert_eq!(stage.condemned(&repositories), left);
    stage.assert_whole(&repositories);

    stage.relay.clear_rules();
    team.patch_and_run(&json!({"mode": "Enforce"}), "second");
    finished(stage, operator, &team, &repositories, left);
}

/// What is gone when the edit comes is gone; of the rest, what it protects stays.
fn kept(stage: &Stage<'_>, operator: &Operator<'_>) {
    let repositories = ["kept/a", "kept/b", "kept/c"];
    let (team, gate) = held(stage, "kept", &repositories);
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
    let (team, gate) = held(stage, "deleted", &repositories);
    stage.slow_down();
    assert_ne!(operator.stored(Operator::NAMESPACE, "intents"), [""; 0]);
    team.delete();
    gate.open();
    let intents = || operator.stored(Operator::NAMESPACE, "intents");
    eventually("what was begun is finished", || intents().is_empty().then_some(()));
    let left = some_left(stage, &repositories);
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

/// A resource of this name for three repositories below it, in the middle of its first run.
fn held<'a>(stage: &Stage<'a>, name: &str, repositories: &[&str; 3]) -> (Retention<'a>, Gate) {
    stage.fill(repositories);
    let team = stage.retention(name, &format!("{name}/*"));
    team.until(&["Ready=True Planned"]);
    let gate = stage.run_and_hold(&team, name);
    (team, gate)
}

/// The same, with an edit that came in the middle of the run, and the name of that run.
fn interrupted<'a>(stage: &Stage<'a>, name: &str, repositories: &[&str; 3], edit: &Value) -> (Retention<'a>, String) {
    let (team, gate) = held(stage, name, repositories);
    let run = team.status().run.expect("it runs");
    stage.slow_down();
    team.patch(edit);
    gate.open();
    (team, run.id)
}

/// How many tags are left where a run was cut.
fn some_left(stage: &Stage<'_>, repositories: &[&str; 3]) -> usize {
    let left = stage.condemned(repositories);
    assert!(0 < left && left < 3 * TAGS, "{left} are left");
    left
}

/// The edit was taken back, and the run that came with that has deleted what was left. It was asked for in one go: a run
/// that was cut goes on by itself, and one asked for later might find nothing to do.
fn finished(stage: &Stage<'_>, operator: &Operator<'_>, team: &Retention<'_>, repositories: &[&str; 3], left: usize) {
    let last = team.last_run();
    assert_eq!((last.result, last.deleted), (RunResult::Succeeded, number(left)));
    stage.assert_only_kept(repositories);
    assert_eq!(operator.stored(Operator::NAMESPACE, "intents"), [""; 0]);
    team.delete();
}
