//! With the registry's storage read beside it: what the API cannot tell.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use registry_retention::oci::{Digest, Manifest};
use registry_retention::registry::Access;
use registry_retention::retention::{Inventory, Policy, Repository};

use crate::desk::{Desk, condemned, reason, resource, rules, set};
use crate::storage::inventory;
use crate::support::{Artifact, ObjectServer, Pusher, Registry, Relay, Store, Version, both_versions};

both_versions![
    what_was_built_in_1970_and_pushed_yesterday_stays,
    each_manifest_is_read_once_and_no_tag_asked_for,
    what_a_moved_tag_left_goes_and_every_byte_of_it_comes_back,
];

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Makes a tag and its manifest look as if they had been pushed so many days ago.
fn pushed_days_ago(store: &Store, repository: &str, tag: &str, digest: &Digest, days: u32) {
    store.set_push_time(repository, tag, SystemTime::now() - DAY * days);
    revision_days_ago(store, repository, digest, days);
}

fn revision_days_ago(store: &Store, repository: &str, digest: &Digest, days: u32) {
    store.set_revision_time(repository, digest, SystemTime::now() - DAY * days);
}

/// At `registry`, with its storage read just now.
async fn desk(registry: &Registry) -> Desk {
    let store = inventory(registry).await;
    Desk { store: Some(store.into()), now: jiff::Timestamp::now(), ..Desk::at(registry) }
}

async fn what_was_built_in_1970_and_pushed_yesterday_stays(version: Version) {
    let registry = Registry::start(version).await;
    let (pusher, store) = (registry.pusher(), registry.store());
    for (days, tag) in [(1, "yesterday"), (20, "lately"), (40, "long-ago"), (400, "longer-ago")] {
        let created = if tag == "yesterday" { "1970-01-01T00:00:00Z" } else { "2026-06-01T00:00:00Z" };
        let digest = pusher.push("app", tag, &Artifact::image(tag).created(created).build()).await;
        pushed_days_ago(&store, "app", tag, &digest, days);
    }
    let policies =
        rules("[{name: a, repositories: {include: [app]}, tags: {include: ['*']}, keep: {pushedWithin: 30d}}]");
    let mut desk = desk(&registry).await;
    // It came since, and its time cannot be known.
    pusher.tag("app", "lately", "since").await;
    let plan = desk.plan(&policies).await.unwrap();
    assert_eq!(condemned(&plan, "app"), set(["long-ago", "longer-ago"]));
    assert_eq!(reason(&plan, "app", "yesterday"), "KeptByRule");
    assert_eq!(reason(&plan, "app", "since"), "NewerThanInventory");
    let report = desk.prune(&policies).await.unwrap();
    assert!(report.is_complete(), "{report:?}");
    for tag in ["yesterday", "lately", "since"] {
        assert_eq!(pusher.is_whole("app", tag).await, Ok(()), "{tag}");
    }
    assert!(!pusher.tags("app").await.unwrap().contains(&"longer-ago".to_owned()));
}

