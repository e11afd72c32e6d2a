//! Bad lines and failing servers, which a real registry cannot be made to be on demand.

use registry_retention::registry::Access;
use reqwest::Method;

use super::{image, newest, prunes, start, tags};
use crate::desk::{Desk, reason, set};
use crate::support::{Relay, Reply, Step, Version, both_versions};

both_versions![
    a_server_that_fails_at_a_manifest_keeps_its_repository,
    a_server_that_fails_at_a_tag_list_keeps_its_repository,
    an_answer_that_is_cut_keeps_its_repository,
    an_answer_that_is_cut_once_is_asked_for_again,
    a_manifest_by_another_name_keeps_its_repository,
    a_busy_server_is_asked_again
];

const V2: &str = "/v2/broken/manifests/v2$";

fn desk(relay: &Relay) -> Desk {
    Desk::at_url(relay.url(), Access::default())
}

async fn a_server_that_fails_at_a_manifest_keeps_its_repository(version: Version) {
    let registry = start(version).await;
    let relay = Relay::start(&registry).await;
    relay.on(Method::GET, V2).answer(Reply::status(500));
    let mut desk = desk(&relay);
    assert_eq!(reason(&desk.plan(&newest()).await.unwrap(), "broken", "v1"), "Unreadable");
    prunes(&mut desk, &registry, &[]).await;
    // In the middle: the plan could read everything, the prune cannot.
    relay.clear_rules();
    relay.on(Method::GET, V2).nth(2).answer(Reply::status(500));
    let report = desk.prune(&newest()).await.unwrap();
    assert!(report.is_complete() && report.deleted_tags == 0, "{report:?}");
    assert_eq!(tags(&registry, "broken").await, set(["v1", "v2", "v3", "v4"]));
    assert_eq!(desk.prune(&newest()).await.unwrap().deleted_tags, 3);
}

async fn a_server_that_fails_at_a_tag_list_keeps_its_repository(version: Version) {
    let registry = start(version).await;
    let relay = Relay::start(&registry).await;
    relay.on(Method::GET, "/v2/broken/tags/list").answer(Reply::status(500));
    prunes_without_list(&mut desk(&relay)).await;
    assert_eq!(tags(&registry, "broken").await, set(["v1", "v2", "v3", "v4"]));
    assert_eq!(tags(&registry, "sound").await, set(["v4"]));
}

async fn an_answer_that_is_cut_keeps_its_repository(version: Version) {
    let registry = start(version).await;
    let relay = Relay::start(&registry).await;
    relay.on(Method::GET, V2).cut_after(10);
    let mut desk = desk(&relay);
    assert_eq!(reason(&desk.plan(&newest()).await.unwrap(), "broken", "v1"), "Unreadable");
    prunes(&mut desk, &registry, &[]).await;
    relay.clear_rules();
    relay.on(Method::GET, "/v2/broken/tags/list").cut_after(10);
    prunes_without_list(&mut desk).await;
    assert_eq!(tags(&registry, "broken").await, set(["v1", "v2", "v3", "v4"]));
}

async fn prunes_without_list(desk: &mut Desk) {
    let plan = desk.plan(&newest()).await.unwrap();
    let broken = plan.repositories.iter().find(|it| it.name.as_str() == "broken").unwrap();
    assert!(broken.tags.is_empty() && broken.deletions.is_empty());
    let report = desk.prune(&newest()).await.unwrap();
    assert!(report.is_complete(), "{report:?}");
}

async fn an_answer_that_is_cut_once_is_asked_for_again(version: Version) {
    let registry = start(version).await;
    let relay = Relay::start(&registry).await;
    relay.on(Method::GET, V2).nth(1).cut_after(10);
    relay.on(Method::GET, "/v2/sound/tags/list").nth(1).cut_after(10);
    let config = image("sound", 1).blob_digests()[0].clone();
    relay.on(Method::GET, &format!("/v2/sound/blobs/{config}")).nth(1).cut_after(10);
    prunes(&mut desk(&relay), &registry, &["v1", "v2", "v3"]).await;
}

async fn a_manifest_by_another_name_keeps_its_repository(version: Version) {
    let registry = start(version).await;
    let relay = Relay::start(&registry).await;
    let other = image("broken", 3).digest();
    relay.on(Method::GET, V2).after(move |_, reply| {
        let reply = reply.header("docker-content-digest", other.as_str());
        async { reply }
    });
    let mut desk = desk(&relay);
    assert_eq!(reason(&desk.plan(&newest()).await.unwrap(), "broken", "v1"), "Unreadable");
    prunes(&mut desk, &registry, &[]).await;
}

async fn a_busy_server_is_asked_again(version: Version) {
    let registry = start(version).await;
    let relay = Relay::start(&registry).await;
    for method in [Method::GET, Method::DELETE] {
        let counter = std::sync::atomic::AtomicUsize::new(0);
        relay.on(method, ".").before(move |_| {
            let busy = counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst).is_multiple_of(5);
            async move {
                if busy { Step::Answer(Reply::status(429).header("retry-after", "0")) } else { Step::Forward }
            }
        });
    }
    prunes(&mut desk(&relay), &registry, &["v1", "v2", "v3"]).await;
    assert!(relay.exchanges().iter().any(|it| it.method == Method::DELETE && it.status.is_some_and(|s| s == 429)));
}
