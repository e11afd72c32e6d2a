//! What a plan costs the registry.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use registry_retention::registry::Access;
use reqwest::Method;

use super::{CREATED, hour};
use crate::desk::{Desk, condemned, rules};
use crate::support::{Artifact, Registry, Relay, Step, Version, both_versions};

both_versions![a_plan_of_two_thousand_tags_reads_each_once];

const TAGS: usize = 2_000;
const CONFIGS: usize = 40;

/// Counts the reads that the relay holds at a time; the most that there were.
fn watch(relay: &Relay) -> Arc<AtomicUsize> {
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (entered, seen) = (Arc::clone(&open), Arc::clone(&most));
    relay.on(Method::GET, ".").before(move |_| {
        seen.fetch_max(entered.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        async { Step::Forward }
    });
    relay.on(Method::GET, ".").after(move |_, reply| {
        open.fetch_sub(1, Ordering::SeqCst);
        async { reply }
    });
    most
}

/// Every tag is a manifest of its own. Of ten, nine say themselves when they were created; the others share 40 configs.
async fn a_plan_of_two_thousand_tags_reads_each_once(version: Version) {
    let registry = Registry::start(version).await;
    let silent =
        |n: usize| Artifact::image(format!("{}", n % CONFIGS)).created("2026-01-01T00:00:00Z").layer("base").build();
    let tagged: Vec<_> = (1..=TAGS)
        .map(|n| match n {
            0..=200 => (format!("T{n}"), silent(n).annotated("n", &n.to_string())),
            _ => (format!("T{n}"), silent(0).annotated(CREATED, &hour(n))),
        })
        .collect();
    registry.pusher().push_all("app", &tagged).await;

    let relay = Relay::start(&registry).await;
    let most = watch(&relay);
    let mut desk = Desk::at_url(relay.url(), Access::default());
    desk.now = "2026-12-01T00:00:00Z".parse().unwrap();
    let policies = rules(
        "[{name: newest, repositories: {include: [app]}, tags: {include: ['*']}, keep: {mostRecentlyPushedCount: 1500}}]",
    );
    let inventory = desk.observe(&policies).await.unwrap();
    let plan = desk.decide(&inventory, &policies);
    assert_eq!(condemned(&plan, "app").len(), 500);
    let lines = relay.lines();
    let count =
        |method: &str, part: &str| lines.iter().filter(|line| line.starts_with(method) && line.contains(part)).count();
    assert_eq!(count("GET", "/tags/list"), 1);
    assert_eq!(count("GET", "/manifests/"), TAGS);
    assert_eq!(count("GET", "/blobs/"), CONFIGS);
    assert_eq!(count("GET", ""), 1 + TAGS + CONFIGS, "and nothing else, no catalog and no `/v2/`");
    assert_eq!((count("HEAD", ""), count("DELETE", ""), lines.len()), (0, 2, 1 + TAGS + CONFIGS + 2));
    assert_eq!(most.load(Ordering::SeqCst), 4, "requests at a time");

    // What is immutable is remembered.
    desk.memory.learn(&inventory, desk.now);
    relay.clear_exchanges();
    let again = desk.plan(&policies).await.unwrap();
    assert_eq!(condemned(&again, "app"), condemned(&plan, "app"));
    assert!(!relay.lines().iter().any(|line| line.contains("/blobs/")));
    assert_eq!(relay.lines().len(), 1 + TAGS + 2);
}
