//! What a cluster uses and keeps stays.

use std::path::PathBuf;

use reqwest::Method;
use serde_json::json;

use super::{DELETION, PR, Resource, Terminal, condemned, push, reason};
use crate::aftermath::{exactly_is_whole, is_there};
use crate::api_server::{ApiServer, DEPLOYMENTS, RETENTIONS};
use crate::desk::set;
use crate::support::{Registry, Relay, Version, both_versions};

both_versions![
    what_workloads_use_and_others_keep_stays,
    what_comes_into_use_during_a_run_stays,
    a_cluster_that_falls_silent_ends_the_run,
];

const TAGS: [&str; 5] = ["v1", "pr-1", "pr-2", "pr-3", "pr-4"];

async fn start(version: Version) -> (Registry, ApiServer, Terminal) {
    let registry = Registry::start(version).await;
    push(&registry, &TAGS).await;
    let server = ApiServer::new();
    server.serves(RETENTIONS);
    let terminal = Terminal::new();
    let kubeconfig = terminal.file("kubeconfig", &server.kubeconfig().await);
    let terminal = terminal.with("KUBECONFIG", PathBuf::from(kubeconfig));
    terminal.resources(&[Resource { scope: "Cluster", ..Resource::of(&registry, PR) }]);
    (registry, server, terminal)
}

async fn what_workloads_use_and_others_keep_stays(version: Version) {
    let (registry, server, terminal) = start(version).await;
    let template = json!({"spec": {"containers": [{"name": "a", "image": "registry.example/app:pr-1"}]}});
    server.put(DEPLOYMENTS, "shop", "web", json!({"spec": {"replicas": 0, "template": template}}));
    let keeps = json!([{"name": "demo", "repositories": {"include": ["app"]}, "tags": {"include": ["pr-2"]}, "action": "Keep"},
                       {"name": "all", "repositories": {"include": ["app"]}, "tags": {"include": ["v1"]}, "action": "Delete"}]);
    let spec = json!({"registry": {"url": registry.url()}, "rules": keeps, "protect": {"tags": ["pr-3"], "minimumAge": "0h"},
                      "limits": {"maxDeletePercent": 100}});
    let other = json!({"apiVersion": "registry-retention.dev/v1alpha1", "kind": "RegistryRetention", "spec": spec});
    server.put(RETENTIONS, "shop", "theirs", other);

    let plan = terminal.plan("--complete-lists").await;
    assert_eq!(condemned(&plan), ["app:pr-4"]);
    let reasons = TAGS.map(|tag| reason(&plan, tag));
    assert_eq!(reasons, ["OtherRun", "InUse", "KeptElsewhere", "Protected", "DeleteAction"]);
    assert_eq!(plan["notices"][0]["reason"], "OthersKeep");
    let explained = terminal.run("explain app:pr-1 -f").await.code(0);
    explained.says(&[
        "keep (InUse)",
        "Note: what these resources of the cluster keep",
        "used by      Deployment shop/web",
    ]);

    let pruned = terminal.run("prune -f --yes --complete-lists").await.code(0);
    pruned.says(&["deleted app:pr-4", "shop/theirs"]).conceals(&["deleted app:pr-1"]);
    exactly_is_whole(&registry, "app", &set(["v1", "pr-1", "pr-2", "pr-3"])).await;
    let pruned = terminal.run("prune -f --yes --ignore-cluster").await.code(0);
    pruned.says(&["NO CLUSTER WAS ASKED", "deleted app:pr-1", "deleted app:pr-2", "deleted app:pr-3"]);
    exactly_is_whole(&registry, "app", &set(["v1"])).await;
}

/// A run that is held at its first deletion.
async fn held(version: Version) -> (Registry, ApiServer, Terminal, Relay) {
    let (registry, server, terminal) = start(version).await;
    let relay = Relay::start(&registry).await;
    terminal.resources(&[Resource { scope: "Cluster", url: relay.url().to_owned(), ..Resource::of(&registry, PR) }]);
    (registry, server, terminal, relay)
}

async fn what_comes_into_use_during_a_run_stays(version: Version) {
    let (registry, server, terminal, relay) = held(version).await;
    let gate = relay.on(Method::DELETE, DELETION).nth(1).gate();
    let child = terminal.spawn("prune -f --yes");
    gate.reached().await;
    for tag in TAGS {
        server.pod("shop", &format!("new-{tag}"), &format!("registry.example/app:{tag}"));
    }
    // The watch needs a moment.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    gate.open();
    let output = child.wait_with_output().await.expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout);
    let gone: Vec<&str> = TAGS.into_iter().filter(|tag| text.contains(&format!("deleted app:{tag}"))).collect();
    assert_eq!(gone.len(), 1, "only what was on its way: {text}");
    let left = TAGS.into_iter().filter(|tag| *tag != gone[0]);
    exactly_is_whole(&registry, "app", &set(left)).await;
}

async fn a_cluster_that_falls_silent_ends_the_run(version: Version) {
    let (registry, server, terminal, relay) = held(version).await;
    let gate = relay.on(Method::DELETE, DELETION).nth(1).gate();
    let child = terminal.spawn("prune -f --yes");
    gate.reached().await;
    server.answers(DEPLOYMENTS, "", 500, usize::MAX);
    let status =
        json!({"kind": "Status", "code": 500, "status": "Failure", "message": "no", "reason": "", "metadata": {}});
    server.tell(DEPLOYMENTS, json!({"type": "ERROR", "object": status}));
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    gate.open();
    let output = child.wait_with_output().await.expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert!(text.contains("what workloads use is not known: deployments.apps"), "{text}");
    let mut there = 0;
    for tag in TAGS {
        there += usize::from(is_there(&registry, "app", &super::image(tag).digest()).await);
    }
    assert!(there >= 4, "only what was on its way went: {text}");
}
