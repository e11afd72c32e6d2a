//! With the registry's storage at hand: push times decide, and what a collection gives back is known to the byte.

use std::time::{Duration, SystemTime};

use super::{Resource, Terminal, condemned, reason};
use crate::support::{Artifact, Registry, Version, both_versions};

both_versions![
    what_was_pushed_lately_stays_however_old_it_is,
    what_nothing_reaches_goes_and_the_space_comes_back,
    an_inventory_of_before_and_the_storage_of_others
];

const PUSHED_LATELY: &str =
    "[{name: recent, repositories: {include: [app]}, tags: {include: ['*']}, keep: {pushedWithin: 30d}}]";

fn days_ago(days: u32) -> SystemTime {
    SystemTime::now() - Duration::from_secs(86_400) * days
}

/// The registry's root directory.
fn root(registry: &Registry) -> String {
    registry.store().root().ancestors().nth(3).expect("a root").display().to_string()
}

/// An image of each tag of `app`, created then and pushed so many days ago.
async fn push(registry: &Registry, tags: &[(&str, &str, u32)]) {
    for (tag, created, pushed) in tags {
        let image = Artifact::image(*tag).created(*created).layers(1, 2_000).build();
        registry.pusher().push("app", tag, &image).await;
        registry.store().set_push_time("app", tag, days_ago(*pushed));
        registry.store().set_revision_time("app", &image.digest(), days_ago(*pushed));
    }
}

async fn what_was_pushed_lately_stays_however_old_it_is(version: Version) {
    let registry = Registry::start(version).await;
    let terminal = Terminal::new();
    terminal.resources(&[Resource { minimum_age: "24h", complete: false, ..Resource::of(&registry, PUSHED_LATELY) }]);
    let tags = [
        ("reproducible", "1970-01-01T00:00:00Z", 1),
        ("just-now", "2020-01-01T00:00:00Z", 0),
        ("built-lately", "2026-11-01T00:00:00Z", 90),
        ("old", "2020-01-01T00:00:00Z", 60),
    ];
    push(&registry, &tags).await;

    // Nobody but the storage can tell.
    let blind = terminal.plan("").await;
    assert_eq!(condemned(&blind), [""; 0]);
    assert_eq!(reason(&blind, "old"), "AgeUnknown");

    let storage = root(&registry);
    let seeing = terminal.plan(&format!("--storage {storage}")).await;
    assert_eq!(condemned(&seeing), ["app:built-lately", "app:old"]);
    assert_eq!(reason(&seeing, "reproducible"), "KeptByRule");
    terminal.run(&format!("explain app:old -f --storage {storage}")).await.code(0).says(&["pushed"]);
    let plan = terminal.run(&format!("plan -f --storage {storage}")).await.code(0);
    let next = format!("--yes --storage {storage}");
    plan.says(&[&next]);

    terminal
        .run(&format!("prune -f --yes --storage {storage}"))
        .await
        .code(0)
        .says(&["Deleted 2 tags and 2 manifests."]);
    let mut left = registry.pusher().tags("app").await.expect("tags");
    left.sort();
    assert_eq!(left, ["just-now", "reproducible"]);
    for tag in left {
        assert_eq!(registry.pusher().is_whole("app", &tag).await, Ok(()));
    }
}

/// The revisions that a moved `latest` left behind, and the garbage of a push that nobody finished.
async fn what_nothing_reaches_goes_and_the_space_comes_back(version: Version) {
    let registry = Registry::start(version).await;
    let (pusher, store) = (registry.pusher(), registry.store());
    push(&registry, &[("pr-1", "2026-01-01T00:00:00Z", 60), ("v1", "2026-01-01T00:00:00Z", 50)]).await;
    let shared = vec![7; 3_000];
    let mut moved = Vec::new();
    for build in 0..4_u32 {
        let image = Artifact::image(format!("build {build}")).layer(shared.clone()).layers(1, 1_500).build();
        pusher.push("app", "latest", &image).await;
        store.set_revision_time("app", &image.digest(), days_ago(40 - 10 * build));
        moved.push(image);
    }
    store.set_push_time("app", "latest", days_ago(10));
    // Elsewhere, where no rule reaches, the layer is needed too.
    pusher.push("other", "v1", &Artifact::image("other").layer(shared).build()).await;

    let terminal = Terminal::new();
    let text = Resource::of(&registry, super::PR).text() + "  untagged: {olderThan: 7d}\n";
    terminal.file("retention.yaml", &text);
    let storage = format!("--storage {}", root(&registry));
    let plan = terminal.plan(&storage).await;
    assert_eq!(condemned(&plan), ["app:pr-1"]);
    let shown = terminal.run(&format!("plan -f {storage}")).await.code(0);
    shown.says(&[
        "UNTAGGED",
        "3 untagged manifests take ",
        ": 3 go, none stays",
        "A garbage collection then gives back ",
    ]);
    let promised = plan["plan"]["reclaimableBytes"].as_u64().expect("bytes");

    terminal.run(&format!("prune -f --yes {storage}")).await.code(0);
    for image in &moved[..3] {
        let found = pusher.manifest("app", image.digest().as_str()).await;
        assert!(found.is_err(), "{} is still there", image.digest());
    }
    let before = store.blob_bytes();
    registry.garbage_collect().await;
    assert_eq!(before - store.blob_bytes(), promised, "to the byte");
    for (repository, tag) in [("app", "latest"), ("app", "v1"), ("other", "v1")] {
        assert_eq!(pusher.is_whole(repository, tag).await, Ok(()), "{repository}:{tag}");
    }
    let again = terminal.plan(&storage).await;
    assert_eq!((condemned(&again), &again["plan"]["reclaimableBytes"]), (vec![], &0.into()));
}

async fn an_inventory_of_before_and_the_storage_of_others(version: Version) {
    let registry = Registry::start(version).await;
    let terminal = Terminal::new();
    terminal.resources(&[Resource::of(&registry, PUSHED_LATELY)]);
    push(&registry, &[("old", "2020-01-01T00:00:00Z", 60)]).await;
    let inventory = terminal.file("inventory.gz", "");
    let saved = registry_retention_inventory(&root(&registry), &inventory).await;
    assert!(saved.status.success(), "{}", String::from_utf8_lossy(&saved.stderr));

    // What was pushed since stays, however old it says it is.
    push(&registry, &[("since", "2020-01-01T00:00:00Z", 60)]).await;
    let plan = terminal.plan(&format!("--inventory {inventory}")).await;
    assert_eq!(condemned(&plan), ["app:old"]);
    assert_eq!(reason(&plan, "since"), "NewerThanInventory");
    terminal.run(&format!("prune -f --yes --inventory {inventory}")).await.code(2).says(&["--inventory"]);

    let other = Registry::start(version).await;
    other.pusher().push("app", "theirs", &Artifact::image("theirs").build()).await;
    let refused = terminal.run(&format!("prune -f --yes --storage {}", root(&other))).await;
    refused.says(&["it is the storage of another registry; nothing was decided"]);
    let nothing = terminal.run("plan -f --storage /var/empty/nowhere").await;
    nothing.says(&["no registry stores anything there"]);
    assert_eq!(registry.pusher().tags("app").await.map(|tags| tags.len()), Some(2));
}

/// `inventory` has no state directory, and so is not run as the other commands are.
async fn registry_retention_inventory(root: &str, output: &str) -> std::process::Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_registry-retention"));
    command.args(["inventory", "--storage", root, "-o", output]).env_clear().output().await.expect("it runs")
}
