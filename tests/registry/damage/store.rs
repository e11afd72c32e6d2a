//! Damage in the store.

use super::{image, newest, prunes, start};
use crate::desk::{Desk, reason};
use crate::support::{Artifact, Version, both_versions};

both_versions![
    a_truncated_manifest_keeps_its_repository,
    a_manifest_of_other_bytes_keeps_its_repository,
    a_corrupt_tag_keeps_its_repository,
    a_dangling_tag_is_reported_and_blocks_nothing,
    an_index_without_a_child_blocks_nothing,
    a_missing_config_keeps_its_image
];

async fn a_truncated_manifest_keeps_its_repository(version: Version) {
    let registry = start(version).await;
    registry.store().truncate_blob(&image("broken", 2).digest());
    let mut desk = Desk::at(&registry);
    let plan = desk.plan(&newest()).await.unwrap();
    for tag in ["v1", "v2", "v3"] {
        assert_eq!(reason(&plan, "broken", tag), "Unreadable");
    }
    prunes(&mut desk, &registry, &[]).await;
    let findings = desk.verify().await.findings;
    assert!(findings.iter().any(|it| it.repository.as_str() == "broken" && it.what == "tag v2"), "{findings:?}");
    assert_eq!(findings.len(), 1);
}

/// The bytes are a manifest, but not the one that the digest names.
async fn a_manifest_of_other_bytes_keeps_its_repository(version: Version) {
    let registry = start(version).await;
    let other = image("broken", 3).bytes();
    std::fs::write(registry.store().blob(&image("broken", 2).digest()), other).unwrap();
    let mut desk = Desk::at(&registry);
    assert_eq!(reason(&desk.plan(&newest()).await.unwrap(), "broken", "v1"), "Unreadable");
    prunes(&mut desk, &registry, &[]).await;
}

async fn a_corrupt_tag_keeps_its_repository(version: Version) {
    let registry = start(version).await;
    registry.store().empty_tag_link("broken", "v2");
    let mut desk = Desk::at(&registry);
    let plan = desk.plan(&newest()).await.unwrap();
    for tag in ["v1", "v2", "v3"] {
        assert_eq!(reason(&plan, "broken", tag), "Unreadable");
    }
    prunes(&mut desk, &registry, &[]).await;
}

async fn a_dangling_tag_is_reported_and_blocks_nothing(version: Version) {
    let registry = start(version).await;
    registry.store().remove_revision("broken", &image("broken", 2).digest());
    let mut desk = Desk::at(&registry);
    assert_eq!(reason(&desk.plan(&newest()).await.unwrap(), "broken", "v2"), "Dangling");
    prunes(&mut desk, &registry, &["v1", "v3"]).await;
    assert!(registry.store().tag_link("broken", "v2").is_file(), "it is not ours to remove");
    assert_eq!(reason(&desk.plan(&newest()).await.unwrap(), "broken", "v2"), "Dangling");
    registry.garbage_collect().await;
    registry.restart().await;
    for repository in ["broken", "sound"] {
        assert_eq!(registry.pusher().is_whole(repository, "v4").await, Ok(()));
    }
}

async fn an_index_without_a_child_blocks_nothing(version: Version) {
    let registry = start(version).await;
    let pusher = registry.pusher();
    let index = |day| Artifact::index([image("left", day), image("right", day)]);
    pusher.push("broken", "old", &index(1)).await;
    pusher.push("broken", "new", &index(5)).await;
    for day in [1, 5] {
        registry.store().remove_revision("broken", &image("left", day).digest());
    }
    let mut desk = Desk::at(&registry);
    prunes(&mut desk, &registry, &["old", "v1", "v2", "v3", "v4"]).await;
    registry.garbage_collect().await;
    registry.restart().await;
    assert_eq!(pusher.is_whole("broken", image("right", 5).digest().as_str()).await, Ok(()), "what was left of it is");
}

async fn a_missing_config_keeps_its_image(version: Version) {
    let registry = start(version).await;
    registry.store().remove_blob(&image("broken", 2).blob_digests()[0]);
    let mut desk = Desk::at(&registry);
    assert_eq!(reason(&desk.plan(&newest()).await.unwrap(), "broken", "v2"), "AgeUnknown");
    prunes(&mut desk, &registry, &["v1", "v3"]).await;
    assert_eq!(registry.pusher().is_whole("broken", "v4").await, Ok(()));
}
