//! A push at an exact point of a prune.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use registry_retention::registry::Access;
use registry_retention::worker::Report;
use reqwest::Method;

use crate::aftermath::{exactly_survives, is_there};
use crate::desk::{Desk, rules, set};
use crate::support::{Artifact, Pusher, Registry, Relay, Step, Version, both_versions};

both_versions![
    pushes_around_every_deletion_survive,
    a_condemned_tag_that_is_pushed_to_before_its_check_stays,
    a_new_tag_saves_its_image_and_what_belongs_to_it,
    a_new_index_saves_its_child,
    an_index_that_comes_while_its_child_is_deleted_is_made_whole,
    a_moved_tag_keeps_what_it_needs_now,
    a_kept_tag_that_a_deletion_cut_is_put_back,
    an_index_that_a_deletion_cut_is_put_back_whole,
];

const PR: &str = "[{name: pr, repositories: {include: [app]}, tags: {include: ['pr-*']}, action: Delete}]";
/// Listing right before the first deletion of a manifest: the plan and the pruner have listed before.
const FRESH_LIST: usize = 3;

fn image(seed: &str) -> Artifact {
    Artifact::image(seed).created("2026-01-01T00:00:00Z").layers(1, 500).build()
}

/// A registry with v1, latest and what is given; and a relay before it.
async fn shop(version: Version, tagged: &[(&str, Artifact)]) -> (Arc<Registry>, Relay) {
    let registry = Registry::start(version).await;
    registry.pusher().push("app", "v1", &image("released")).await;
    registry.pusher().tag("app", "v1", "latest").await;
    for (tag, artifact) in tagged {
        registry.pusher().push("app", tag, artifact).await;
    }
    let relay = Relay::start(&registry).await;
    (Arc::new(registry), relay)
}

async fn prune(relay: &Relay) -> Report {
    let mut desk = Desk::at_url(relay.url(), Access::default());
    let report = desk.prune(&rules(PR)).await.unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert!(desk.journal.0.is_empty(), "{:?}", desk.journal.0);
    report
}

/// Pushes once, when the n-th such request has arrived and the registry has not seen it.
fn push_before(
    relay: &Relay,
    registry: &Registry,
    (method, path, nth): (Method, &str, usize),
    tag: &str,
    it: &Artifact,
) {
    let (pusher, tag, it) = (registry.pusher(), tag.to_owned(), it.clone());
    relay.on(method, path).nth(nth).before(move |_| {
        let (pusher, tag, it): (Pusher, _, _) = (pusher.clone(), tag.clone(), it.clone());
        async move {
            pusher.push("app", &tag, &it).await;
            Step::Forward
        }
    });
}

fn deletion(artifact: &Artifact) -> String {
    format!("/manifests/{}$", artifact.digest())
}

async fn pushes_around_every_deletion_survive(version: Version) {
    let tagged: Vec<_> = (1..=8).map(|n| (format!("pr-{n}"), image(&format!("rejected {n}")))).collect();
    let tagged: Vec<_> = tagged.iter().map(|(tag, image)| (tag.as_str(), image.clone())).collect();
    let (registry, relay) = shop(version, &tagged).await;
    let count = Arc::new(AtomicUsize::new(0));
    let push = {
        let (pusher, count) = (registry.pusher(), Arc::clone(&count));
        move || {
            let (pusher, n) = (pusher.clone(), count.fetch_add(1, Ordering::SeqCst) + 1);
            async move {
                let content = image(&format!("new {n}"));
                pusher.push("app", &format!("n{n}"), &content).await;
                pusher.push("app", "latest", &content).await;
            }
        }
    };
    let before = push.clone();
    relay.on(Method::DELETE, "/manifests/(pr-|sha256:0*[1-9a-f])").before(move |_| {
        let push = before();
        async move {
            push.await;
            Step::Forward
        }
    });
    relay.on(Method::DELETE, "/manifests/(pr-|sha256:0*[1-9a-f])").after(move |_, reply| {
        let push = push();
        async move {
            push.await;
            reply
        }
    });
    let report = prune(&relay).await;
    assert_eq!((report.deleted_manifests, report.restored.len(), report.skipped.len()), (8, 0, 0), "{report:?}");
    let pushes = count.load(Ordering::SeqCst);
    assert!(pushes >= 16);
    let last = image(&format!("new {pushes}")).digest();
    assert_eq!(registry.pusher().digest_of("app", "latest").await, Some(last));
    let new = (1..=pushes).map(|n| format!("n{n}"));
    let left: BTreeSet<String> = new.chain(["v1".to_owned(), "latest".to_owned()]).collect();
    exactly_survives(&registry, "app", &left).await;
}

async fn a_condemned_tag_that_is_pushed_to_before_its_check_stays(version: Version) {
    let (registry, relay) = shop(version, &[("pr-1", image("rejected")), ("pr-2", image("again"))]).await;
    // The plan and the pruner have read it before.
    push_before(&relay, &registry, (Method::GET, "/manifests/pr-1$", 3), "pr-1", &image("reworked"));
    let report = prune(&relay).await;
    assert!(report.skipped[0].why.contains("pr-1 was pushed to meanwhile"), "{report:?}");
    assert_eq!(registry.pusher().digest_of("app", "pr-1").await, Some(image("reworked").digest()));
    exactly_survives(&registry, "app", &set(["v1", "latest", "pr-1"])).await;
}

