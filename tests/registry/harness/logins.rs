//! Passwords, certificates and tokens.

use std::time::Duration;

use reqwest::{Method, StatusCode};

use super::image;
use crate::support::{Authority, Credentials, Pusher, Registry, TokenServer, Version, both_versions};

both_versions![
    basic_auth_asks_for_a_password,
    tls_is_served_to_who_trusts_the_authority,
    the_token_server_grants_what_it_is_told
];

async fn basic_auth_asks_for_a_password(version: Version) {
    let user = Credentials::new("robot", "secret");
    let registry = Registry::builder(version).basic_auth(&user).start().await;
    registry.pusher().push("a", "v1", &image("v1")).await;
    let wrong = registry.pusher().with_basic(&Credentials::new("robot", "wrong"));
    assert_eq!(wrong.manifest("a", "v1").await.unwrap_err().status, Some(StatusCode::UNAUTHORIZED));
}

async fn tls_is_served_to_who_trusts_the_authority(version: Version) {
    let authority = Authority::new();
    let registry = Registry::builder(version).tls(&authority).start().await;
    assert!(registry.url().starts_with("https://"));
    registry.pusher().push("a", "v1", &image("v1")).await;
    let stranger = Pusher::new(registry.url());
    assert_eq!(stranger.manifest("a", "v1").await.unwrap_err().status, None);

    let other = Registry::builder(version).mutual_tls(&authority).start().await;
    other.pusher().push("a", "v1", &image("v1")).await;
    let nameless = other.pusher().with_client(registry.client());
    assert_eq!(nameless.manifest("a", "v1").await.unwrap_err().status, None);
}

async fn the_token_server_grants_what_it_is_told(version: Version) {
    let user = Credentials::new("robot", "secret");
    let tokens = TokenServer::start(&user).await;
    let registry = Registry::builder(version).token_auth(&tokens).start().await;
    let pusher = registry.pusher();
    let pushing = pusher.clone().with_token(tokens.token(&["repository:a:pull,push"]));
    let digest = pushing.push("a", "v1", &image("v1")).await;
    assert_eq!(pushing.delete("a", digest.as_str()).await, StatusCode::UNAUTHORIZED);

    // As a client does it: the challenge says where, and for what.
    let answer = pusher.request(Method::DELETE, &format!("/v2/a/manifests/{digest}")).send().await.unwrap();
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
    let parameter = |name: &str| {
        let value = challenge.split_once(&format!("{name}=\"")).unwrap().1;
        value.split_once('"').unwrap().0.to_owned()
    };
    let realm = parameter("realm");
    let ask = async |scope: &str, password: &str| {
        let query = [("service", parameter("service")), ("scope", scope.to_owned())];
        let request = pusher.request(Method::GET, &realm).query(&query).basic_auth("robot", Some(password));
        let body = request.send().await.unwrap().text().await.unwrap();
        serde_json::from_str::<serde_json::Value>(&body).unwrap()["token"].as_str().map(str::to_owned)
    };
    let scope = parameter("scope");
    assert_eq!(scope, "repository:a:delete");
    let delete =
        async |token: Option<String>| pusher.clone().with_token(token.unwrap()).delete("a", digest.as_str()).await;

    assert_eq!(ask(&scope, "wrong").await, None);
    assert_eq!(delete(ask(&scope, "secret").await).await, StatusCode::UNAUTHORIZED, "nothing is granted yet");
    tokens.grant("repository:a", "pull,delete");
    tokens.issue_stale(1);
    assert_eq!(delete(ask(&scope, "secret").await).await, StatusCode::UNAUTHORIZED, "it has expired");
    tokens.set_lifetime(Duration::from_secs(1));
    assert_eq!(delete(ask(&scope, "secret").await).await, StatusCode::ACCEPTED);
    assert!(tokens.requests().iter().all(|request| request.scopes == [scope.as_str()]));
    assert_eq!(
        tokens.requests().iter().map(|request| request.logged_in).collect::<Vec<_>>(),
        [false, true, true, true]
    );

    tokens.grant("registry:catalog", "*");
    let catalog = pusher.clone().with_token(ask("registry:catalog:*", "secret").await.unwrap());
    let answer = catalog.request(Method::GET, "/v2/_catalog").send().await.unwrap();
    assert_eq!(answer.text().await.unwrap().trim(), r#"{"repositories":["a"]}"#);
}
