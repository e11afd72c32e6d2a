//! Proves the harness itself: what other tests build on must be true of the real registries.

mod logins;
mod relay;

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;

use crate::support::{Artifact, Registry, Tmpfs, Version, both_versions, fill, push_history, push_many, release};

fn image(seed: &str) -> Artifact {
    Artifact::image(seed).created("2026-01-01T00:00:00Z").layers(2, 500).build()
}

both_versions![
    every_kind_of_artifact_is_pushed_and_whole,
    damage_in_the_store_is_seen,
    deletes_can_be_off,
    read_only_refuses_writes_and_ends_with_a_restart,
    a_registry_keeps_address_and_store_when_it_is_killed,
    collection_frees_what_was_deleted,
    a_cache_serves_what_its_upstream_has,
    a_full_disk_refuses_a_push_and_keeps_what_was_confirmed,
    histories_are_pushed
];

async fn every_kind_of_artifact_is_pushed_and_whole(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    assert_eq!(pusher.tags("a/b").await, None);

    let (amd64, arm64) = (image("amd64"), Artifact::image("arm64").platform("arm64").layer("arm64").build());
    let index = Artifact::index([amd64.clone(), arm64]);
    let nested = Artifact::index([index.clone(), image("beside")]);
    let docker = Artifact::image("docker").docker().layers(1, 500).build();
    let list = Artifact::docker_list([docker.clone()]);
    let signature = Artifact::attachment(&amd64, "application/vnd.example.signature");
    let tagged = [
        ("image".to_owned(), amd64.clone()),
        ("index".to_owned(), index),
        ("nested".to_owned(), nested),
        ("docker".to_owned(), docker),
        ("list".to_owned(), list),
        (amd64.cosign_tag("sig"), signature.clone()),
        (amd64.fallback_tag(), Artifact::index([signature])),
    ];
    for (tag, artifact) in &tagged {
        assert_eq!(pusher.push("a/b", tag, artifact).await, artifact.digest());
        assert_eq!(pusher.digest_of("a/b", tag).await, Some(artifact.digest()), "{tag}");
        assert_eq!(pusher.is_whole("a/b", tag).await, Ok(()));
    }
    assert_eq!(pusher.tag("a/b", "index", "alias").await, tagged[1].1.digest());
    let mut expected: Vec<_> = tagged.iter().map(|(tag, _)| tag.clone()).chain(["alias".to_owned()]).collect();
    expected.sort();
    assert_eq!(pusher.tags("a/b").await, Some(expected));
    assert_eq!(pusher.digest_of("a/b", "absent").await, None);
}

async fn damage_in_the_store_is_seen(version: Version) {
    let registry = Registry::start(version).await;
    let (pusher, store) = (registry.pusher(), registry.store());
    let images: Vec<_> = (0..5).map(|n| image(&format!("image {n}"))).collect();
    for (n, image) in images.iter().enumerate() {
        pusher.push("a", &format!("v{n}"), image).await;
    }
    let index = Artifact::index([images[0].clone()]);
    pusher.push("a", "index", &index).await;
    assert_eq!(store.blobs().len(), 5 * 4 + 1);
    assert!(store.blobs().contains(&images[0].digest()));
    assert!(store.bytes() > 5 * 1000);

    store.remove_blob(&images[0].blob_digests()[1]);
    assert!(pusher.is_whole("a", "v0").await.is_err());
    assert!(pusher.is_whole("a", "index").await.is_err(), "the damage is in a child");
    store.truncate_blob(&images[1].digest());
    assert!(pusher.is_whole("a", "v1").await.is_err());
    store.truncate_blob(&images[2].blob_digests()[2]);
    assert!(pusher.is_whole("a", "v2").await.is_err());
    store.remove_revision("a", &images[3].digest());
    assert_eq!(pusher.digest_of("a", "v3").await, None);
    assert!(pusher.tags("a").await.unwrap().contains(&"v3".to_owned()), "it dangles");
    store.empty_tag_link("a", "v4");
    assert!(pusher.manifest("a", "v4").await.is_err());
    store.empty_revision_link("a", &index.digest());
    assert!(registry.try_garbage_collect(&["--dry-run"]).await.is_err());

    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    store.set_push_time("a", "v0", time);
    assert_eq!(store.tag_link("a", "v0").metadata().unwrap().modified().unwrap(), time);
    assert!(store.root().ends_with("docker/registry/v2"));
    assert!(store.layer_link("a", &images[0].blob_digests()[1]).is_file());
}

async fn deletes_can_be_off(version: Version) {
    let registry = Registry::builder(version).deletes(false).start().await;
    let digest = registry.pusher().push("a", "v1", &image("v1")).await;
    assert_eq!(registry.pusher().delete("a", digest.as_str()).await, StatusCode::METHOD_NOT_ALLOWED);
    registry.restart_as(|it| it.deletes(true)).await;
    assert_eq!(registry.pusher().delete("a", digest.as_str()).await, StatusCode::ACCEPTED);
}

async fn read_only_refuses_writes_and_ends_with_a_restart(version: Version) {
    let registry = Registry::builder(version).read_only(true).start().await;
    let refused = registry.pusher().try_push("a", "v1", &image("v1")).await.unwrap_err();
    assert_eq!(refused.status, Some(StatusCode::METHOD_NOT_ALLOWED));
    registry.restart_as(|it| it.read_only(false)).await;
    registry.pusher().push("a", "v1", &image("v1")).await;
    registry.restart_as(|it| it.read_only(true)).await;
    assert_eq!(registry.pusher().is_whole("a", "v1").await, Ok(()));
}

