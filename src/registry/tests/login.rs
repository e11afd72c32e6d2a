use super::*;

/// A registry that takes only the token `good`, and names `realm`.
fn guarded(seen: &Seen, realm: &str, good: &str) -> Response {
    if seen.authorization.as_deref() == Some(&format!("Bearer {good}")) {
        return ok(r#"{"tags": ["v1"]}"#);
    }
    let error = if seen.authorization.is_some() { r#",error="invalid_token""# } else { "" };
    let challenge = format!(r#"Bearer realm="{realm}",service="reg",scope="repository:app:pull"{error}"#);
    answer(401, &[("www-authenticate", &challenge)], "")
}

fn token(text: &str) -> Response {
    ok(json!({"token": text, "expires_in": 300}).to_string())
}

#[tokio::test]
async fn the_login_goes_to_the_token_service_alone() {
    let auth = Double::start(|_| token("t0")).await;
    let realm = format!("{}/token", auth.url);
    let double = Double::start(move |seen| guarded(seen, &realm, "t0")).await;
    let client = double.client_of_alice();
    for _ in 0..2 {
        client.tags(&app()).await.unwrap();
    }
    assert_eq!(auth.lines(), ["GET /token?service=reg&scope=repository%3Aapp%3Apull"]);
    assert_eq!(auth.seen()[0].authorization.as_deref(), Some("Basic YWxpY2U6czNjcmV0"));
    let sent: Vec<_> = double.seen().into_iter().map(|seen| seen.authorization).collect();
    assert_eq!(sent, [None, Some("Bearer t0".into()), Some("Bearer t0".into())]);
}

#[tokio::test]
async fn a_token_that_the_registry_no_longer_takes_is_renewed_once() {
    let auth = Double::start(|seen| token(&format!("t{}", seen.index))).await;
    let realm = format!("{}/token", auth.url);
    // The first two requests are of the first token's time.
    let double = Double::start(move |seen| guarded(seen, &realm, if seen.index < 2 { "t0" } else { "t1" })).await;
    let client = double.client_of_alice();
    for _ in 0..3 {
        client.tags(&app()).await.unwrap();
    }
    assert_eq!(auth.lines().len(), 2);

    let auth = Double::start(|_| token("never good")).await;
    let realm = format!("{}/token", auth.url);
    let double = Double::start(move |seen| guarded(seen, &realm, "another")).await;
    assert_eq!(double.client_of_alice().tags(&app()).await.unwrap_err().reason(), "Unauthorized");
    assert_eq!((auth.lines().len(), double.lines().len()), (1, 2));
}

#[tokio::test]
async fn once_the_service_is_known_a_write_has_its_token_from_the_start() {
    let auth = Double::start(|_| token("t0")).await;
    let realm = format!("{}/token", auth.url);
    let double = Double::start(move |seen| guarded(seen, &realm, "t0")).await;
    let client = double.client_of_alice();
    client.tags(&app()).await.unwrap();
    client.delete_tag(&app(), &tag("v1")).await.unwrap();
    assert_eq!(auth.lines()[1], "GET /token?service=reg&scope=repository%3Aapp%3Adelete");
    assert_eq!(double.lines().iter().filter(|line| line.starts_with("DELETE")).count(), 1);
}

#[tokio::test]
async fn no_login_is_sent_to_a_realm_elsewhere() {
    // The double's host is 127.0.0.1; the same server by another name is another host.
    let auth = Double::start(|_| token("t0")).await;
    let realm = auth.url.replace("127.0.0.1", "localhost");
    let double = Double::start(move |seen| guarded(seen, &realm, "t0")).await;
    assert_eq!(double.client_of_alice().tags(&app()).await.unwrap_err().reason(), "UnsafeRealm");
    assert_eq!(auth.lines().len(), 0);
}

#[tokio::test]
async fn a_right_that_is_missing_is_told_from_a_login_that_is() {
    let auth = Double::start(|_| token("t0")).await;
    let challenge = format!(r#"Bearer realm="{}",error="insufficient_scope""#, auth.url);
    let double = Double::start(move |_| answer(401, &[("www-authenticate", &challenge)], "")).await;
    let error = double.client_of_alice().delete_tag(&app(), &tag("v1")).await.unwrap_err();
    assert_eq!(error.reason(), "Forbidden");

    let auth = Double::start(|_| answer(401, &[], "")).await;
    let realm = auth.url.clone();
    let double = Double::start(move |seen| guarded(seen, &realm, "t0")).await;
    for client in [double.client(), double.client_of_alice()] {
        let error = client.tags(&app()).await.unwrap_err();
        assert_eq!(error.reason(), "Unauthorized");
        assert!(error.to_string().starts_with(&format!("GET {}/", auth.url)), "names who refused: {error}");
        assert!(!format!("{error:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn basic_is_asked_for_once_and_a_wrong_password_is_not_repeated() {
    let double = Double::start(|seen| match &seen.authorization {
        Some(_) if seen.is("GET /v2/app/tags/list") => ok(r#"{"tags": []}"#),
        _ => answer(401, &[("www-authenticate", "Basic realm=\"r\"")], ""),
    })
    .await;
    let client = double.client_of_alice();
    for _ in 0..2 {
        client.tags(&app()).await.unwrap();
    }
    assert_eq!(double.lines().len(), 3);
    assert_eq!(client.repositories().await.unwrap_err().reason(), "Unauthorized");
    assert_eq!(double.lines().len(), 4);
    assert_eq!(double.client().tags(&app()).await.unwrap_err().reason(), "Unauthorized");
}

#[tokio::test]
async fn a_token_service_that_is_busy_is_asked_again_even_for_a_write() {
    let auth = Double::start(|seen| if seen.index == 0 { answer(503, &[], "") } else { token("t0") }).await;
    let realm = auth.url.clone();
    let double = Double::start(move |seen| guarded(seen, &realm, "t0")).await;
    double.client_of_alice().delete_tag(&app(), &tag("v1")).await.unwrap();
    assert_eq!(auth.lines().len(), 2);
}
