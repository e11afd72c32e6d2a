use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use registry_retention::collection::garbage::{Deleted, Outcome, StaleUploads};
use registry_retention::retention::Policy;

use super::{Beside, COLLECT, image};
use crate::desk::{Desk, resource};
use crate::storage::inventory;
use crate::support::{Artifact, ObjectServer, Registry, Tmpfs, Version, both_versions, fill};

both_versions![
    a_collection_frees_exactly_what_was_predicted,
    stale_uploads_go_and_others_stay,
    a_full_disk_is_collected,
    links_that_a_full_disk_left_are_mended,
    a_bucket_is_collected,
];

fn old_goes() -> Vec<Policy> {
    let rules = "[{name: old, repositories: {include: [app, web]}, tags: {include: ['old*']}, action: Delete}]";
    resource("{tags: [], minimumAge: 0h, inUse: {scope: None}}", "{maxDeletePercent: 100}", rules)
}

/// Indexes in indexes, signatures by tag and by subject, layers that are shared within and across repositories, and
/// garbage from before.
async fn a_collection_frees_exactly_what_was_predicted(version: Version) {
    let registry = Registry::builder(version).descriptor_cache().start().await;
    let (pusher, store) = (registry.pusher(), registry.store());
    let nested = Artifact::index([Artifact::index([image("arm"), image("amd")]), image("beside")]);
    let signed = image("signed");
    let signature = Artifact::attachment(&signed, "application/vnd.example.signature");
    let kept = [
        ("app", "nested".to_owned(), nested.clone()),
        ("app", "signed".to_owned(), signed.clone()),
        ("app", signed.cosign_tag("sig"), signature.clone()),
        ("app", signed.fallback_tag(), Artifact::index([signature])),
        ("web", "docker".to_owned(), Artifact::docker_list([Artifact::image("d").docker().layers(1, 400).build()])),
        ("other/deep", "v1".to_owned(), image("old 1")),
    ];
    for (repository, tag, artifact) in &kept {
        pusher.push(repository, tag, artifact).await;
    }
    let untagged = Artifact::attachment(&nested, "application/vnd.example.proof");
    pusher.push_untagged("app", &untagged).await;
    for n in 0..4 {
        pusher.push("app", &format!("old-{n}"), &image(&format!("old {n}"))).await;
    }
    pusher.push("web", "old", &Artifact::index([image("amd"), image("old arm")])).await;
    pusher.upload("app", &[7; 5_000]).await.expect("an upload");

    let mut desk = Desk { store: Some(inventory(&registry).await.into()), ..Desk::at(&registry) };
    let plan = desk.plan(&old_goes()).await.unwrap();
    let collected = plan.collected.clone().expect("the storage was read");
    assert!(collected.is_exact && collected.total_bytes > 10_000, "{collected:?}");
    let report = desk.prune(&old_goes()).await.unwrap();
    assert!(report.is_complete(), "{report:?}");

    let beside = Beside::of(&registry, version);
    let preview = beside.run(&["--dry-run"]).await.is(Outcome::Previewed, "Previewed");
    assert_eq!((preview.code, preview.account.predicted.unwrap().bytes), (Some(0), collected.total_bytes));
    registry.restart_as(|it| it.read_only(true)).await;
    let before = (store.blobs(), store.blob_bytes());
    let ended = beside.run(&[COLLECT, "--verify", "Content"]).await.is(Outcome::Collected, "Collected");
    assert_eq!(ended.code, Some(0), "{}", ended.said);
    let gone = Deleted {
        manifests: 0,
        blobs: (before.0.len() - store.blobs().len()) as u64,
        bytes: before.1 - store.blob_bytes(),
    };
    assert_eq!((ended.account.deleted, ended.account.predicted), (Some(gone), Some(gone)), "{}", ended.said);
    assert_eq!(gone.bytes, collected.total_bytes, "to the byte");
    let stays = ended.account.stays.unwrap();
    assert_eq!((stays.tags, stays.dangling_tags, stays.broken_tags), (kept.len() as u64, 0, 0));
    assert!(ended.said.contains("all that is kept is whole") && !ended.said.contains("sha256:"), "{}", ended.said);

    let by_hand = tokio::process::Command::new(env!("CARGO_BIN_EXE_registry-retention"))
        .args(["collector", "--dry-run", "-q", "--configuration"])
        .arg(registry.config_path())
        .arg("--executable")
        .arg(version.executable())
        .output();
    let by_hand = String::from_utf8(by_hand.await.unwrap().stdout).unwrap();
    assert!(by_hand.contains("unneeded:   0 blobs of 0 B") && by_hand.contains("would take: "), "{by_hand}");
    let again = beside.run(&[COLLECT]).await.is(Outcome::Collected, "NothingToDelete");
    assert_eq!(again.account.deleted, Some(Deleted::default()));
    registry.restart_as(|it| it.read_only(false)).await;
    for (repository, tag, _) in &kept {
        assert_eq!(pusher.is_whole(repository, tag).await, Ok(()), "{repository}:{tag}");
    }
    assert_eq!(pusher.is_whole("app", untagged.digest().as_str()).await, Ok(()));
    pusher.push("app", "old-0", &image("old 0")).await;
    assert_eq!(pusher.is_whole("app", "old-0").await, Ok(()));
}

