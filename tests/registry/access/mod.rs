//! Logins and certificates: who may do what, and what is asked for.

mod basic;
mod tls;
mod token;

use crate::support::{Artifact, Registry};

const PR: &str = "[{name: pr, repositories: {include: [app]}, tags: {include: ['pr-*']}, action: Delete}]";

fn image(seed: &str) -> Artifact {
    Artifact::image(seed).created("2026-01-01T00:00:00Z").layers(1, 500).build()
}

/// A login as the crate takes it.
fn login(user: &str, password: &str) -> registry_retention::registry::Credentials {
    registry_retention::registry::Credentials::Basic { username: user.into(), password: password.into() }
}

/// The repository `app` with `v1`, to be kept, and `pr-1`, to go.
async fn shop(pusher: &crate::support::Pusher) {
    pusher.push("app", "v1", &image("v1")).await;
    pusher.push("app", "pr-1", &image("pr-1")).await;
}

/// What was to go is gone, and what was to stay is whole.
async fn is_pruned(registry: &Registry, pusher: &crate::support::Pusher) {
    assert_eq!(pusher.tags("app").await.unwrap(), ["v1"]);
    registry.garbage_collect().await;
    registry.restart().await;
    assert_eq!(pusher.is_whole("app", "v1").await, Ok(()));
    assert_eq!(registry.store().blobs().len(), 3, "one manifest, config and layer");
}
