//! A disk without a byte left. Deleting must work there, for it is why people delete; and storing must not be tried.

use std::collections::BTreeSet;
use std::path::PathBuf;

use registry_retention::oci::Digest;
use registry_retention::registry::Access;
use reqwest::Method;

use crate::desk::{Desk, rules, set};
use crate::support::{Artifact, Registry, Relay, Reply, Tmpfs, Version, both_versions, fill};

both_versions![deleting_frees_a_full_disk, nothing_is_stored_after_a_failed_deletion];

/// Everything but what ends in 1, and the releases.
const OLD: &str = "[{name: old, repositories: {include: [app, a, b]}, tags: {include: ['pr-*', 'F*'], exclude: ['F*1']}, \
                   action: Delete}]";

struct FullDisk {
    // In this order: the registry is gone when its disk is.
    registry: Registry,
    _tmpfs: Tmpfs,
    kept: Vec<(&'static str, String, Digest)>,
    gone: usize,
    empty: BTreeSet<PathBuf>,
}

fn image(seed: &str) -> Artifact {
    Artifact::image(seed).created("2026-01-01T00:00:00Z").layers(1, 500).build()
}

/// `app` with a release, a pull request, and one that shares the release's digest; then images until nothing fits,
/// first large, then small ones.
async fn full_disk(version: Version) -> FullDisk {
    let tmpfs = Tmpfs::mount(1_000);
    let registry = Registry::builder(version).store_in(tmpfs.path()).start().await;
    let pusher = registry.pusher();
    let release = pusher.push("app", "v1", &image("release")).await;
    pusher.tag("app", "v1", "pr-shared").await;
    pusher.push("app", "pr-1", &image("pr-1")).await;
    let mut kept = vec![("app", "v1".to_owned(), release)];
    let mut gone = 1;
    for (repository, bytes) in [("a", 20_000), ("b", 10)] {
        let filled = fill(&pusher, repository, bytes).await;
        assert!(filled.refused.status.is_some_and(|status| status.is_server_error()), "{}", filled.refused);
        let (keep, go): (Vec<_>, Vec<_>) = filled.confirmed.into_iter().partition(|(tag, _)| tag.ends_with('1'));
        kept.extend(keep.into_iter().map(|(tag, digest)| (repository, tag, digest)));
        gone += go.len();
    }
    assert!(gone > 5, "{gone} images are to go");
    let empty = registry.store().empty_links();
    FullDisk { registry, _tmpfs: tmpfs, kept, gone, empty }
}

impl FullDisk {
    /// What was confirmed and is kept stands at the same digest, and all of it is there.
    async fn is_whole(&self) {
        let pusher = self.registry.pusher();
        for (repository, tag, digest) in &self.kept {
            assert_eq!(pusher.digest_of(repository, tag).await.as_ref(), Some(digest), "{repository}:{tag}");
            assert_eq!(pusher.is_whole(repository, tag).await, Ok(()), "{repository}:{tag}");
        }
    }
}

/// One that may put placeholders.
fn desk(relay: &Relay) -> Desk {
    Desk { tombstones: true, ..Desk::at_url(relay.url(), Access::default()) }
}

fn puts(relay: &Relay) -> Vec<String> {
    relay.lines().into_iter().filter(|line| line.starts_with("PUT")).collect()
}

async fn deleting_frees_a_full_disk(version: Version) {
    let full = full_disk(version).await;
    let registry = &full.registry;
    let relay = Relay::start(registry).await;
    let mut desk = desk(&relay);
    let used = registry.store().bytes();

    let report = desk.prune(&rules(OLD)).await.unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(puts(&relay), Vec::<String>::new());
    assert_eq!(registry.store().empty_links(), full.empty, "nothing was made worse");
    assert_eq!(report.deleted_manifests, full.gone);
    if version == Version::V2_8 {
        // The one tag that can only go by way of a placeholder, for which there is no room.
        assert_eq!(report.skipped.len(), 1, "{report:?}");
        assert!(report.skipped[0].why.contains("takes no write now"), "{report:?}");
        assert_eq!(report.deleted_tags, full.gone);
    } else {
        assert_eq!((report.skipped.len(), report.deleted_tags), (0, full.gone + 1));
    }
    full.is_whole().await;

    registry.garbage_collect().await;
    assert!(registry.store().bytes() < used * 3 / 4, "space came back: {} of {used}", registry.store().bytes());
    registry.restart().await;
    full.is_whole().await;
    registry.pusher().push("app", "v2", &image("v2")).await;

    let report = desk.prune(&rules(OLD)).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
    assert_eq!(registry.pusher().tags("app").await.unwrap(), ["v1", "v2"]);
    assert_eq!(registry.store().empty_links(), full.empty);
    registry.garbage_collect().await;
    registry.restart().await;
    full.is_whole().await;
    assert_eq!(registry.pusher().is_whole("app", "v2").await, Ok(()));
}

/// There is room, but the server failed at the first deletion: it may be a sign of a full disk, so nothing is stored in
/// this run, in whatever repository.
async fn nothing_is_stored_after_a_failed_deletion(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    for repository in ["app", "a", "b"] {
        pusher.push(repository, "v1", &image("release")).await;
        pusher.tag(repository, "v1", "pr-shared").await;
        pusher.push(repository, "pr-1", &image("pr-1")).await;
    }
    let relay = Relay::start(&registry).await;
    // The first one that is no probe.
    relay.on(Method::DELETE, "/manifests/(pr|sha256:0*[1-9a-f])").nth(1).answer(Reply::status(500));
    let mut desk = desk(&relay);
    let report = desk.prune(&rules(OLD)).await.unwrap();
    assert_eq!(report.failed.len(), 1, "{report:?}");
    let stored = |relay: &Relay| {
        let lines = relay.lines().into_iter();
        lines.filter(|line| ["PUT", "POST", "PATCH"].iter().any(|method| line.starts_with(method))).count()
    };
    assert_eq!(stored(&relay), 0, "{:?}", relay.lines());
    if version == Version::V2_8 {
        assert_eq!(report.skipped.len(), 3, "{report:?}");
        assert!(report.skipped.iter().all(|it| it.why.contains("nothing more is written")), "{report:?}");
    }

    let report = desk.prune(&rules(OLD)).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
    assert_eq!(puts(&relay).len(), if version == Version::V2_8 { 3 } else { 0 });
    assert!(desk.journal.0.is_empty(), "{:?}", desk.journal.0);
    registry.garbage_collect().await;
    registry.restart().await;
    for repository in ["app", "a", "b"] {
        let left = registry.pusher().tags(repository).await.unwrap().into_iter().collect();
        assert_eq!(set(["v1"]), left);
        assert_eq!(registry.pusher().is_whole(repository, "v1").await, Ok(()));
    }
}
