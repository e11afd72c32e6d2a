use serde_json::{Value, json};

use super::api_server::{ApiServer, RETENTIONS};
use super::client;
use crate::cluster::{ClusterError, Identity, joined, resources};

fn retention(url: &str, aliases: &[&str]) -> Value {
    json!({
        "apiVersion": "registry-retention.dev/v1alpha1", "kind": "RegistryRetention",
        "spec": {
            "registry": {"url": url, "aliases": aliases},
            "rules": [{"name": "a", "repositories": {"include": ["app"]}, "tags": {"include": ["*"]}, "action": "Delete"}]
        }
    })
}

/// The names of those that concern `r.r:5000`.
async fn concerned(server: &ApiServer) -> Result<Vec<String>, ClusterError> {
    let all = resources(&client(server)).await?;
    let ours = [Identity::Address("r.r:5000".to_owned())].into();
    let joined = joined(&all, &ours)?;
    assert!(joined.iter().all(|it| !it.policy.condemns()), "others condemn nothing here");
    Ok(joined.iter().map(|it| it.policy.name.to_string()).collect())
}

fn served() -> ApiServer {
    let server = ApiServer::new();
    server.serves(RETENTIONS);
    server
}

#[tokio::test]
async fn a_cluster_without_the_kind_has_none() {
    assert_eq!(concerned(&ApiServer::new()).await.unwrap(), Vec::<String>::new());
    let server = served();
    server.answers(RETENTIONS, "", 403, 1);
    let error = concerned(&server).await.unwrap_err();
    assert_eq!(error.reason(), "ResourcesUnreadable");
    assert!(error.to_string().contains("registryretentions.registry-retention.dev"), "{error}");
}

#[tokio::test]
async fn those_join_that_a_name_connects() {
    let server = served();
    server.put(RETENTIONS, "b", "same", retention("http://r.r.svc:5000", &[]));
    server.put(RETENTIONS, "a", "alias", retention("https://r.example", &["r:5000", "cdn.example:1/x"]));
    server.put(RETENTIONS, "r", "alias", retention("https://r.example", &["r:5000", "cdn.example:1/x"]));
    server.put(RETENTIONS, "c", "through", retention("https://cdn.example:1", &[]));
    server.put(RETENTIONS, "d", "other", retention("http://r.r:5001", &["elsewhere.example"]));
    assert_eq!(concerned(&server).await.unwrap(), ["a/alias", "b/same", "c/through", "r/alias"]);
}

#[tokio::test]
async fn what_may_concern_it_and_cannot_be_understood_is_named() {
    let mut bad_rule = retention("http://r.r:5000", &[]);
    bad_rule["spec"]["rules"][0]["repositories"]["include"] = json!(["a["]);
    let mut bad_field = retention("http://r.r:5000", &[]);
    bad_field["spec"]["rules"] = json!("all");
    let mut elsewhere = bad_field.clone();
    elsewhere["spec"]["registry"]["url"] = "http://other.example".into();
    for (object, concerns) in [
        (bad_rule, true),
        (bad_field, true),
        (elsewhere, false),
        (retention("no url", &[]), true),
        (json!({"spec": {"registry": {"url": "http://other.example", "aliases": [7]}}}), true),
        (json!({"spec": {"registry": {"url": "http://other.example", "deploymentRef": "registry"}}}), true),
        (json!({}), true),
    ] {
        let server = served();
        server.put(RETENTIONS, "team", "bad", object.clone());
        match concerned(&server).await {
            Err(ClusterError::Resource { name, .. }) => assert!(concerns && name == "team/bad", "{object}"),
            other => assert!(!concerns && other == Ok(Vec::new()), "{object}: {other:?}"),
        }
    }
}
