//! Exactly the named tags go, from exactly the named repositories.

use std::collections::BTreeSet;

use crate::desk::{Desk, condemned, rules, set};
use crate::support::{REPOSITORIES, Registry, TAGS, Version, both_versions, push_history};

both_versions![exactly_three_tags_of_five_repositories, all_but_the_latest, older_than_thirty_days];

async fn tags(registry: &Registry, repository: &str) -> BTreeSet<String> {
    registry.pusher().tags(repository).await.unwrap_or_default().into_iter().collect()
}

fn all() -> BTreeSet<String> {
    (1..=TAGS).map(|week| format!("T{week}")).collect()
}

/// After a prune: exactly `left` is listed in each repository, all of it is whole before and after a collection, and the
/// collection gave back space.
async fn exactly_is_left(registry: &Registry, left: &BTreeSet<String>) {
    let pusher = registry.pusher();
    let before = registry.store().bytes();
    registry.garbage_collect().await;
    assert!(registry.store().bytes() < before, "space came back");
    registry.restart().await;
    for repository in REPOSITORIES {
        assert_eq!(tags(registry, repository).await, *left, "{repository}");
        for tag in left {
            assert_eq!(pusher.is_whole(repository, tag).await, Ok(()), "{repository}:{tag}");
        }
    }
}

async fn exactly_three_tags_of_five_repositories(version: Version) {
    let registry = Registry::start(version).await;
    push_history(&registry.pusher()).await;
    push_history_elsewhere(&registry).await;
    let mut desk = Desk::at(&registry);
    let policies = rules(
        "[{name: withdrawn, repositories: {include: [i1, i2, i3, i4, i5]}, tags: {include: [T12, T22, T52]}, action: Delete}]",
    );

    let plan = desk.plan(&policies).await.unwrap();
    let three = set(["T12", "T22", "T52"]);
    for repository in REPOSITORIES {
        assert_eq!(condemned(&plan, repository), three);
    }
    assert_eq!(plan.totals().condemned, 15);
    let bytes = plan.reclaimable_bytes;
    let before = registry.store().bytes();

    let report = desk.prune(&policies).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
    assert_eq!((report.deleted_tags, report.deleted_manifests), (15, 15));
    assert!(desk.journal.0.is_empty());

    exactly_is_left(&registry, &all().difference(&three).cloned().collect()).await;
    assert_eq!(tags(&registry, "elsewhere").await, set(["T12", "T22"]));
    assert_eq!(desk.verify().await.findings, []);
    assert!(before - registry.store().bytes() >= bytes, "what was promised came back");

    let again = desk.prune(&policies).await.unwrap();
    assert_eq!((again.deleted_tags, again.deleted_manifests), (0, 0));
}

async fn push_history_elsewhere(registry: &Registry) {
    for week in [12, 22] {
        registry.pusher().push("elsewhere", &format!("T{week}"), &crate::support::release("elsewhere", week)).await;
    }
}

async fn all_but_the_latest(version: Version) {
    let registry = Registry::start(version).await;
    push_history(&registry.pusher()).await;
    let mut desk = Desk::at(&registry);
    desk.now = "2027-01-15T00:00:00Z".parse().unwrap();
    let policies = rules(
        "[{name: latest, repositories: {include: ['*']}, tags: {include: ['T*']}, keep: {mostRecentlyPushedCount: 1}}]",
    );
    let report = desk.prune(&policies).await.unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.deleted_tags, 5 * 51);
    exactly_is_left(&registry, &set(["T52"])).await;
}

async fn older_than_thirty_days(version: Version) {
    let registry = Registry::start(version).await;
    push_history(&registry.pusher()).await;
    let mut desk = Desk::at(&registry);
    // Two days after week 40: weeks 36 to 40 are within 30 days, the later ones lie in the future and are not believed.
    let week_40: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    desk.now = week_40 + jiff::SignedDuration::from_hours((40 * 7 + 2) * 24);
    let policies =
        rules("[{name: month, repositories: {include: ['i?']}, tags: {include: ['*']}, keep: {createdWithin: 30d}}]");
    let plan = desk.plan(&policies).await.unwrap();
    let old: BTreeSet<String> = (1..=35).map(|week| format!("T{week}")).collect();
    assert_eq!(condemned(&plan, "i3"), old);
    let report = desk.prune(&policies).await.unwrap();
    assert!(report.is_complete(), "{report:?}");
    exactly_is_left(&registry, &all().difference(&old).cloned().collect()).await;
}
