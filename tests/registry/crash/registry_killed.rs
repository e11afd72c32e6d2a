//! The registry dies in the middle of deletions.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use registry_retention::oci::Digest;
use registry_retention::registry::Access;
use registry_retention::retention::{StoredPlan, entries};
use reqwest::Method;

use crate::aftermath::{dangling, exactly_survives, tombstones};
use crate::desk::{Desk, rules};
use crate::support::{Artifact, Registry, Relay, Step, Store, Version, both_versions};

both_versions![a_registry_that_dies_in_its_deletions_is_pruned_in_the_end];

const KILLS: usize = 42;
const IMAGES: usize = 50;
/// Tags that stay: a deletion by digest looks at each of them, which makes it long enough to die in.
const OTHERS: usize = 60;
/// Deletions of what exists; not of what is made up to see what the registry can do.
const DELETIONS: &str = "/manifests/(pr-|sha256-|sha256:0*[1-9a-f])";

async fn a_registry_that_dies_in_its_deletions_is_pruned_in_the_end(version: Version) {
    let registry = Arc::new(Registry::start(version).await);
    let kept = push(&registry).await;
    let relay = Relay::start(&registry).await;
    let mut desk = Desk::at_url(relay.url(), Access::default());
    let policies = rules("[{name: pr, repositories: {include: [app]}, tags: {include: ['pr-*']}, action: Delete}]");

    let entries = entries(&desk.plan(&policies).await.unwrap());
    let plan = StoredPlan::new(entries, Vec::new(), desk.now);

    let (mut kills, mut dangled) = (0, BTreeSet::new());
    for round in 0..KILLS {
        relay.clear_rules();
        let killer = Killer::default();
        killer.wait_for(&relay, &registry, 1 + round % 2, round % 8 != 7);
        let report = desk.carry_out(&policies, &plan).await;
        let Some(thread) = killer.thread.lock().unwrap().take() else { break };
        killer.hurry.store(true, Ordering::SeqCst);
        thread.join().unwrap();
        registry.restart().await;
        kills += 1;
        dangled.extend(dangling_on_disk(&registry.store()));
        // A run that dies says so, or was over but for its last request.
        assert!(report.is_ok(), "{report:?}");
    }
    println!("{version:?}: {kills} kills left {} tags dangling", dangled.len());
    assert!(kills >= 40 && !dangled.is_empty());

    relay.clear_rules();
    let report = desk.prune(&policies).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
    assert_eq!(dangling(&registry, "app").await, BTreeSet::new());
    assert_eq!(tombstones(&registry, "app"), 0);
    assert!(desk.journal.0.is_empty(), "{:?}", desk.journal.0);
    exactly_survives(&registry, "app", &kept).await;
}

/// Images that go, each with a signature; others that stay, which are returned.
async fn push(registry: &Registry) -> BTreeSet<String> {
    let base = Artifact::image("base").layers(1, 100).build();
    let variant = |seed: String| base.clone().annotated("org.opencontainers.image.version", &seed);
    let kept: Vec<_> = (0..OTHERS).map(|n| (format!("v{n}"), variant(format!("other {n}")))).collect();
    let images: Vec<_> = (0..IMAGES).map(|n| (format!("pr-{n}"), variant(format!("image {n}")))).collect();
    let signatures =
        images.iter().map(|(tag, image)| (image.cosign_tag("sig"), variant(format!("signature of {tag}"))));
    let all: Vec<_> = kept.iter().cloned().chain(signatures).chain(images.iter().cloned()).collect();
    registry.pusher().push_all("app", &all).await;
    for (tag, _) in &images {
        give_history(&registry.store(), tag);
    }
    kept.into_iter().map(|(tag, _)| tag).collect()
}

/// A tag that was moved often has a folder that is not removed in an instant.
fn give_history(store: &Store, tag: &str) {
    let link = store.tag_link("app", tag);
    let history = link.parent().and_then(Path::parent).expect("a tag has a folder").join("index/sha256");
    for n in 0..100 {
        let digest = Digest::of(format!("{tag} {n}").as_bytes());
        let folder = history.join(digest.parts().1);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("link"), digest.as_str()).expect("a link");
    }
}

/// The tags that are listed and lead nowhere.
fn dangling_on_disk(store: &Store) -> BTreeSet<String> {
    let folders = std::fs::read_dir(store.repository("app").join("_manifests/tags")).expect("there are tags");
    let tags = folders.flatten().map(|entry| entry.file_name().display().to_string());
    let leads_nowhere = |tag: &String| {
        let digest = std::fs::read_to_string(store.tag_link("app", tag)).ok().and_then(|text| text.parse().ok());
        digest.is_none_or(|digest| !store.revision_link("app", &digest).is_file())
    };
    tags.filter(leads_nowhere).collect()
}

/// Kills a registry while it deletes.
#[derive(Default)]
struct Killer {
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
    hurry: Arc<AtomicBool>,
}

impl Killer {
    /// At the n-th deletion: as soon as its first effect is on disk, or at once.
    fn wait_for(&self, relay: &Relay, registry: &Arc<Registry>, nth: usize, for_effect: bool) {
        let (thread, hurry, registry) = (Arc::clone(&self.thread), Arc::clone(&self.hurry), Arc::clone(registry));
        relay.on(Method::DELETE, DELETIONS).nth(nth).before(move |request| {
            let link = first_effect(&registry.store(), &request.path);
            let (registry, hurry) = (Arc::clone(&registry), Arc::clone(&hurry));
            let kill = move || {
                while for_effect && link.exists() && !hurry.load(Ordering::SeqCst) {
                    std::hint::spin_loop();
                }
                registry.kill();
            };
            *thread.lock().unwrap() = Some(std::thread::spawn(kill));
            async { Step::Forward }
        });
    }
}

/// The file that a deletion takes away first.
fn first_effect(store: &Store, path: &str) -> PathBuf {
    let reference = path.rsplit('/').next().expect("a path");
    match reference.parse::<Digest>() {
        Ok(digest) => store.revision_link("app", &digest),
        Err(_) => store.tag_link("app", reference),
    }
}
