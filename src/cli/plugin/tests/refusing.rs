use super::*;

#[tokio::test]
async fn what_the_cluster_lacks_or_refuses_is_a_sentence_with_the_next_command() {
    let server = cluster();
    let none = refused(&server, "status team").await;
    assert_eq!(
        none,
        "there is no RegistryRetention team in namespace registry\nNext: kubectl registry-retention status -A"
    );
    let unknown = ApiServer::new();
    for line in ["status", "status -A", "status team", "accept team 000000000000"] {
        let error = refused(&unknown, line).await;
        assert!(error.contains("the operator is not installed") && error.contains("\nNext: helm install"), "{error}");
    }
}

#[tokio::test]
async fn a_verb_that_a_role_lacks_is_named() {
    for (line, path, verb, resource) in [
        ("status team", RETENTIONS, "get", "registryretentions.registry-retention.dev"),
        ("status", RETENTIONS, "list", "registryretentions.registry-retention.dev"),
        ("accept team 000000000000", CONFIG_MAPS, "list", "configmaps"),
    ] {
        let server = cluster();
        put(&server, &spec("Enforce"), &serde_json::json!({}));
        server.answers(path, "", 403, 1);
        let error = refused(&server, line).await;
        assert!(error.contains(&format!("your role lacks the verb {verb};")), "{error}");
        let next = format!("\nNext: kubectl auth can-i {verb} {resource} -n registry");
        assert!(error.ends_with(&next), "{error}");
    }
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_used_is_named() {
    let place = Place { kubeconfig: Some("/there/is/none".into()), ..Place::default() };
    let error = Desk::open(&place).await.err().expect("no kubeconfig").to_string();
    assert!(error.contains("/there/is/none"), "{error}");
    assert!(error.ends_with("\nNext: kubectl config get-contexts --kubeconfig /there/is/none"), "{error}");
}
