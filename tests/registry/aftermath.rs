//! What is left after a prune, after the collection that follows it, and after a crash.

use std::collections::BTreeSet;

use registry_retention::oci::Digest;

use crate::desk::Desk;
use crate::support::Registry;

/// What `repository` lists.
pub async fn tags(registry: &Registry, repository: &str) -> BTreeSet<String> {
    registry.pusher().tags(repository).await.unwrap_or_default().into_iter().collect()
}

/// The tags that are listed and answer 404.
pub async fn dangling(registry: &Registry, repository: &str) -> BTreeSet<String> {
    let pusher = registry.pusher();
    let mut dangling = BTreeSet::new();
    for tag in tags(registry, repository).await {
        if pusher.digest_of(repository, &tag).await.is_none() {
            dangling.insert(tag);
        }
    }
    dangling
}

/// Whether the manifest is there, tagged or not.
pub async fn is_there(registry: &Registry, repository: &str, digest: &Digest) -> bool {
    registry.pusher().manifest(repository, digest.as_str()).await.is_ok()
}

/// Exactly `left` is listed, all of it is whole, and none of it is a tombstone.
pub async fn exactly_is_whole(registry: &Registry, repository: &str, left: &BTreeSet<String>) {
    let pusher = registry.pusher();
    assert_eq!(tags(registry, repository).await, *left, "{repository}");
    for tag in left {
        assert_eq!(pusher.is_whole(repository, tag).await, Ok(()), "{repository}:{tag}");
        let (_, bytes) = pusher.manifest(repository, tag).await.expect("it is whole");
        assert!(!String::from_utf8_lossy(&bytes).contains("registry-retention.dev/"), "{repository}:{tag}");
    }
}

/// The same, now and after a collection and a restart.
pub async fn exactly_survives(registry: &Registry, repository: &str, left: &BTreeSet<String>) {
    exactly_is_whole(registry, repository, left).await;
    registry.garbage_collect().await;
    registry.restart().await;
    exactly_is_whole(registry, repository, left).await;
}

/// The desk of whoever comes after a crash: all that it has is what was on disk.
pub fn successor(of: &Desk, registry: &Registry) -> Desk {
    let mut desk = Desk::at(registry);
    desk.memory = of.memory.clone();
    desk.journal = of.journal.clone();
    desk.tombstones = of.tombstones;
    desk.now = of.now;
    desk
}

/// The tombstones that are stored in `repository`, tagged or not, by the files on disk.
pub fn tombstones(registry: &Registry, repository: &str) -> usize {
    let store = registry.store();
    let revisions = store.repository(repository).join("_manifests/revisions/sha256");
    let names = std::fs::read_dir(revisions).expect("there are manifests").flatten();
    let digests = names.filter_map(|entry| format!("sha256:{}", entry.file_name().display()).parse::<Digest>().ok());
    let present = digests.filter(|digest| store.revision_link(repository, digest).is_file());
    let bytes = present.map(|digest| std::fs::read_to_string(store.blob(&digest)).unwrap_or_default());
    bytes.filter(|text| text.contains("registry-retention.dev/tag")).count()
}
