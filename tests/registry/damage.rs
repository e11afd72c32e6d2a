//! Stores that are damaged, and lines that are bad: what cannot be read keeps its repository, and stops no other.

mod lines;
mod store;

use std::collections::BTreeSet;

use registry_retention::retention::Policy;

use crate::desk::{Desk, condemned, rules, set};
use crate::support::{Artifact, Registry, Version};

/// Keeps the newest tag of each repository.
fn newest() -> Vec<Policy> {
    rules(
        "[{name: newest, repositories: {include: ['*']}, tags: {include: ['*']}, keep: {mostRecentlyPushedCount: 1}}]",
    )
}

/// The image of day `day`, of its own content in each repository.
fn image(repository: &str, day: u8) -> Artifact {
    Artifact::image(format!("{repository}/{day}")).created(format!("2026-01-{day:02}T00:00:00Z")).layers(1, 500).build()
}

/// Repositories `broken` and `sound`, each with tags v1 to v4; v4 is the newest.
async fn start(version: Version) -> Registry {
    let registry = Registry::start(version).await;
    for repository in ["broken", "sound"] {
        for day in 1..=4 {
            registry.pusher().push(repository, &format!("v{day}"), &image(repository, day)).await;
        }
    }
    registry
}

async fn tags(registry: &Registry, repository: &str) -> BTreeSet<String> {
    registry.pusher().tags(repository).await.unwrap().into_iter().collect()
}

/// A prune takes `v1` to `v3` from `sound`, and from `broken` exactly `gone`; what stays in `sound` is whole.
async fn prunes(desk: &mut Desk, registry: &Registry, gone: &[&str]) {
    let before = tags(registry, "broken").await;
    let gone = set(gone.iter().copied());
    let plan = desk.plan(&newest()).await.unwrap();
    assert_eq!((condemned(&plan, "broken"), condemned(&plan, "sound")), (gone.clone(), set(["v1", "v2", "v3"])));
    let report = desk.prune(&newest()).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
    assert_eq!(tags(registry, "broken").await, before.difference(&gone).cloned().collect());
    assert_eq!(tags(registry, "sound").await, set(["v4"]));
    assert_eq!(registry.pusher().is_whole("sound", "v4").await, Ok(()));
}
