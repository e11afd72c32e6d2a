//! Creation times as they are found in the wild.

use crate::desk::{Desk, condemned, reason, resource, rules, set};
use crate::support::{Artifact, Registry, Version, both_versions};

both_versions![times_that_tell_nothing_keep, an_index_is_as_young_as_its_youngest_child, nothing_young_goes];

async fn times_that_tell_nothing_keep(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    let created = [
        ("reproducible", Some("1970-01-01T00:00:00Z")),
        ("year-one", Some("0001-01-01T00:00:00Z")),
        ("future", Some("2999-01-01T00:00:00Z")),
        ("nonsense", Some("last week")),
        ("missing", None),
        ("old", Some("2020-01-01T00:00:00Z")),
        ("newer", Some("2021-01-01T00:00:00Z")),
        ("newest", Some("2022-01-01T00:00:00Z")),
    ];
    for (tag, created) in created {
        let image = Artifact::image(tag).layers(1, 100);
        let image = match created {
            Some(created) => image.created(created).build(),
            None => image.build(),
        };
        pusher.push("app", tag, &image).await;
    }
    let mut desk = Desk::at(&registry);
    for keep in ["{mostRecentlyPushedCount: 2}", "{createdWithin: 1d, mostRecentlyPushedCount: 2}"] {
        let policies = rules(&format!(
            "[{{name: two, repositories: {{include: [app]}}, tags: {{include: ['*']}}, keep: {keep}}}]"
        ));
        let plan = desk.plan(&policies).await.unwrap();
        assert_eq!(condemned(&plan, "app"), set(["old"]), "{keep}");
        for unknown in ["reproducible", "year-one", "future", "nonsense", "missing"] {
            assert_eq!(reason(&plan, "app", unknown), "AgeUnknown");
        }
    }
    let policies = rules(
        "[{name: two, repositories: {include: [app]}, tags: {include: ['*']}, keep: {mostRecentlyPushedCount: 2}}]",
    );
    assert!(desk.prune(&policies).await.unwrap().is_complete());
    assert_eq!(registry.pusher().tags("app").await.unwrap().len(), 7);
    assert_eq!(desk.verify().await.findings, []);
}

async fn an_index_is_as_young_as_its_youngest_child(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    let image = |seed: &str, created: &str| Artifact::image(seed).created(created).layers(1, 100).build();
    let attestation = Artifact::image("attestation").layers(1, 100).build();
    let young = Artifact::index([image("a", "2020-01-01T00:00:00Z"), image("b", "2023-01-01T00:00:00Z"), attestation]);
    let annotated = Artifact::index([image("c", "2024-01-01T00:00:00Z")])
        .annotated("org.opencontainers.image.created", "2020-06-01T00:00:00Z");
    pusher.push("app", "young", &young).await;
    pusher.push("app", "annotated", &annotated).await;
    pusher.push("app", "single", &image("d", "2022-01-01T00:00:00Z")).await;
    let policies = rules(
        "[{name: one, repositories: {include: [app]}, tags: {include: ['*']}, keep: {mostRecentlyPushedCount: 1}}]",
    );
    let plan = Desk::at(&registry).plan(&policies).await.unwrap();
    assert_eq!(condemned(&plan, "app"), set(["annotated", "single"]));
}

async fn nothing_young_goes(version: Version) {
    let registry = Registry::start(version).await;
    registry
        .pusher()
        .push("app", "pr-1", &Artifact::image("x").created("2020-01-01T00:00:00Z").layers(1, 9).build())
        .await;
    registry
        .pusher()
        .push("app", "v1", &Artifact::image("y").created("2020-01-01T00:00:00Z").layers(1, 9).build())
        .await;
    let policies = resource(
        "{minimumAge: 24h, inUse: {scope: None}}",
        "{maxDeletePercent: 100}",
        "[{name: pr, repositories: {include: [app]}, tags: {include: ['pr-*']}, action: Delete}]",
    );
    let mut desk = Desk::at(&registry);
    assert_eq!(reason(&desk.plan(&policies).await.unwrap(), "app", "pr-1"), "TooYoung");
    desk.memory.learn(&desk.observe(&policies).await.unwrap(), desk.now);
    desk.now += jiff::SignedDuration::from_hours(23);
    assert_eq!(reason(&desk.plan(&policies).await.unwrap(), "app", "pr-1"), "TooYoung");
    desk.now += jiff::SignedDuration::from_hours(1);
    assert_eq!(reason(&desk.plan(&policies).await.unwrap(), "app", "pr-1"), "DeleteAction");
    assert_eq!(desk.prune(&policies).await.unwrap().deleted_tags, 1);
}