/// Three tags of each image, of which every other one has two platforms.
async fn each_manifest_is_read_once_and_no_tag_asked_for(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    let mut manifests = 0;
    for n in 0..10 {
        let image = |platform: &str| Artifact::image(format!("{n}{platform}")).build();
        let artifact = if n % 2 == 0 { image("") } else { Artifact::index([image("a"), image("b")]) };
        manifests += if n % 2 == 0 { 1 } else { 3 };
        for tag in [format!("a{n}"), format!("b{n}"), format!("c{n}")] {
            pusher.push("app", &tag, &artifact).await;
        }
    }
    let relay = Relay::start(&registry).await;
    let (files, store) = (registry.store(), inventory(&registry).await);
    let mut desk = Desk { store: Some(store.into()), ..Desk::at_url(relay.url(), Access::default()) };
    let policies = rules(
        "[{name: a, repositories: {include: [app]}, tags: {include: ['*']}, keep: {mostRecentlyPushedCount: 3}}]",
    );
    desk.plan(&policies).await.unwrap();
    let lines = relay.lines();
    let reads = lines.iter().filter(|line| line.starts_with("GET") && line.contains("/manifests/"));
    assert!(reads.clone().all(|line| line.contains("/manifests/sha256:")), "{lines:#?}");
    assert_eq!(reads.count(), manifests);
    assert!(!lines.iter().any(|line| line.contains("/blobs/")), "no age needs a config");

    // What was read is remembered, as long as the storage shows that it is there.
    let seen = desk.observe(&policies).await.unwrap();
    desk.memory.remember(&policies, &seen, &[].into(), true, desk.now);
    desk.memory.remember_manifests(&seen);
    let new = pusher.push("app", "new", &Artifact::image("new").build()).await;
    let gone = Artifact::image("0").build().digest();
    files.remove_revision("app", &gone);
    desk.store = Some(inventory(&registry).await.into());
    let before = relay.lines().len();
    let again = desk.observe(&policies).await.unwrap();
    let lines = relay.lines().split_off(before);
    let asked =
        lines.iter().filter(|line| line.starts_with("GET")).filter_map(|line| line.split_once("/manifests/sha256:"));
    let asked: BTreeSet<&str> = asked.map(|(_, hex)| hex).collect();
    assert_eq!(asked, BTreeSet::from([new.parts().1, gone.parts().1]), "{lines:#?}");
    let read = |inventory: &Inventory| -> BTreeMap<Digest, Manifest> {
        let all = inventory.repositories.values().flat_map(Repository::read);
        let both = all.filter(|(digest, _)| **digest != new && **digest != gone);
        both.map(|(digest, manifest)| (digest.clone(), manifest.clone())).collect()
    };
    assert_eq!(read(&again), read(&seen));
}

fn untagged_after_a_week() -> Vec<Policy> {
    let rules = "[{name: a, repositories: {include: [app, web]}, tags: {include: ['*']}, keep: {pushedWithin: 30d}}]\n  \
                 untagged: {olderThan: 7d}";
    resource("{tags: [], minimumAge: 1h, inUse: {scope: None}}", "{maxDeletePercent: 100}", rules)
}

/// `latest` moved three times, an index goes with its children, layers are shared with what stays and with a repository
/// that no rule reaches, and there was garbage before.
async fn what_a_moved_tag_left_goes_and_every_byte_of_it_comes_back(version: Version) {
    let registry = Registry::start(version).await;
    let (pusher, store) = (registry.pusher(), registry.store());
    let image = |seed: &str| Artifact::image(seed).layer(format!("base of {}", seed.len())).layers(1, 3_000).build();
    for (days, seed) in [(50, "one"), (40, "two"), (3, "three"), (2, "four!")] {
        let digest = pusher.push("app", "latest", &image(seed)).await;
        pushed_days_ago(&store, "app", "latest", &digest, days);
    }
    for (repository, days) in [("app", 60), ("web", 70)] {
        let children = [image("arm"), image("amd"), image("shared")];
        let index = Artifact::index(children.clone());
        let digest = pusher.push(repository, "multi", &index).await;
        pushed_days_ago(&store, repository, "multi", &digest, days);
        for (number, child) in (1..).zip(&children) {
            revision_days_ago(&store, repository, &child.digest(), days + number);
        }
    }
    let kept = Artifact::index([image("shared"), image("new")]);
    pushed_days_ago(&store, "app", "kept", &pusher.push("app", "kept", &kept).await, 20);
    revision_days_ago(&store, "app", &image("shared").digest(), 19);
    revision_days_ago(&store, "app", &image("new").digest(), 21);
    pusher.push("elsewhere", "v1", &image("two")).await;
    pusher.push_untagged("elsewhere", &image("amd")).await;
    garbage(&pusher).await;

    let mut desk = desk(&registry).await;
    let policies = untagged_after_a_week();
    let plan = desk.plan(&policies).await.unwrap();
    assert_eq!(condemned(&plan, "app"), set(["multi"]));
    let verdict = |artifact: &Artifact| {
        let found = plan.untagged().find(|(name, it)| name.as_str() == "app" && it.digest == artifact.digest());
        found.map(|(_, it)| it.verdict.code())
    };
    assert_eq!(verdict(&image("one")), Some("Untagged"));
    assert_eq!(verdict(&image("two")), Some("Untagged"));
    assert_eq!(verdict(&image("three")), Some("TooYoung"));
    assert_eq!(verdict(&image("four!")), None, "latest is at it");
    assert_eq!(verdict(&image("arm")), Some("ChildOfDeletedIndex"));
    assert_eq!(verdict(&image("shared")), Some("ChildOfKeptIndex"));
    let collected = plan.collected.clone().expect("the storage was read");
    assert!(collected.is_exact && collected.unreferenced_bytes >= 5_000, "{collected:?}");
    assert_eq!(collected.total_bytes, plan.reclaimable_bytes + collected.unreferenced_bytes);
    let by_repository: u64 = plan.repositories.iter().map(|it| it.reclaimable_bytes).sum();
    assert_eq!(plan.reclaimable_bytes, by_repository);

    let report = desk.prune(&policies).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
    assert!(desk.journal.0.is_empty());
    let before = store.blob_bytes();
    registry.garbage_collect().await;
    assert_eq!(before - store.blob_bytes(), collected.total_bytes, "to the byte");
    registry.restart().await;
    assert_eq!(desk.verify().await.findings, []);
    for (repository, tag) in [("app", "latest"), ("app", "kept"), ("elsewhere", "v1")] {
        assert_eq!(pusher.is_whole(repository, tag).await, Ok(()), "{repository}:{tag}");
    }
}

