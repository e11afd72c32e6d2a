//! Registries that do not let anything be deleted: recognised without harm, planned for, and left as they are.

use registry_retention::retention::{Deletes, Refusal, Server};

use crate::desk::{Desk, condemned, rules, set};
use crate::support::{Artifact, Registry, Version, both_versions};

both_versions![
    a_probe_changes_no_file,
    deletion_that_is_off_is_respected_until_it_is_on,
    a_read_only_registry_is_left_until_it_is_writable,
    a_cache_is_told_from_a_registry_without_deletion
];

const PR: &str = "[{name: pr, repositories: {include: [app, absent]}, tags: {include: ['pr-*']}, action: Delete}]";

async fn push(registry: &Registry) {
    for tag in ["v1", "pr-1", "pr-2"] {
        let image = Artifact::image(tag).created("2026-01-01T00:00:00Z").layers(1, 500).build();
        registry.pusher().push("app", tag, &image).await;
    }
}

/// The plan says what would go and why nothing can; carrying it out does nothing, and says so.
async fn is_refused(desk: &mut Desk, refusal: Refusal) -> Server {
    let policies = rules(PR);
    let plan = desk.plan(&policies).await.unwrap();
    assert_eq!(condemned(&plan, "app"), set(["pr-1", "pr-2"]));
    assert_eq!(plan.server.deletes, Deletes::Refused(refusal));
    let report = desk.prune(&policies).await.unwrap();
    assert_eq!(report.refused, [("app".parse().unwrap(), refusal)]);
    assert!(!report.is_complete() && report.failed.is_empty(), "{report:?}");
    assert_eq!((report.deleted_tags, report.deleted_manifests), (0, 0));
    assert!(desk.journal.0.is_empty(), "nothing was begun");
    plan.server
}

async fn prunes(desk: &mut Desk, registry: &Registry) {
    let report = desk.prune(&rules(PR)).await.unwrap();
    assert!(report.is_complete() && report.deleted_tags == 2, "{report:?}");
    assert_eq!(registry.pusher().tags("app").await.unwrap(), ["v1"]);
    assert_eq!(registry.pusher().is_whole("app", "v1").await, Ok(()));
}

async fn a_probe_changes_no_file(version: Version) {
    let registry = Registry::builder(version).descriptor_cache().start().await;
    push(&registry).await;
    let before = registry.store().files();
    let mut desk = Desk::at(&registry);
    for repository in ["app", "absent", "app/below"] {
        let server = desk.client.probe(&repository.parse().unwrap()).await.unwrap();
        let all = server.deletes == Deletes::TagsAndDigests;
        assert_eq!((server.deletes_tags(), all), (version == Version::V3_1, version == Version::V3_1));
    }
    assert_eq!(condemned(&desk.plan(&rules(PR)).await.unwrap(), "app"), set(["pr-1", "pr-2"]));
    assert_eq!(registry.store().files(), before);
    assert!(!registry.store().repository("absent").exists() && !registry.store().repository("app/below").exists());
    prunes(&mut desk, &registry).await;
}

async fn deletion_that_is_off_is_respected_until_it_is_on(version: Version) {
    let registry = Registry::builder(version).deletes(false).start().await;
    push(&registry).await;
    let before = registry.store().files();
    let mut desk = Desk::at(&registry);
    is_refused(&mut desk, Refusal::Disabled).await;
    assert_eq!(registry.store().files(), before);
    registry.restart_as(|it| it.read_only(true)).await;
    is_refused(&mut desk, Refusal::ReadOnly).await;
    assert_eq!(registry.store().files(), before);
    registry.restart_as(|it| it.read_only(false).deletes(true)).await;
    prunes(&mut desk, &registry).await;
}

async fn a_read_only_registry_is_left_until_it_is_writable(version: Version) {
    let registry = Registry::start(version).await;
    push(&registry).await;
    registry.restart_as(|it| it.read_only(true)).await;
    let before = registry.store().files();
    let mut desk = Desk::at(&registry);
    desk.tombstones = true;
    is_refused(&mut desk, Refusal::ReadOnly).await;
    assert_eq!(registry.store().files(), before);
    registry.restart_as(|it| it.read_only(false)).await;
    prunes(&mut desk, &registry).await;
}

async fn a_cache_is_told_from_a_registry_without_deletion(version: Version) {
    let upstream = Registry::start(version).await;
    push(&upstream).await;
    let cache = Registry::builder(version).cache_of(&upstream).start().await;
    for tag in ["v1", "pr-1", "pr-2"] {
        assert_eq!(cache.pusher().is_whole("app", tag).await, Ok(()));
    }
    let (before, cached) = (upstream.store().files(), cache.store().blobs());
    is_refused(&mut Desk::at(&cache), Refusal::PullThrough).await;
    assert_eq!(upstream.store().files(), before);
    assert!(cache.store().blobs().is_superset(&cached), "a cache fills, but nothing was taken from it");
    assert_eq!(cache.pusher().tags("app").await.unwrap(), ["pr-1", "pr-2", "v1"]);
}
