//! The client dies at each of its writes, before the registry got it or before the answer came.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use regex::Regex;
use registry_retention::registry::Access;
use registry_retention::retention::Policy;
use reqwest::Method;
use tokio::sync::Notify;

use crate::aftermath::{exactly_is_whole, exactly_survives, is_there, successor, tombstones};
use crate::desk::{Desk, resource, rules, set};
use crate::storage::inventory;
use crate::support::{Artifact, Registry, Relay, Step, Store, Version, both_versions};

both_versions![
    whoever_comes_after_a_crash_finishes,
    whoever_comes_after_two_crashes_finishes,
    what_is_kept_after_a_crash_is_put_back,
    what_an_index_left_behind_in_a_crash_goes_as_well,
];

const PR: &str = "[{name: pr, repositories: {include: ['*']}, tags: {include: ['pr-*']}, action: Delete}]";
/// Not a deletion of what is made up to see what the registry can do.
const ANY_WRITE: &str = "^(PUT|DELETE) /v2/[^/]+/manifests/(v|pr-|sha256-|sha256:0*[1-9a-f])";

/// When the client dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// Its request never reaches the registry.
    Request,
    /// The registry has done its part.
    Answer,
}

/// Begins a prune through a relay, and ends it for good at the n-th request whose line matches. `None` if there are
/// fewer; otherwise the desk of whoever comes after.
async fn die(
    mut desk: Desk,
    registry: &Registry,
    policies: &[Policy],
    (line, nth, loss): (&str, usize, Loss),
) -> Option<Desk> {
    let relay = Relay::start(registry).await;
    let (line, seen, dead) = (Regex::new(line).unwrap(), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    for method in [Method::DELETE, Method::PUT] {
        let (line, seen, dead, direct) = (line.clone(), Arc::clone(&seen), Arc::clone(&dead), registry.pusher());
        relay.on(method, "").before(move |request| {
            let name = format!("{} {}", request.method, request.path);
            let dies = line.is_match(&name) && seen.fetch_add(1, Ordering::SeqCst) + 1 == nth;
            let (dead, direct) = (Arc::clone(&dead), direct.clone());
            async move {
                if !dies {
                    return Step::Forward;
                }
                if loss == Loss::Answer {
                    let forwarded = direct.request(request.method, &request.path).headers(request.headers);
                    forwarded.body(request.body).send().await.expect("the registry answers");
                }
                dead.notify_one();
                Step::Hang
            }
        });
    }
    let client = Desk::at_url(relay.url(), Access::default()).client;
    desk = Desk { client, store: desk.store.clone(), ..successor(&desk, registry) };
    let finished = tokio::select! {
        report = desk.prune(policies) => Some(report.unwrap()),
        () = dead.notified() => None,
    };
    match finished {
        None => Some(successor(&desk, registry)),
        Some(report) => {
            assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
            None
        }
    }
}

fn image(seed: &str) -> Artifact {
    Artifact::image("base").layers(1, 100).build().annotated("org.opencontainers.image.version", seed)
}

/// Of each kind something: what must be gone in the end is returned.
async fn push_everything(registry: &Registry, repository: &str) -> Vec<Artifact> {
    let pusher = registry.pusher();
    let (rejected, twice) = (image("rejected"), image("twice"));
    let nested = Artifact::index([Artifact::index([image("a"), image("y")]), image("b")]);
    let referrers = Artifact::index([Artifact::attachment(&rejected, "application/vnd.example.sbom")]);
    let tagged = [
        ("v1".to_owned(), image("released")),
        (image("released").cosign_tag("sig"), image("signature of released")),
        ("v2".to_owned(), Artifact::index([image("x"), image("y")])),
        ("pr-1".to_owned(), rejected.clone()),
        (rejected.cosign_tag("sig"), image("signature of rejected")),
        (rejected.fallback_tag(), referrers.clone()),
        ("pr-2".to_owned(), twice.clone()),
        ("pr-2-again".to_owned(), twice.clone()),
        ("pr-3".to_owned(), image("released")),
        ("pr-3-again".to_owned(), image("released")),
        ("pr-4".to_owned(), nested.clone()),
        ("pr-4-a".to_owned(), image("a")),
        ("pr-5".to_owned(), image("x")),
    ];
    for child in &referrers.children {
        pusher.push_untagged(repository, child).await;
    }
    // One by one: 2.8 rewrites a link in place, so that two pushes of one child at a time can meet an empty one.
    for (tag, artifact) in &tagged {
        pusher.push(repository, tag, artifact).await;
    }
    vec![rejected, image("signature of rejected"), referrers, twice, nested, image("a")]
}

fn left() -> std::collections::BTreeSet<String> {
    set(["v1", "v2", &image("released").cosign_tag("sig")])
}

async fn desk_that_knows(registry: &Registry, policies: &[Policy]) -> Desk {
    let mut desk = Desk::at(registry);
    desk.tombstones = true;
    desk.memory.learn(&desk.observe(policies).await.unwrap(), desk.now);
    desk
}

/// The next run ends as an undisturbed one would have.
async fn finishes(mut desk: Desk, registry: &Registry, repository: &str, policies: &[Policy], gone: &[Artifact]) {
    let report = desk.prune(policies).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{repository}: {report:?}");
    exactly_is_whole(registry, repository, &left()).await;
    for artifact in gone {
        assert!(!is_there(registry, repository, &artifact.digest()).await, "{repository}: {}", artifact.manifest);
    }
    assert_eq!(tombstones(registry, repository), 0, "{repository}");
    assert!(desk.journal.0.is_empty(), "{repository}: {:?}", desk.journal.0);
}

/// What the client knows of the registry besides what that says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    Nothing,
    /// The storage, in which everything was pushed days ago.
    Storage,
}