async fn stale_uploads_go_and_others_stay(version: Version) {
    let registry = Registry::start(version).await;
    let (pusher, store) = (registry.pusher(), registry.store());
    pusher.push("app", "v1", &image("v1")).await;
    for _ in 0..3 {
        pusher.begin_upload("app").await.unwrap();
    }
    registry.restart_as(|it| it.read_only(true)).await;
    let uploads = store.repository("app").join("_uploads");
    let folders: Vec<_> = fs::read_dir(&uploads).unwrap().map(|entry| entry.unwrap().path()).collect();
    let days_ago = |days: u32| SystemTime::now() - Duration::from_secs(24 * 3600) * days;
    // One is old; of another the folder is, but what was written to it is not.
    fs::write(folders[0].join("data"), [1; 3_000]).unwrap();
    make_older(&folders[0], days_ago(3));
    make_older(&folders[1], days_ago(3));
    fs::File::open(folders[1].join("startedat")).unwrap().set_modified(days_ago(0)).unwrap();
    let beside = Beside::of(&registry, version);
    beside.run(&[COLLECT]).await.is(Outcome::Collected, "NothingToDelete");
    assert_eq!(fs::read_dir(&uploads).unwrap().count(), 3, "nobody asked for it");
    let ended = beside.run(&[COLLECT, "--stale-uploads-older-than", "24h"]).await;
    let ended = ended.is(Outcome::Collected, "NothingToDelete");
    let removed = ended.account.stale_uploads.unwrap();
    assert!(matches!(removed, StaleUploads { removed: 1, bytes: 3_000.., left: 0 }), "{removed:?}");
    assert!(!folders[0].exists() && folders[1].exists() && folders[2].exists());
}

/// All that is in a folder, and itself.
fn make_older(path: &Path, time: SystemTime) {
    for entry in fs::read_dir(path).into_iter().flatten() {
        make_older(&entry.unwrap().path(), time);
    }
    fs::File::open(path).unwrap().set_modified(time).unwrap();
}

/// Every byte is taken, and everything else is deleted through the API.
async fn a_full_disk_is_collected(version: Version) {
    let tmpfs = Tmpfs::mount(1_000);
    let registry = Registry::builder(version).store_in(tmpfs.path()).start().await;
    let pusher = registry.pusher();
    let mut confirmed = fill(&pusher, "app", 20_000).await.confirmed;
    let small = fill(&pusher, "small", 10).await.confirmed;
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    for (n, (tag, digest)) in confirmed.drain(..).enumerate() {
        if n % 3 == 0 { kept.push(tag) } else { gone.push(digest) }
    }
    for digest in &gone {
        assert!(pusher.delete("app", digest.as_str()).await.is_success());
    }
    registry.restart_as(|it| it.read_only(true)).await;
    let beside = Beside::of(&registry, version);
    let ended = beside.run(&[COLLECT, "--verify", "Content"]).await.is(Outcome::Collected, "Collected");
    let free = ended.account.free.unwrap();
    assert!(free.after > free.before + gone.len() as u64 * 20_000, "{free:?} after {} images", gone.len());
    registry.restart_as(|it| it.read_only(false)).await;
    for tag in kept {
        assert_eq!(pusher.is_whole("app", &tag).await, Ok(()), "{tag}");
    }
    for (tag, digest) in small {
        assert_eq!(pusher.digest_of("small", &tag).await, Some(digest), "{tag}");
        assert_eq!(pusher.is_whole("small", &tag).await, Ok(()), "{tag}");
    }
    pusher.push("app", "new", &image("new")).await;
    drop(registry);
}

