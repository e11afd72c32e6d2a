use serde_json::json;

use super::*;

#[tokio::test]
async fn a_run_that_went_well() {
    let server = cluster();
    put(&server, &spec("Enforce"), &after("Enforce", "Succeeded", "deleted 60 tags and 55 manifests. Next: x"));
    insta::assert_snapshot!(said(&server, "status team").await);
}

#[tokio::test]
async fn a_plan_that_waits_and_what_may_be_typed() {
    let server = cluster();
    let message = format!("{LIMIT}; 2 tags wait for a person, and none of them was deleted. Next: x");
    let plan = store(&server, &record(&[LIMIT]), "2026-11-22T03:00:00Z");
    let words = |type_: &str, holds: &str| condition(type_, holds, "MaxDeletePercent", &message);
    let changes = json!({
        "conditions": [words("Ready", "False"), words("Stalled", "True")],
        "waiting": waiting(&plan, "2026-11-22T03:00:00Z"),
    });
    put(&server, &spec("Enforce"), &with(after("Enforce", "Succeeded", &message), &changes));
    insta::assert_snapshot!(said(&server, "status team").await);

    let old = json!({"waiting": waiting(&plan, "2026-11-15T08:00:00Z")});
    put(&server, &spec("Enforce"), &with(after("Enforce", "Failed", &message), &old));
    let said = said(&server, "status team").await;
    assert!(said.contains("can no longer be accepted") && !said.contains("accept team"), "{said}");
}

#[tokio::test]
async fn a_run_in_progress() {
    let server = cluster();
    let run = json!({
        "id": "20261122-075500", "startTime": "2026-11-22T07:55:00Z", "generation": 3, "deleted": 30,
        "repositories": 3, "tags": 100, "selected": 80, "kept": 40, "condemned": 60, "reclaimableBytes": 0,
        "plan": {"configMaps": ["team-plan-1"], "hash": "0123456789abcdef"},
    });
    put(&server, &spec("Enforce"), &with(after("DryRun", "Succeeded", "planned"), &json!({"run": run})));
    let said = said(&server, "status team").await;
    assert!(said.contains("\nRunning    for 5m: 30 of 60 tags deleted\n"), "{said}");
    assert!(said.ends_with("Next:\n  kubectl registry-retention plan team --running -n registry"), "{said}");
}

#[tokio::test]
async fn what_is_typed_next_depends_on_how_it_stands() {
    let server = cluster();
    let planned = || after("DryRun", "Succeeded", "60 of 100 tags would go");
    let suspended = with(spec("Enforce"), &json!({"suspend": true}));
    for (spec, status, next) in [
        (spec("Enforce"), json!({}), "kubectl get pods -A -l app.kubernetes.io/name=registry-retention"),
        (suspended, planned(), r#"kubectl patch rr team -n registry --type merge -p '{"spec":{"suspend":false}}'"#),
        (
            spec("DryRun"),
            planned(),
            r#"kubectl patch rr team -n registry --type merge -p '{"spec":{"mode":"Enforce"}}'"#,
        ),
        (spec("Enforce"), planned(), "kubectl registry-retention run team --wait -n registry"),
        (
            spec("Enforce"),
            after("Enforce", "Failed", "deletion is disabled"),
            "kubectl registry-retention run team --wait -n registry",
        ),
    ] {
        put(&server, &spec, &status);
        let said = said(&server, "status team").await;
        assert_eq!(said.lines().last().map(str::trim), Some(next), "{said}");
    }
}

#[tokio::test]
async fn a_change_that_is_not_planned_yet_is_said() {
    let server = cluster();
    let earlier = json!({"observedGeneration": 2});
    put(&server, &spec("Enforce"), &with(after("Enforce", "Succeeded", "deleted"), &earlier));
    assert!(said(&server, "status team").await.contains("generation 3 is not planned yet"));
}

#[tokio::test]
async fn all_of_them_in_a_table() {
    let server = cluster();
    assert!(said(&server, "status").await.starts_with("There is no RegistryRetention."));
    put(&server, &spec("Enforce"), &after("Enforce", "Succeeded", "deleted"));
    let failed = after("Enforce", "Failed", "no answer");
    server.put(RETENTIONS, "registry", "broken", json!({"metadata": {}, "spec": spec("Enforce"), "status": failed}));
    server.put(
        RETENTIONS,
        "other",
        "new",
        json!({"metadata": {}, "spec": with(spec("DryRun"), &json!({"suspend": true}))}),
    );
    insta::assert_snapshot!(said(&server, "status -A").await);
    let here = said(&server, "status").await;
    assert!(!here.contains("NAMESPACE") && !here.contains("new"), "{here}");
}