async fn a_registry_keeps_address_and_store_when_it_is_killed(version: Version) {
    let registry = Registry::start(version).await;
    let (pusher, url) = (registry.pusher(), registry.url().to_owned());
    pusher.push("a", "v1", &image("v1")).await;
    registry.kill();
    assert!(pusher.manifest("a", "v1").await.is_err_and(|refused| refused.status.is_none()));
    registry.restart().await;
    assert_eq!(registry.url(), url);
    assert_eq!(pusher.is_whole("a", "v1").await, Ok(()));
}

async fn collection_frees_what_was_deleted(version: Version) {
    let registry = Registry::builder(version).descriptor_cache().start().await;
    let (pusher, store) = (registry.pusher(), registry.store());
    let (kept, deleted) = (image("kept"), image("deleted"));
    pusher.push("a", "kept", &kept).await;
    pusher.push("a", "deleted", &deleted).await;
    assert_eq!(pusher.delete("a", deleted.digest().as_str()).await, StatusCode::ACCEPTED);

    let before = (store.blobs(), store.bytes());
    let plan = registry.try_garbage_collect(&["--dry-run"]).await.unwrap();
    assert_eq!((plan.marked, plan.eligible.len(), plan.manifests), (4, 4, 0));
    assert_eq!((store.blobs(), store.bytes()), before);

    let done = registry.garbage_collect().await;
    assert_eq!(done.eligible, plan.eligible);
    assert!(done.output.contains("Deleting blob") && !plan.output.contains("Deleting blob"));
    assert_eq!(store.blobs().len(), 4);
    assert!(store.bytes() < before.1);
    assert!(pusher.is_whole("a", deleted.digest().as_str()).await.is_err());
    registry.restart().await;
    assert_eq!(pusher.is_whole("a", "kept").await, Ok(()));
    assert!(registry.try_garbage_collect(&["--no-such-flag"]).await.is_err(), "though its exit code is 0");
}

async fn a_cache_serves_what_its_upstream_has(version: Version) {
    let upstream = Registry::start(version).await;
    upstream.pusher().push("a", "v1", &image("v1")).await;
    let cache = Registry::builder(version).cache_of(&upstream).start().await;
    assert_eq!(cache.pusher().is_whole("a", "v1").await, Ok(()));
    let refused = cache.pusher().try_push("a", "v2", &image("v2")).await.unwrap_err();
    assert_eq!(refused.status, Some(StatusCode::METHOD_NOT_ALLOWED));
}

async fn a_full_disk_refuses_a_push_and_keeps_what_was_confirmed(version: Version) {
    let tmpfs = Tmpfs::mount(600);
    let registry = Registry::builder(version).store_in(tmpfs.path()).start().await;
    let filled = fill(&registry.pusher(), "a", 20_000).await;
    assert!(filled.refused.status.is_some_and(|status| status.is_server_error()), "{}", filled.refused);
    assert!(filled.confirmed.len() > 5, "{} images", filled.confirmed.len());
    for (tag, digest) in &filled.confirmed {
        assert_eq!(registry.pusher().digest_of("a", tag).await.as_ref(), Some(digest));
        assert_eq!(registry.pusher().is_whole("a", tag).await, Ok(()));
    }
}

async fn histories_are_pushed(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    push_history(&pusher).await;
    assert_eq!(pusher.tags("i5").await.unwrap().len(), 52);
    assert_eq!(pusher.digest_of("i3", "T17").await, Some(release("i3", 17).digest()));
    assert_eq!(pusher.is_whole("i3", "T17").await, Ok(()));
    // By image a manifest, a config and a layer; a base layer; a layer for each four.
    assert_eq!(registry.store().blobs().len(), 5 * (52 * 3 + 1 + 13));

    push_many(&pusher, "many", 1_300).await;
    assert_eq!(pusher.tags("many").await.unwrap().len(), 1_300);
    assert_eq!(pusher.is_whole("many", "T1300").await, Ok(()));
}

/// An index whose children are missing can be pushed to 3.1; 2.8 has no setting for it.
#[tokio::test]
async fn sparse_indexes_are_accepted_where_they_are_allowed() {
    let index = Artifact::index([image("absent")]);
    for (registry, accepted) in [
        (Registry::builder(Version::V3_1).sparse_indexes().start().await, true),
        (Registry::start(Version::V3_1).await, false),
        (Registry::start(Version::V2_8).await, false),
    ] {
        let put = registry.pusher().put_manifest("a", "sparse", index.media_type, index.bytes()).await;
        assert_eq!(put.is_ok(), accepted, "{put:?}");
    }
}

/// An abandoned upload stays in the storage; a second one of the same bytes is a blob all the same.
#[tokio::test]
async fn uploads_can_be_left_open() {
    let registry = Registry::start(Version::V2_8).await;
    registry.pusher().begin_upload("a").await.unwrap();
    let uploads = registry.store().repository("a").join("_uploads");
    assert_eq!(uploads.read_dir().unwrap().count(), 1);
    let digest = registry.pusher().upload("a", b"blob").await.unwrap();
    assert_eq!(registry.pusher().blob("a", &digest).await.unwrap(), b"blob");
    assert_eq!(uploads.read_dir().unwrap().count(), 1);
    assert!(registry.log().contains("listening on"));
    assert!(registry.config_path().is_file() && registry.host().starts_with("127.0.0.1:"));
}
