//! Tags that share a digest: the incident in which deleting one image takes its siblings along.

use crate::desk::{Desk, reason, rules, set};
use crate::support::{Artifact, Registry, Version, both_versions};

both_versions![a_kept_sibling_survives, a_single_tag_goes_where_it_can_go_alone, all_tags_of_a_digest_take_it_along,];

fn image(seed: &str) -> Artifact {
    Artifact::image(seed).created("2026-01-01T00:00:00Z").layers(1, 500).build()
}

const PR: &str = "[{name: pr, repositories: {include: [app]}, tags: {include: ['pr-*']}, action: Delete}]";

async fn shop(version: Version) -> Registry {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    pusher.push("app", "pr-1", &image("released")).await;
    pusher.tag("app", "pr-1", "v1.0.0").await;
    pusher.push("app", "pr-2", &image("rejected")).await;
    pusher.tag("app", "pr-2", "pr-2-again").await;
    registry
}

async fn a_kept_sibling_survives(version: Version) {
    let registry = shop(version).await;
    let mut desk = Desk::at(&registry);
    let policies = rules(PR);
    let plan = desk.plan(&policies).await.unwrap();
    let expected = if version == Version::V2_8 { "SharedDigest" } else { "DeleteAction" };
    assert_eq!(reason(&plan, "app", "pr-1"), expected);
    let report = desk.prune(&policies).await.unwrap();
    assert!(report.is_complete(), "{report:?}");
    registry.garbage_collect().await;
    registry.restart().await;
    assert_eq!(registry.pusher().is_whole("app", "v1.0.0").await, Ok(()));
    let left = registry.pusher().tags("app").await.unwrap().into_iter().collect();
    match version {
        Version::V2_8 => assert_eq!(set(["pr-1", "v1.0.0"]), left),
        Version::V3_1 => assert_eq!(set(["v1.0.0"]), left),
    }
}

async fn a_single_tag_goes_where_it_can_go_alone(version: Version) {
    let registry = shop(version).await;
    let mut desk = Desk::at(&registry);
    desk.tombstones = true;
    let report = desk.prune(&rules(PR)).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
    assert_eq!(report.deleted_tags, 3);
    assert!(desk.journal.0.is_empty(), "{:?}", desk.journal.0);
    assert_eq!(registry.pusher().tags("app").await.unwrap(), ["v1.0.0"]);
    registry.garbage_collect().await;
    registry.restart().await;
    assert_eq!(registry.pusher().is_whole("app", "v1.0.0").await, Ok(()));
    assert_eq!(registry.store().blobs().len(), 3, "one manifest, config and layer");
}

async fn all_tags_of_a_digest_take_it_along(version: Version) {
    let registry = shop(version).await;
    let digest = image("rejected").digest();
    Desk::at(&registry).prune(&rules(PR)).await.unwrap();
    assert!(registry.pusher().manifest("app", digest.as_str()).await.is_err());
    registry.garbage_collect().await;
    assert!(!registry.store().blobs().contains(&digest));
}