/// A blob that no manifest names.
async fn garbage(pusher: &Pusher) {
    pusher.upload("app", &[7; 5_000]).await.expect("an upload");
}

/// 3.1.1 on S3 lists neither `v1-alpine` nor `v1-alpine3`. What they are at stays, whoever else was at it goes; and whatever
/// only condemned tags are at goes, hidden or not.
#[tokio::test(flavor = "multi_thread")]
async fn what_hidden_tags_are_at_stays() {
    let server = ObjectServer::s3(&["images"]).await;
    let registry = Registry::builder(Version::V3_1).hiding_tags().bucket(&server, "images", "").start().await;
    let pusher = registry.pusher();
    for tag in ["latest", "v1", "v1-alpine", "v1-alpine3", "v1.2", "v1.2-alpine", "v2"] {
        pusher.push("app", tag, &Artifact::image(tag).build()).await;
    }
    pusher.tag("app", "v1-alpine3", "alias").await;
    let index = Artifact::index([Artifact::image("v2").build(), Artifact::image("v1-alpine").build()]);
    pusher.push("app", "v3", &index).await;
    let listed = pusher.tags("app").await.unwrap();
    assert!(!listed.contains(&"v1-alpine3".to_owned()), "it is hidden: {listed:?}");

    let store = crate::storage::buckets::inventory(&server, &registry).await;
    let mut desk = Desk { store: Some(store.into()), now: jiff::Timestamp::now(), ..Desk::at(&registry) };
    let policies =
        rules("[{name: a, repositories: {include: [app]}, tags: {include: [alias, v2, v3]}, action: Delete}]");
    let report = desk.prune(&policies).await.unwrap();
    assert!(report.is_complete(), "{report:?}");
    for tag in ["latest", "v1", "v1-alpine", "v1-alpine3", "v1.2", "v1.2-alpine"] {
        assert_eq!(pusher.is_whole("app", tag).await, Ok(()), "{tag}");
    }
    for gone in [index, Artifact::image("v2").build()] {
        assert!(pusher.manifest("app", gone.digest().as_str()).await.is_err(), "{}", gone.digest());
    }
    assert_eq!(pusher.digest_of("app", "alias").await, None);
}
