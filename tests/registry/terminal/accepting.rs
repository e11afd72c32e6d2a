//! Plans that wait.

use super::{PR, Resource, Terminal, push};
use crate::aftermath::exactly_is_whole;
use crate::desk::set;
use crate::support::{Registry, Version, both_versions};

both_versions![a_plan_above_a_limit_waits_until_it_is_accepted, nothing_but_the_accepted_plan_goes];

/// The hash in the `accept HASH` that a command printed.
fn hash(text: &str) -> String {
    let (_, rest) = text.split_once("registry-retention accept ").expect("it says how to accept");
    rest.split_whitespace().next().expect("a hash").to_owned()
}

async fn start(version: Version) -> (Registry, Terminal) {
    let registry = Registry::start(version).await;
    push(&registry, &["v1", "pr-1", "pr-2", "pr-3"]).await;
    let terminal = Terminal::new();
    terminal.resources(&[Resource { limits: "{maxDeletePercent: 20}", ..Resource::of(&registry, PR) }]);
    (registry, terminal)
}

async fn a_plan_above_a_limit_waits_until_it_is_accepted(version: Version) {
    let (registry, terminal) = start(version).await;
    let before = registry.store().files();
    let waits = terminal.run("prune -f --yes").await.code(4).says(&["maxDeletePercent", "Waiting: "]);
    let hash = hash(&waits.stdout);
    assert_eq!(registry.store().files(), before);

    let plan = terminal.plan("").await;
    assert!(plan["waiting"]["hash"].as_str().is_some_and(|whole| whole.starts_with(&hash) && whole.len() == 64));
    assert_eq!(plan["waiting"]["causes"][0]["reason"], "MaxDeletePercent");
    assert_eq!(plan["approved"], serde_json::json!([]));
    assert_eq!(registry.store().files(), before);

    terminal.run("accept 000000000000").await.code(2);
    terminal.run(&format!("accept {hash}")).await.code(0).says(&["is accepted: 3 tags.", &hash, "prune -f"]);
    assert_eq!(registry.store().files(), before, "accepting deletes nothing");
    terminal.run("prune -f --yes").await.code(0).says(&["Deleted 3 tags and 3 manifests.", "garbage-collect"]);
    exactly_is_whole(&registry, "app", &set(["v1"])).await;

    // What was accepted is used up: the same tags, pushed again, wait again.
    push(&registry, &["pr-1", "pr-2", "pr-3"]).await;
    terminal.run("prune -f --yes").await.code(4).says(&["maxDeletePercent"]);
    exactly_is_whole(&registry, "app", &set(["v1", "pr-1", "pr-2", "pr-3"])).await;
}

async fn nothing_but_the_accepted_plan_goes(version: Version) {
    let (registry, terminal) = start(version).await;
    let hash = hash(&terminal.run("plan -f").await.code(0).stdout);
    terminal.run(&format!("accept {hash}")).await.code(0);
    // One of them is pushed anew, and there are more of the kind.
    registry.pusher().push("app", "pr-3", &super::image("anew")).await;
    push(&registry, &["pr-4", "pr-5"]).await;
    let pruned = terminal.run("prune -f --yes").await;
    pruned.code(4).says(&["deleted app:pr-1", "deleted app:pr-2"]).conceals(&["deleted app:pr-3"]);
    exactly_is_whole(&registry, "app", &set(["v1", "pr-3", "pr-4", "pr-5"])).await;
}
