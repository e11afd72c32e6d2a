//! Two resources in two namespaces name one registry by two URLs.

use std::collections::BTreeSet;

use registry_retention::api::RunResult;
use reqwest::{Method, StatusCode, header};
use serde_json::json;

use crate::registries::Version;
use crate::support::{Cluster, Operator, Retention};

use super::stage::{Stage, TAGS, number};

#[test]
fn two_urls_of_one_registry_are_pruned_by_one_worker() {
    let cluster = Cluster::up();
    let stage = Stage::set(&cluster, Version::V3_1);
    let port = give_the_relay_a_service(&stage);
    cluster.kubectl(&["create", "namespace", "team"]);
    let _operator = Operator::install(&cluster, &["namespaces={registry,team}"]);
    stage.fill(&["one/a", "two/a", "both/a"]);

    let short = format!("relay.registry:{port}");
    let long = format!("relay.registry.svc.cluster.local:{port}");
    let one = resource(&stage, "registry", &short, "one/*");
    let two = resource(&stage, "team", &long, "two/*");
    for team in [&one, &two] {
        team.until(&["Ready=True Planned"]);
    }
    // The second is asked for while the first is at work.
    let gate = stage.relay.on(Method::DELETE, "").nth(20).gate();
    one.request("first");
    cluster.block_on(gate.reached());
    two.request("first");
    gate.open();
    for team in [&one, &two] {
        team.until_idle();
        assert_eq!(team.last_run().result, RunResult::Succeeded);
    }
    stage.assert_only_kept(&["one/a", "two/a", "both/a"]);
    let deleted = [&one, &two].map(|team| team.last_run().deleted);
    assert_eq!(deleted, [number(2 * TAGS), number(TAGS)]);

    let deletions = stage.relay.exchanges().into_iter().filter(|it| it.method == Method::DELETE);
    let deletions: Vec<_> = deletions.filter(|it| it.status == Some(StatusCode::ACCEPTED)).collect();
    let paths: BTreeSet<&str> = deletions.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths.len(), deletions.len(), "something was deleted twice");
    // One after the other, whoever was first.
    let mut hosts: Vec<_> = deletions.iter().map(|it| it.headers[header::HOST].to_str().expect("a host")).collect();
    hosts.dedup();
    assert_eq!(hosts, [short, long]);
}

/// Condemns the tags of its own repositories, and of those that the other condemns as well.
fn resource<'a>(stage: &Stage<'a>, namespace: &str, host: &str, own: &str) -> Retention<'a> {
    let mut spec = stage.spec(own);
    spec["registry"]["url"] = json!(format!("http://{host}"));
    spec["rules"][0]["repositories"]["include"] = json!([own, "both/*"]);
    Retention::apply(stage.cluster, namespace, "team", &spec)
}

/// A Service named `relay` that leads out of the cluster; its port.
fn give_the_relay_a_service(stage: &Stage<'_>) -> u16 {
    let port = stage.relay.url().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
    let metadata = json!({"name": "relay", "namespace": "registry", "labels": {"kubernetes.io/service-name": "relay"}});
    let ports = json!([{"name": "http", "port": port}]);
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports}});
    let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata,
        "addressType": "IPv4", "endpoints": [{"addresses": [Cluster::NODE]}], "ports": ports});
    stage.cluster.apply(&json!({"apiVersion": "v1", "kind": "List", "items": [service, slice]}).to_string());
    port
}