impl Beside {
    async fn read(self, desk: &mut Desk, registry: &Registry) {
        if self == Self::Storage {
            desk.store = Some(inventory(registry).await.into());
            desk.now = jiff::Timestamp::now();
        }
    }
}

/// Dies at each write of a prune, each in a repository of its own, and sees that the next run finishes; what `gone_too` is
/// then gone as well. How many writes there are.
async fn die_at_each_write(version: Version, registry: &Registry, beside: Beside, gone_too: &[Artifact]) -> usize {
    let mut writes = [0, 0];
    for (loss, writes) in [Loss::Request, Loss::Answer].into_iter().zip(&mut writes) {
        for nth in 1.. {
            let repository = format!("app-{nth}-{loss:?}").to_lowercase();
            let policies = rules(&PR.replace("'*'", &repository));
            let mut gone = push_everything(registry, &repository).await;
            gone.extend_from_slice(gone_too);
            if beside == Beside::Storage {
                age(&registry.store(), &repository);
            }
            let mut desk = desk_that_knows(registry, &policies).await;
            beside.read(&mut desk, registry).await;
            let Some(mut next) = die(desk, registry, &policies, (ANY_WRITE, nth, loss)).await else { break };
            beside.read(&mut next, registry).await;
            finishes(next, registry, &repository, &policies, &gone).await;
            *writes = nth;
        }
    }
    println!("{version:?}: died at each of {writes:?} writes");
    assert!(writes[0] > 10 && writes[0] == writes[1]);
    writes[0]
}

async fn whoever_comes_after_a_crash_finishes(version: Version) {
    let registry = Registry::start(version).await;
    let writes = die_at_each_write(version, &registry, Beside::Nothing, &[]).await;
    registry.garbage_collect().await;
    registry.restart().await;
    for nth in 1..=writes {
        exactly_is_whole(&registry, &format!("app-{nth}-request"), &left()).await;
        exactly_is_whole(&registry, &format!("app-{nth}-answer"), &left()).await;
    }
}

async fn whoever_comes_after_two_crashes_finishes(version: Version) {
    let registry = Registry::start(version).await;
    for (first, second) in [(3, 4), (4, 3), (6, 5), (8, 3), (9, 4), (11, 3), (12, 4)] {
        for loss in [Loss::Request, Loss::Answer] {
            let repository = format!("app-{first}-{second}-{loss:?}").to_lowercase();
            let policies = rules(&PR.replace("'*'", &repository));
            let gone = push_everything(&registry, &repository).await;
            let desk = desk_that_knows(&registry, &policies).await;
            let desk = die(desk, &registry, &policies, (ANY_WRITE, first, loss)).await.expect("more writes than that");
            if let Some(desk) = die(desk, &registry, &policies, (ANY_WRITE, second, loss)).await {
                finishes(desk, &registry, &repository, &policies, &gone).await;
            }
        }
    }
}

/// With the storage read beside it, the children that only a deleted index had go with it, whenever the client dies.
async fn what_an_index_left_behind_in_a_crash_goes_as_well(version: Version) {
    let registry = Registry::start(version).await;
    let left_behind = [Artifact::index([image("a"), image("y")]), image("b")];
    die_at_each_write(version, &registry, Beside::Storage, &left_behind).await;
}

/// As if everything had been pushed days ago, ten minutes apart.
fn age(store: &Store, repository: &str) {
    for (number, link) in (0..).zip(store.links(repository)) {
        let pushed = SystemTime::now() - Duration::from_secs(48 * 3600 + number * 600);
        File::options().write(true).open(link).and_then(|link| link.set_modified(pushed)).expect("its time can be set");
    }
}

/// A tag stands on a placeholder when the client dies, and is kept by the policy of whoever comes after: it is put
/// back, also if that one dies in turn.
async fn what_is_kept_after_a_crash_is_put_back(version: Version) {
    if version == Version::V3_1 {
        // It deletes single tags, and needs no placeholders.
        return;
    }
    let registry = Registry::start(version).await;
    let placed = ("^PUT /v2/[^/]+/manifests/pr-1", 1, Loss::Answer);
    for (n, second) in [
        None,
        Some((ANY_WRITE, 1, Loss::Request)),
        Some((ANY_WRITE, 1, Loss::Answer)),
        Some((ANY_WRITE, 2, Loss::Request)),
        Some((ANY_WRITE, 2, Loss::Answer)),
    ]
    .into_iter()
    .enumerate()
    {
        let repository = format!("app-{n}");
        registry.pusher().push(&repository, "v1", &image("released")).await;
        registry.pusher().tag(&repository, "v1", "pr-1").await;
        let policies = rules(&PR.replace("'*'", &repository));
        let desk = desk_that_knows(&registry, &policies).await;
        let mut desk = die(desk, &registry, &policies, placed).await.expect("a placeholder is put");
        assert_eq!(tombstones(&registry, &repository), 1);

        let rule = PR.replace("'*'", &repository);
        let policies =
            resource("{tags: ['pr-*'], minimumAge: 0h, inUse: {scope: None}}", "{maxDeletePercent: 100}", &rule);
        if let Some(second) = second {
            desk = die(desk, &registry, &policies, second).await.expect("it is being put back");
        }
        let report = desk.prune(&policies).await.unwrap();
        assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
        assert_eq!(registry.pusher().digest_of(&repository, "pr-1").await, Some(image("released").digest()));
        assert_eq!(tombstones(&registry, &repository), 0, "{second:?}");
        assert!(desk.journal.0.is_empty(), "{second:?}: {:?}", desk.journal.0);
    }
    exactly_survives(&registry, "app-0", &set(["v1", "pr-1"])).await;
}
