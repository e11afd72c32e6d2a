//! Pushers that do not wait for anybody, during a prune of hundreds of tags.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use registry_retention::oci::Digest;
use registry_retention::retention::{StoredPlan, entries};

use crate::aftermath::dangling;
use crate::desk::{Desk, rules};
use crate::support::{Artifact, Pusher, Registry, Version, both_versions};

both_versions![no_push_is_lost_but_one_to_a_condemned_tag_during_its_deletion];

const PUSHES: usize = 150;
const CONDEMNED: usize = 300;

/// What each tag was last accepted at.
type Accepted = Arc<Mutex<BTreeMap<String, Digest>>>;

async fn no_push_is_lost_but_one_to_a_condemned_tag_during_its_deletion(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    let mut pushed: Vec<_> = (0..CONDEMNED).map(|n| (format!("pr-{n}"), variant(&format!("rejected {n}")))).collect();
    pushed.push(("latest".into(), variant("first")));
    pusher.push_all("app", &pushed).await;

    let mut desk = Desk::at(&registry);
    let policies = rules("[{name: pr, repositories: {include: [app]}, tags: {include: ['pr-*']}, action: Delete}]");
    let entries = entries(&desk.plan(&policies).await.unwrap());
    let plan = StoredPlan::new(entries, Vec::new(), desk.now);

    // What is pushed from now on is not in the plan.
    let accepted = Accepted::default();
    let pushers = [
        tokio::spawn(push(pusher.clone(), Arc::clone(&accepted), "new", |n| format!("v{n}"))),
        tokio::spawn(push(pusher.clone(), Arc::clone(&accepted), "moved", |_| "latest".into())),
        tokio::spawn(push(pusher.clone(), Arc::clone(&accepted), "reworked", |n| format!("pr-{}", n * 7 % CONDEMNED))),
    ];
    let report = desk.carry_out(&policies, &plan).await.unwrap();
    for pusher in pushers {
        pusher.await.unwrap();
    }
    // 2.8 fails (500) on a deletion that finds a tag half-written by a push; the next run finishes it.
    let next = desk.carry_out(&policies, &plan).await.unwrap();
    assert!(next.is_complete(), "{report:?} {next:?}");
    assert!(desk.journal.0.is_empty(), "{:?}", desk.journal.0);
    assert_eq!(dangling(&registry, "app").await, BTreeSet::new());

    let accepted = accepted.lock().unwrap().clone();
    let mut lost = Vec::new();
    for (tag, digest) in &accepted {
        if tag.starts_with("pr-") && pusher.digest_of("app", tag).await.is_none() {
            lost.push(tag);
            continue;
        }
        assert_eq!(pusher.digest_of("app", tag).await.as_ref(), Some(digest), "{tag}");
        assert_eq!(pusher.is_whole("app", tag).await, Ok(()), "{tag}");
    }
    println!(
        "{version:?}: of {} pushes to condemned tags, {} were lost in the tag's own deletion: {lost:?}; {} tags went, {} were left alone",
        PUSHES,
        lost.len(),
        report.deleted_tags,
        report.skipped.len()
    );
    assert_eq!(accepted.keys().filter(|tag| tag.starts_with('v')).count(), PUSHES);
    assert!(report.deleted_tags > 0);
}

fn variant(seed: &str) -> Artifact {
    Artifact::image("base").layers(1, 100).build().annotated("org.opencontainers.image.version", seed)
}

async fn push(pusher: Pusher, accepted: Accepted, kind: &str, tag: impl Fn(usize) -> String) {
    for n in 0..PUSHES {
        let (tag, content) = (tag(n), variant(&format!("{kind} {n}")));
        let digest = pusher.push("app", &tag, &content).await;
        accepted.lock().unwrap().insert(tag, digest);
    }
}
