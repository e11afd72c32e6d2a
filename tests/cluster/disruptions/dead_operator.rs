//! The operator ends in the middle of a run.

use registry_retention::api::{RunResult, RunStatus};
use reqwest::Method;
use serde_json::json;

use crate::registries::{Artifact, Version};
use crate::support::{Cluster, Operator, RegistryPod, Retention, eventually};

use super::stage::{KEPT, Stage};

#[test]
fn an_operator_that_dies_or_is_told_to_end_goes_on_where_it_was() {
    let cluster = Cluster::up();
    let registries = [
        RegistryPod::builder(Version::V2_8).namespace("old").node_port(30500).start(&cluster),
        RegistryPod::builder(Version::V3_1).namespace("new").node_port(30501).start(&cluster),
    ];
    let stages = registries.map(|registry| Stage::before(&cluster, registry));
    let operator = Operator::install(&cluster, &["namespaces={old,new}"]);
    killed(&cluster, &operator, &stages);
    told_to_end(&cluster, &operator, &stages);
}

/// SIGKILL while each registry has done a deletion of which the operator has not heard.
fn killed(cluster: &Cluster, operator: &Operator<'_>, stages: &[Stage<'_>]) {
    let repositories = ["killed/a", "killed/b"];
    let runs: Vec<_> = stages
        .iter()
        .map(|stage| {
            stage.fill(&repositories);
            let mut spec = stage.spec("killed/*");
            // Where the storage was read for the plan, whoever goes on reads it again.
            if stage.registry.namespace() == "new" {
                spec["registry"]["deploymentRef"] = json!({"name": "registry"});
            }
            let team = Retention::apply(cluster, stage.registry.namespace(), "killed", &spec);
            team.until(&["Ready=True Planned"]);
            let gate = stage.relay.on(Method::DELETE, "^/v2/killed/a/").nth(20).gate_answers();
            team.request("first");
            cluster.block_on(gate.reached());
            let run = team.status().run.expect("it runs");
            push_after_the_plan(stage, "killed/b");
            (team, gate, run)
        })
        .collect();

    operator.kill();
    for (stage, (team, gate, run)) in stages.iter().zip(&runs) {
        gate.open();
        assert_finished(stage, team, run, &repositories);
    }
    assert_eq!(operator.stored(Operator::NAMESPACE, "intents"), [""; 0]);
}

/// SIGTERM, as an ordinary deletion of the pod sends it: another pod begins while this one ends.
fn told_to_end(cluster: &Cluster, operator: &Operator<'_>, stages: &[Stage<'_>]) {
    let repositories = ["ended/a", "ended/b"];
    let runs: Vec<_> = stages
        .iter()
        .map(|stage| {
            stage.fill(&repositories);
            let team = stage.retention("ended", "ended/*");
            team.until(&["Ready=True Planned"]);
            let gate = stage.run_and_hold(&team, "ended");
            let run = team.status().run.expect("it runs");
            push_after_the_plan(stage, "ended/b");
            (team, gate, run)
        })
        .collect();

    let pod = operator.pod();
    let pod_is = |verb: &str, arguments: &[&str]| {
        cluster.kubectl(&[&[verb, &format!("pod/{pod}"), "-n", Operator::NAMESPACE], arguments].concat())
    };
    // With a finalizer the pod stays to tell how it ended.
    pod_is("patch", &["--patch", r#"{"metadata": {"finalizers": ["example.com/stays"]}}"#]);
    pod_is("delete", &["--wait=false"]);
    eventually("it is told to end", || pod_is("logs", &[]).contains("told to end").then_some(()));
    // The next one has begun, and ends the runs. Then this one comes to say what it knows, which is older.
    for (team, _, run) in &runs {
        eventually("the next operator ends the run", || (team.last_run().id == run.id).then_some(()));
    }
    for (_, gate, _) in &runs {
        gate.open();
    }
    let ended = eventually("it ends", || {
        let pod = cluster.get_json(&["pod", &pod, "--namespace", Operator::NAMESPACE]);
        let ended = pod["status"]["containerStatuses"][0]["state"]["terminated"].clone();
        (!ended.is_null()).then_some(ended)
    });
    // Not by SIGKILL at the end of its grace period.
    assert_eq!(ended["exitCode"], 0, "{ended}");
    pod_is("patch", &["--patch", r#"{"metadata": {"finalizers": null}}"#]);
    for (stage, (team, _, run)) in stages.iter().zip(&runs) {
        assert_finished(stage, team, run, &repositories);
    }
    assert_eq!(operator.stored(Operator::NAMESPACE, "intents"), [""; 0]);
}

/// The stored plan does not know it, so this run must leave it, although a rule condemns it.
fn push_after_the_plan(stage: &Stage<'_>, repository: &str) {
    let image = Artifact::image("pushed after the plan").build();
    stage.cluster.block_on(stage.pusher().push(repository, "T-new", &image));
}

/// The run that was stored went on to its end, and did nothing else.
fn assert_finished(stage: &Stage<'_>, team: &Retention<'_>, run: &RunStatus, repositories: &[&str; 2]) {
    team.until_idle();
    let last = team.last_run();
    assert_eq!((&last.id, last.result), (&run.id, RunResult::Succeeded), "{}", last.message);
    assert_eq!(last.plan.as_ref(), Some(&run.plan));
    stage.assert_left(repositories[0], &[KEPT]);
    stage.assert_left(repositories[1], &[KEPT, "T-new"]);
    stage.relay.clear_rules();
}
