use std::time::Duration;

use serde_json::json;

use super::super::run;
use super::*;
use crate::cli::exit::Exit;
use crate::controller::resource::REQUESTED_AT;

/// Runs `line` against an operator that answers its request with one status after another.
async fn followed(server: &ApiServer, line: &str, answers: Vec<Value>) -> (Result<Answer, PluginError>, Vec<String>) {
    let Command::Run(args) = parse(line) else { panic!("{line} is no run") };
    let operator = tokio::spawn(operate(server.clone(), answers));
    let mut told = Vec::new();
    let mut say = |line: &str| told.push(line.to_owned());
    let answer = run::run(&desk(server), &args, Duration::from_millis(20), &mut say).await;
    operator.abort();
    (answer, told)
}

async fn operate(server: ApiServer, answers: Vec<Value>) {
    let request = loop {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let object = server.get(RETENTIONS, "registry", "team");
        if let Some(request) = object["metadata"]["annotations"][REQUESTED_AT].as_str() {
            break request.to_owned();
        }
    };
    for status in answers {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut object = server.get(RETENTIONS, "registry", "team");
        object["status"] = with(status, &json!({"lastHandledReconcileAt": request}));
        server.put(RETENTIONS, "registry", "team", object);
    }
    std::future::pending::<()>().await;
}

fn running(deleted: i64) -> Value {
    let run = json!({
        "id": "20261122-075500", "startTime": "2026-11-22T07:55:00Z", "generation": 3, "deleted": deleted,
        "repositories": 3, "tags": 100, "selected": 80, "kept": 40, "condemned": 60, "reclaimableBytes": 0,
        "plan": {"configMaps": ["team-plan-1"], "hash": "0123456789abcdef"},
    });
    with(after("DryRun", "Succeeded", "planned"), &json!({"run": run}))
}

#[tokio::test]
async fn it_is_asked_for_and_said_by_mode() {
    let server = cluster();
    for (mode, what) in [("DryRun", "nothing is deleted"), ("Enforce", "is deleted (mode Enforce)")] {
        put(&server, &spec(mode), &json!({}));
        let (answer, told) = followed(&server, "run team", Vec::new()).await;
        let answer = answer.unwrap();
        assert_eq!((answer.exit, told.len()), (Exit::Done, 0));
        assert!(answer.lines[0].contains(what), "{answer:?}");
        assert!(server.get(RETENTIONS, "registry", "team")["metadata"]["annotations"][REQUESTED_AT].is_string());
    }
}

#[tokio::test]
async fn what_is_suspended_is_not_asked() {
    let server = cluster();
    put(&server, &with(spec("Enforce"), &json!({"suspend": true})), &json!({}));
    let (answer, _) = followed(&server, "run team --wait", Vec::new()).await;
    let error = answer.unwrap_err().to_string();
    assert!(error.contains("is suspended") && error.contains("kubectl patch rr team"), "{error}");
    assert!(server.get(RETENTIONS, "registry", "team")["metadata"]["annotations"].is_null());
}

#[tokio::test]
async fn what_the_operator_cannot_read_is_not_asked() {
    let server = cluster();
    put(&server, &with(spec("Enforce"), &json!({"schedule": "99 * * * *"})), &json!({}));
    let (answer, _) = followed(&server, "run team --wait", Vec::new()).await;
    let error = answer.unwrap_err().to_string();
    assert!(
        error.contains("cannot act on registry/team: spec.schedule") && error.contains("kubectl edit rr team"),
        "{error}"
    );
}

#[tokio::test]
async fn it_is_followed_to_its_end() {
    let server = cluster();
    put(&server, &spec("Enforce"), &after("DryRun", "Succeeded", "planned"));
    let end = after("Enforce", "Succeeded", "deleted 60 tags and 55 manifests");
    let (answer, told) = followed(&server, "run team --wait", vec![running(0), running(30), end]).await;
    let answer = answer.unwrap();
    assert_eq!(answer.exit, Exit::Done);
    assert!(answer.lines.iter().any(|line| line.contains("Enforce, Succeeded")), "{answer:?}");
    assert_eq!(told[1..], ["planning", "0 of 60 tags deleted", "30 of 60 tags deleted"]);
}

#[tokio::test]
async fn the_exit_code_tells_how_it_ended() {
    let waits =
        json!({"waiting": waiting(&json!({"configMaps": [], "hash": "0123456789abcdef"}), "2026-11-22T03:00:00Z")});
    let stalled = json!({"conditions": [condition("Ready", "False", "DeleteDisabled", "it is disabled"),
                                        condition("Stalled", "True", "DeleteDisabled", "it is disabled")]});
    for (end, exit) in [
        (with(after("Enforce", "Succeeded", "some waits"), &waits), Exit::Waiting),
        (after("Enforce", "Incomplete", "a push failed"), Exit::Incomplete),
        (after("Enforce", "Failed", "no answer"), Exit::Registry),
        (with(running(3), &stalled), Exit::Registry),
    ] {
        let server = cluster();
        put(&server, &spec("Enforce"), &after("DryRun", "Succeeded", "planned"));
        let (answer, _) = followed(&server, "run team --wait", vec![end.clone()]).await;
        assert_eq!(answer.unwrap().exit, exit, "{end}");
    }
}
