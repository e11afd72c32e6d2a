//! The relay.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::{Method, StatusCode};

use super::image;
use crate::support::{Registry, Relay, Reply, Step, Version, both_versions};

both_versions![the_relay_records_and_acts_at_an_exact_point, the_relay_breaks_what_it_is_told_to];

async fn the_relay_records_and_acts_at_an_exact_point(version: Version) {
    let registry = Arc::new(Registry::start(version).await);
    let relay = Relay::start(&registry).await;
    let digest = relay.pusher().push("a", "v1", &image("v1")).await;
    let delete = format!("/v2/a/manifests/{digest}");
    assert_eq!(relay.lines().last(), Some(&"PUT /v2/a/manifests/v1".to_owned()));
    assert_eq!(relay.pusher().digest_of("a", "v1").await, Some(digest.clone()));
    assert_eq!(relay.pusher().is_whole("a", "v1").await, Ok(()));
    assert!(relay.exchanges().iter().all(|exchange| exchange.status.is_some()));
    assert!(relay.lines().iter().any(|line| line.starts_with("PUT /v2/a/blobs/uploads/")));

    // A push lands just before the delete, and what it brings is seen just after.
    let (before, after) = (Arc::clone(&registry), Arc::clone(&registry));
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    relay.on(Method::DELETE, &delete).before(move |_| {
        let pusher = before.pusher();
        async move {
            pusher.tag("a", "v1", "v2").await;
            pusher.push("a", "v3", &image("v3")).await;
            Step::Forward
        }
    });
    relay.on(Method::DELETE, &delete).after(move |_, reply| {
        let (pusher, seen) = (after.pusher(), Arc::clone(&count));
        async move {
            seen.store(pusher.tags("a").await.unwrap().len(), Ordering::SeqCst);
            reply
        }
    });
    relay.clear_exchanges();
    assert_eq!(relay.pusher().delete("a", digest.as_str()).await, StatusCode::ACCEPTED);
    assert_eq!(seen.load(Ordering::SeqCst), 1, "v2 went along with v1, v3 stays");
    assert_eq!(relay.lines(), [format!("DELETE {delete}")]);
    assert_eq!(relay.exchanges()[0].headers["host"], relay.url().trim_start_matches("http://"));
    relay.clear_rules();
    assert_eq!(relay.pusher().delete("a", digest.as_str()).await, StatusCode::NOT_FOUND);
}

async fn the_relay_breaks_what_it_is_told_to(version: Version) {
    let registry = Registry::start(version).await;
    let relay = Relay::start(&registry).await;
    let pusher = relay.pusher();
    pusher.push("a", "v1", &image("v1")).await;
    let manifest = "/v2/a/manifests/v1$";

    relay.on(Method::GET, manifest).nth(2).answer(Reply::status(429).header("retry-after", "0").body("slow down"));
    assert!(pusher.manifest("a", "v1").await.is_ok());
    let refused = pusher.manifest("a", "v1").await.unwrap_err();
    assert_eq!((refused.status, refused.body.as_str()), (Some(StatusCode::TOO_MANY_REQUESTS), "slow down"));
    assert!(pusher.manifest("a", "v1").await.is_ok());

    relay.on(Method::GET, manifest).nth(1).cut_after(10);
    let refused = pusher.manifest("a", "v1").await.unwrap_err();
    assert_eq!(refused.status, Some(StatusCode::OK), "the head came, the body did not: {refused}");

    relay.on(Method::GET, manifest).nth(1).disconnect();
    assert_eq!(pusher.manifest("a", "v1").await.unwrap_err().status, None);

    let gate = relay.on(Method::GET, manifest).nth(1).gate();
    let held = tokio::spawn({
        let pusher = pusher.clone();
        async move { pusher.manifest("a", "v1").await }
    });
    gate.reached().await;
    assert!(!held.is_finished());
    gate.open();
    assert!(held.await.unwrap().is_ok());

    relay.on(Method::GET, manifest).hang();
    let impatient = reqwest::Client::builder().no_proxy().timeout(Duration::from_millis(50)).build().unwrap();
    assert_eq!(pusher.clone().with_client(impatient).manifest("a", "v1").await.unwrap_err().status, None);

    relay.stop();
    assert_eq!(pusher.manifest("a", "v1").await.unwrap_err().status, None);
}
