use serde_json::json;

use super::*;
use crate::controller::resource::ACCEPT;

/// A cluster with a plan that has waited since `since`; what is typed for it.
fn with_waiting(mode: &str, since: &str) -> (ApiServer, String) {
    let server = cluster();
    let record = record(&[LIMIT]);
    let plan = store(&server, &record, since);
    put(&server, &spec(mode), &with(after(mode, "Succeeded", "waits"), &json!({"waiting": waiting(&plan, since)})));
    (server, format!("accept team {}", record.header.hash.short().to_ascii_uppercase()))
}

#[tokio::test]
async fn a_plan_is_accepted_once() {
    let (server, line) = with_waiting("Enforce", "2026-11-22T03:00:00Z");
    insta::assert_snapshot!(said(&server, &line).await);
    let object = server.get(RETENTIONS, "registry", "team");
    assert_eq!(object["metadata"]["annotations"][ACCEPT], record(&[LIMIT]).header.hash.as_str());
    let requests = server.requests().len();
    let again = said(&server, &line).await;
    assert!(again.contains("had been accepted before: 2 tags may go"), "{again}");
    assert_eq!(server.requests().len() - requests, 2, "it reads the resource and its plans, and writes nothing");
}

#[tokio::test]
async fn where_nothing_deletes_that_is_said() {
    let (server, line) = with_waiting("DryRun", "2026-11-22T03:00:00Z");
    assert!(said(&server, &line).await.contains("none deletes while the mode is DryRun"));
}

#[tokio::test]
async fn what_cannot_be_accepted_says_what_can() {
    let (server, line) = with_waiting("Enforce", "2026-11-15T08:00:00Z");
    assert!(refused(&server, &line).await.contains("is older than 7 days"));
    let none = refused(&server, "accept team 000000000000").await;
    assert!(none.starts_with("no plan of registry/team waits for a person\nNext: "), "{none}");
    let (server, line) = with_waiting("Enforce", "2026-11-22T03:00:00Z");
    let hash = line.rsplit(' ').next().unwrap().to_ascii_lowercase();
    let other = refused(&server, "accept team 000000000000").await;
    assert!(other.contains(&format!("these do wait: {hash} (2 tags, made 2026-11-22T03:00:00Z)")), "{other}");
}
