//! A prune that has nothing to do does nothing.

use reqwest::Method;

use crate::desk::{Desk, rules};
use crate::support::{Artifact, Exchange, Registry, Relay, Version, both_versions};

both_versions![a_second_prune_writes_nothing];

async fn a_second_prune_writes_nothing(version: Version) {
    let registry = Registry::start(version).await;
    let relay = Relay::start(&registry).await;
    let pusher = registry.pusher();
    let image = |seed: &str| Artifact::image(seed).layers(1, 500).build();
    pusher.push("app", "v1", &image("released")).await;
    pusher.tag("app", "v1", "pr-1").await;
    pusher.push("app", "v2", &Artifact::index([image("child")])).await;
    pusher.push("app", "pr-2", &image("child")).await;
    pusher.push("app", "pr-3", &image("rejected")).await;
    pusher.push("app", &image("rejected").cosign_tag("sig"), &image("signature")).await;
    pusher.push("app", &image("released").cosign_tag("sig"), &image("another signature")).await;
    let policies = rules("[{name: pr, repositories: {include: [app]}, tags: {include: ['pr-*']}, action: Delete}]");
    for tombstones in [false, true] {
        let mut desk = Desk::at_url(relay.url(), registry_retention::registry::Access::default());
        desk.tombstones = tombstones;
        let first = desk.prune(&policies).await.unwrap();
        assert!(first.is_complete() && first.skipped.is_empty(), "{first:?}");
        relay.clear_exchanges();
        let again = desk.prune(&policies).await.unwrap();
        assert!(again.is_complete() && again.skipped.is_empty(), "{again:?}");
        assert_eq!((again.deleted_tags, again.deleted_manifests), (0, 0));
        let effects: Vec<Exchange> = relay.exchanges().into_iter().filter(has_effect).collect();
        assert!(effects.is_empty(), "{effects:#?}");
        assert!(desk.journal.0.is_empty(), "{:?}", desk.journal.0);
    }
}

/// A DELETE of what is made up, which only asks what the server can do, has none.
fn has_effect(exchange: &Exchange) -> bool {
    exchange.method != Method::GET
        && exchange.method != Method::HEAD
        && exchange.status.is_none_or(|status| status.is_success())
}