async fn a_new_tag_saves_its_image_and_what_belongs_to_it(version: Version) {
    let (rejected, signature) = (image("rejected"), image("signature"));
    let sig = rejected.cosign_tag("sig");
    let sig_of_sig = signature.cosign_tag("sig");
    let tagged =
        [("pr-1", rejected.clone()), (sig.as_str(), signature), (sig_of_sig.as_str(), image("signature's own"))];
    let (registry, relay) = shop(version, &tagged).await;
    push_before(&relay, &registry, (Method::GET, "/tags/list", FRESH_LIST), "v9", &rejected);
    let report = prune(&relay).await;
    assert!(report.skipped[0].why.contains("v9 was pushed meanwhile"), "{report:?}");
    assert_eq!(report.deleted_manifests, 0);
    let mut left = set(["v1", "latest", "v9", &sig, &sig_of_sig]);
    if version == Version::V2_8 {
        left.insert("pr-1".into());
    }
    exactly_survives(&registry, "app", &left).await;
}

async fn a_new_index_saves_its_child(version: Version) {
    let (registry, relay) = shop(version, &[("pr-1", image("rejected"))]).await;
    let index = Artifact::index([Artifact::index([image("rejected")]), image("new")]);
    push_before(&relay, &registry, (Method::GET, "/tags/list", FRESH_LIST), "v9", &index);
    let report = prune(&relay).await;
    assert_eq!(report.deleted_manifests, 0, "{report:?}");
    let left = if version == Version::V2_8 { set(["v1", "latest", "v9", "pr-1"]) } else { set(["v1", "latest", "v9"]) };
    exactly_survives(&registry, "app", &left).await;
}

/// Nothing can stop the deletion any more; but its bytes are still known.
async fn an_index_that_comes_while_its_child_is_deleted_is_made_whole(version: Version) {
    for tag in ["v9", "latest"] {
        let (registry, relay) = shop(version, &[("pr-1", image("rejected"))]).await;
        let index = Artifact::index([Artifact::index([image("rejected")]), image("new")]);
        let at = (Method::DELETE, deletion(&image("rejected")));
        push_before(&relay, &registry, (at.0, &at.1, 1), tag, &index);
        let report = prune(&relay).await;
        assert_eq!(report.restored.len(), 1, "{report:?}");
        exactly_survives(&registry, "app", &set(["v1", "latest", tag])).await;
    }
}

/// A tag that stays is not looked at again before each deletion, only before each batch.
async fn a_moved_tag_keeps_what_it_needs_now(version: Version) {
    for content in [Artifact::index([image("rejected"), image("new")]), image("rejected")] {
        let (registry, relay) = shop(version, &[("pr-1", image("rejected")), ("pr-2", image("another"))]).await;
        push_before(&relay, &registry, (Method::GET, "/tags/list", FRESH_LIST), "latest", &content);
        prune(&relay).await;
        assert_eq!(registry.pusher().digest_of("app", "latest").await, Some(content.digest()));
        assert!(is_there(&registry, "app", &image("rejected").digest()).await);
        let mut left = crate::aftermath::tags(&registry, "app").await;
        left.remove("pr-1");
        assert_eq!(left, set(["v1", "latest"]));
        left = crate::aftermath::tags(&registry, "app").await;
        exactly_survives(&registry, "app", &left).await;
    }
}

async fn a_kept_tag_that_a_deletion_cut_is_put_back(version: Version) {
    let (registry, relay) = shop(version, &[("pr-1", image("rejected"))]).await;
    push_before(&relay, &registry, (Method::DELETE, &deletion(&image("rejected")), 1), "latest", &image("rejected"));
    let report = prune(&relay).await;
    assert_eq!(report.restored, [("app".parse().unwrap(), "latest".parse().unwrap())]);
    assert_eq!(registry.pusher().digest_of("app", "latest").await, Some(image("rejected").digest()));
    exactly_survives(&registry, "app", &set(["v1", "latest"])).await;
}

async fn an_index_that_a_deletion_cut_is_put_back_whole(version: Version) {
    let inner = Artifact::index([image("deep")]);
    let index = Artifact::index([inner.clone(), image("child")]);
    let tagged = [("pr-1", index.clone()), ("pr-2", image("child")), ("pr-3", inner), ("pr-4", image("deep"))];
    let (registry, relay) = shop(version, &tagged).await;
    push_before(&relay, &registry, (Method::DELETE, &deletion(&index), 1), "latest", &index);
    let report = prune(&relay).await;
    assert!(report.restored.contains(&("app".parse().unwrap(), "latest".parse().unwrap())), "{report:?}");
    assert_eq!(registry.pusher().digest_of("app", "latest").await, Some(index.digest()));
    let left = crate::aftermath::tags(&registry, "app").await;
    assert!(left.is_superset(&set(["v1", "latest"])));
    exactly_survives(&registry, "app", &left).await;
}
