//! A person or the system ends a prune.

use reqwest::Method;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::ChildStderr;

use super::{DELETION, PR, Resource, Terminal, image, push, send};
use crate::aftermath::{exactly_is_whole, is_there};
use crate::desk::set;
use crate::support::{Registry, Relay, Version, both_versions};

both_versions![a_signal_ends_the_run_after_the_deletion_in_flight, a_second_signal_ends_it_at_once];

const TAGS: [&str; 4] = ["v1", "pr-1", "pr-2", "pr-3"];

async fn start(version: Version) -> (Registry, Relay, Terminal) {
    let registry = Registry::start(version).await;
    push(&registry, &TAGS).await;
    let relay = Relay::start(&registry).await;
    let terminal = Terminal::new();
    terminal.resources(&[Resource { url: relay.url().to_owned(), ..Resource::of(&registry, PR) }]);
    (registry, relay, terminal)
}

async fn says(lines: &mut Lines<BufReader<ChildStderr>>, part: &str) {
    while let Some(line) = lines.next_line().await.expect("standard error can be read") {
        if line.contains(part) {
            return;
        }
    }
    panic!("it never said {part:?}");
}

/// Whoever comes next finishes.
async fn is_finished(terminal: &Terminal, registry: &Registry) {
    terminal.run("prune -f --yes").await.code(0).conceals(&["not complete"]);
    exactly_is_whole(registry, "app", &set(["v1"])).await;
    for tag in &TAGS[1..] {
        assert!(!is_there(registry, "app", &image(tag).digest()).await, "{tag} is left untagged");
    }
    terminal.run("prune -f --yes").await.code(0).says(&["Nothing is to be deleted now."]);
}

async fn a_signal_ends_the_run_after_the_deletion_in_flight(version: Version) {
    let deletion = regex::Regex::new(&DELETION.replace('^', "^DELETE ")).unwrap();
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let (registry, relay, terminal) = start(version).await;
        let gate = relay.on(Method::DELETE, DELETION).nth(2).gate();
        let mut child = terminal.spawn("prune -f --yes");
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        gate.reached().await;
        send(signal, &child).await;
        says(&mut lines, &format!("SIG{signal}: stopping after the operation in flight")).await;
        gate.open();
        let output = child.wait_with_output().await.expect("it ends");
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains("It is not complete. Nothing that is kept was lost"), "{text}");
        let sent = relay.exchanges().iter().filter(|it| deletion.is_match(&it.line())).count();
        assert_eq!(sent, 2, "nothing was begun after the signal");
        is_finished(&terminal, &registry).await;
    }
}

async fn a_second_signal_ends_it_at_once(version: Version) {
    let (registry, relay, terminal) = start(version).await;
    let gate = relay.on(Method::DELETE, DELETION).nth(2).gate();
    let mut child = terminal.spawn("prune -f --yes");
    let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    gate.reached().await;
    send("INT", &child).await;
    says(&mut lines, "SIGINT: stopping after the operation in flight").await;
    send("TERM", &child).await;
    says(&mut lines, "SIGTERM: ended; the next run goes on from the journal").await;
    assert_eq!(child.wait().await.expect("it ends").code(), Some(143), "with the registry still silent");
    relay.clear_rules();
    is_finished(&terminal, &registry).await;
    drop(gate);
}
