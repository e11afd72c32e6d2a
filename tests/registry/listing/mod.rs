//! Lists: long ones, empty ones, nested names; lists that hide tags, and lists that shrink.

mod empty;
mod long;
mod names;
mod requests;
mod trust;

use crate::support::{Artifact, Pusher};

const CREATED: &str = "org.opencontainers.image.created";

/// The hour of tag `T<n>` after the start of 2026.
fn hour(n: usize) -> String {
    let start: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
    (start + jiff::SignedDuration::from_hours(i64::try_from(n).expect("a small number"))).to_string()
}

/// Tags T1…T`count`, each an image of its own that says when it was created, T`count` last.
async fn push_hourly(pusher: &Pusher, repository: &str, count: usize) {
    let image = Artifact::image(repository).layers(1, 1_000).build();
    let tagged: Vec<_> = (1..=count).map(|n| (format!("T{n}"), image.clone().annotated(CREATED, &hour(n)))).collect();
    pusher.push_all(repository, &tagged).await;
}
