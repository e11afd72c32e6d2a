//! The process is killed in the middle of a prune, at each of its deletions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use regex::Regex;
use reqwest::Method;
use tokio::sync::Notify;

use super::{DELETION, Ended, PR, Resource, Terminal, image, push, send};
use crate::aftermath::{exactly_is_whole, exactly_survives, is_there};
use crate::desk::set;
use crate::support::{Artifact, Pusher, Registry, Relay, Step, Version, both_versions};

both_versions![the_next_run_finishes_what_a_killed_one_began, what_was_accepted_goes_on_after_a_kill];

/// Runs `prune --yes` and kills it at its n-th deletion: before the registry gets that, or, if `done`, before the answer
/// comes. How it ended, if there are fewer.
async fn kill(terminal: &Terminal, relay: &Relay, direct: Pusher, nth: usize, done: bool) -> Option<Ended> {
    let (deletion, seen, reached) = (Regex::new(DELETION).unwrap(), AtomicUsize::new(0), Arc::new(Notify::new()));
    let notify = Arc::clone(&reached);
    relay.on(Method::DELETE, "").before(move |request| {
        let dies = deletion.is_match(&request.path) && seen.fetch_add(1, Ordering::SeqCst) + 1 >= nth;
        let (notify, direct) = (Arc::clone(&notify), direct.clone());
        async move {
            if !dies {
                return Step::Forward;
            }
            if done {
                let forwarded = direct.request(request.method, &request.path).headers(request.headers);
                forwarded.send().await.expect("the registry answers");
            }
            notify.notify_one();
            Step::Hang
        }
    });
    let mut child = terminal.spawn("prune -f --yes");
    tokio::select! {
        ended = child.wait() => drop(ended.expect("it ends")),
        () = reached.notified() => send("KILL", &child).await,
    }
    let output = child.wait_with_output().await.expect("it ends");
    relay.clear_rules();
    // A process that a signal ended has no code.
    let ended = Ended::of(&output);
    ended.code.is_some().then_some(ended)
}

/// The images of one round, and the tags that they are pushed under.
fn round(name: &str) -> Vec<(String, Artifact)> {
    let [one, two, child] = ["one", "two", "child"].map(|seed| image(&format!("{name}/{seed}")));
    vec![
        ("pr-1".to_owned(), one.clone()),
        (one.cosign_tag("sig"), image(&format!("{name}/signature"))),
        ("pr-2".to_owned(), two.clone()),
        ("pr-2-again".to_owned(), two),
        ("pr-3".to_owned(), Artifact::index([child.clone(), image("released")])),
        ("pr-3-child".to_owned(), child),
    ]
}

async fn the_next_run_finishes_what_a_killed_one_began(version: Version) {
    let registry = Registry::start(version).await;
    let relay = Relay::start(&registry).await;
    registry.pusher().push("app", "v1", &image("released")).await;
    registry.pusher().push("app", "v2", &Artifact::index([image("released"), image("other")])).await;
    let left = set(["v1", "v2"]);
    let mut rounds = 0;
    for done in [false, true] {
        for nth in 1.. {
            let tagged = round(&format!("{nth}-{done}"));
            for (tag, artifact) in &tagged {
                registry.pusher().push("app", tag, artifact).await;
            }
            let terminal = Terminal::new();
            terminal.resources(&[Resource { url: relay.url().to_owned(), ..Resource::of(&registry, PR) }]);
            if let Some(ended) = kill(&terminal, &relay, registry.pusher(), nth, done).await {
                ended.code(0).says(&["Deleted 6 tags and 5 manifests."]);
                break;
            }
            terminal.run("plan -f").await.code(0).says(&["an earlier run was cut short"]);
            terminal.run("prune -f --yes").await.code(0).conceals(&["not complete"]);
            exactly_is_whole(&registry, "app", &left).await;
            for (tag, artifact) in &tagged {
                assert!(!is_there(&registry, "app", &artifact.digest()).await, "{nth}, {done}: {tag} is left untagged");
            }
            let again = terminal.run("prune -f --yes").await.code(0).says(&["Nothing is to be deleted now."]);
            again.conceals(&["cut short"]);
            rounds += 1;
        }
    }
    // 3.1 removes the tags first; then each of five manifests goes.
    assert_eq!(rounds, 2 * if version == Version::V2_8 { 5 } else { 10 });
    exactly_survives(&registry, "app", &left).await;
}

/// What a killed run had begun needs no second acceptance, though all of it would be above the limit.
async fn what_was_accepted_goes_on_after_a_kill(version: Version) {
    // Without companions: after its third deletion, 3.1 has no tag left that would tell of the manifests.
    for nth in 1..=if version == Version::V2_8 { 3 } else { 6 } {
        let registry = Registry::start(version).await;
        let relay = Relay::start(&registry).await;
        push(&registry, &["v1", "pr-1", "pr-2", "pr-3"]).await;
        let terminal = Terminal::new();
        let (url, limits) = (relay.url().to_owned(), "{maxDeletePercent: 20}");
        terminal.resources(&[Resource { url, limits, ..Resource::of(&registry, PR) }]);
        let hash = terminal.plan("").await["waiting"]["hash"].as_str().expect("it waits").to_owned();
        terminal.run(&format!("accept {hash}")).await.code(0);
        assert!(kill(&terminal, &relay, registry.pusher(), nth, false).await.is_none());
        terminal.run("prune -f --yes").await.code(0).conceals(&["Waiting", "not complete"]);
        exactly_is_whole(&registry, "app", &set(["v1"])).await;
        for tag in ["pr-1", "pr-2", "pr-3"] {
            assert!(!is_there(&registry, "app", &image(tag).digest()).await, "{nth}: {tag} is left untagged");
        }
        push(&registry, &["pr-1", "pr-2", "pr-3"]).await;
        terminal.run("prune -f --yes").await.code(4).says(&["Waiting"]);
    }
}