async fn a_bucket_is_collected(version: Version) {
    let server = ObjectServer::s3(&["images"]).await;
    let registry = Registry::builder(version).bucket(&server, "images", "some/root").start().await;
    let pusher = registry.pusher();
    let index = Artifact::index([image("one"), image("two")]);
    pusher.push("app", "kept", &index).await;
    pusher.push("app/sub", "gone", &image("gone")).await;
    pusher.push("app/sub", "stays", &image("stays")).await;
    assert!(pusher.delete("app/sub", image("gone").digest().as_str()).await.is_success());
    registry.restart_as(|it| it.read_only(true)).await;
    let beside = Beside::of(&registry, version);
    let ended = beside.run(&[COLLECT, "--verify", "Content", "--stale-uploads-older-than", "24h"]).await;
    let ended = ended.is(Outcome::Collected, "Collected");
    let sizes: usize = image("gone").blobs.iter().map(Vec::len).sum::<usize>() + image("gone").bytes().len();
    assert_eq!(ended.account.deleted, Some(Deleted { manifests: 0, blobs: 4, bytes: sizes as u64 }), "{}", ended.said);
    assert_eq!(ended.account.free, None);
    registry.restart_as(|it| it.read_only(false)).await;
    let verified = Desk::at(&registry).verify().await;
    assert_eq!((verified.findings, verified.tags, verified.manifests), (vec![], 2, 4));
}

/// A push that was confirmed once and its repetition that failed; one that never was; and a tag whose manifest is lost.
async fn links_that_a_full_disk_left_are_mended(version: Version) {
    let registry = Registry::start(version).await;
    let (pusher, store) = (registry.pusher(), registry.store());
    for name in ["tagged", "untagged", "lost", "whole"] {
        pusher.push("app", name, &image(name)).await;
    }
    pusher.upload("app", b"garbage").await.unwrap();
    for name in ["untagged", "lost"] {
        fs::remove_dir_all(store.repository("app").join("_manifests/tags").join(name)).unwrap();
    }
    for name in ["tagged", "untagged", "lost"] {
        store.empty_revision_link("app", &image(name).digest());
    }
    store.remove_blob(&image("lost").digest());
    let sizes = |of: &Artifact| of.blobs.iter().map(|blob| blob.len() as u64).sum::<u64>();
    let gone = Deleted { manifests: 0, blobs: 4, bytes: sizes(&image("lost")) + 7 };
    let beside = Beside::of(&registry, version);
    let ended = beside.run(&["--dry-run"]).await.is(Outcome::Previewed, "Previewed");
    assert_eq!((ended.account.predicted, store.empty_links().len()), (Some(gone), 3), "{}", ended.said);
    registry.restart_as(|it| it.read_only(true)).await;
    let ended = beside.run(&[COLLECT]).await.is(Outcome::Collected, "Collected");
    assert_eq!((ended.account.mended_links, ended.account.deleted), (3, Some(gone)), "{}", ended.said);
    registry.restart_as(|it| it.read_only(false)).await;
    assert!(store.empty_links().is_empty());
    let (tagged, untagged) = (image("tagged").digest(), image("untagged").digest());
    for reference in ["whole", "tagged", tagged.as_str(), untagged.as_str()] {
        assert_eq!(pusher.is_whole("app", reference).await, Ok(()), "{reference}");
    }
    pusher.push("app", "lost", &image("lost")).await;
    assert_eq!(pusher.is_whole("app", "lost").await, Ok(()));

    // Where a tag needs it there is something to lose.
    store.empty_revision_link("app", &image("lost").digest());
    store.remove_blob(&image("lost").digest());
    registry.restart_as(|it| it.read_only(true)).await;
    let before = store.files();
    beside.run(&[COLLECT]).await.is(Outcome::Refused, "KeptDamaged").says("app:lost");
    assert_eq!(store.files(), before);
}
