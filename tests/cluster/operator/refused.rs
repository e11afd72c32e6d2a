//! What stands in the way of a run, each with its own name in condition and event; nothing is deleted then.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::registries::{Artifact, Credentials, Version};
use crate::support::{Cluster, Operator, RegistryPod, Retention};

const TAGS: [&str; 3] = ["pr-1", "pr-2", "stable"];

#[test]
fn whatever_stands_in_the_way_has_a_name() {
    let cluster = Cluster::up();
    let login = Credentials::new("retention", "right");
    let at = |version, namespace, port| RegistryPod::builder(version).namespace(namespace).node_port(port);
    let locked = at(Version::V2_8, "locked", 30500).login(&login).start(&cluster);
    let disabled = at(Version::V3_1, "disabled", 30501).env("REGISTRY_STORAGE_DELETE_ENABLED", "false").start(&cluster);
    let cache = at(Version::V3_1, "cache", 30502).env("REGISTRY_PROXY_REMOTEURL", &disabled.service_url());
    for registry in [&locked, &disabled] {
        push(&cluster, registry, &TAGS);
    }
    let cache = cache.start(&cluster);
    for tag in TAGS {
        assert_eq!(cluster.block_on(cache.pusher().is_whole("app", tag)), Ok(()), "it is pulled through");
    }
    let frozen = at(Version::V2_8, "frozen", 30503).start(&cluster);
    push(&cluster, &frozen, &TAGS);
    freeze(&cluster, &frozen);
    secret(&cluster, "locked", &Credentials::new("retention", "wrong"));
    cluster.kubectl(&["create", "namespace", "lost"]);

    Operator::install(&cluster, &["allNamespaces=true"]);
    let cases = [
        ("locked", "Unauthorized", "check the user name and the password"),
        ("lost", "UnknownHost", "check the registry's URL"),
        ("disabled", "DeleteDisabled", "REGISTRY_STORAGE_DELETE_ENABLED=true"),
        ("frozen", "ReadOnly", "take storage.maintenance.readonly out"),
        ("cache", "PullThrough", "prune the registry behind it"),
    ];
    for (namespace, ..) in cases {
        let mut team = resource(namespace, "team", &format!("http://registry.{namespace}:5000"), "pr-*");
        team["metadata"]["annotations"] = json!({"registry-retention.dev/requestedAt": "first"});
        if namespace == "locked" {
            team["spec"]["registry"]["secretRef"] = json!({"name": "login"});
        }
        cluster.apply(&team.to_string());
    }
    for (namespace, reason, says) in cases {
        let team = Retention::new(&cluster, namespace, "team");
        let status = team.run("first");
        assert_eq!(status.last_run.expect("a run").deleted, 0);
        assert_eq!(team.conditions()[0], format!("Ready=False {reason}"));
        let message = team.message("Ready");
        assert!(message.contains(says), "{message}");
        assert!(message.ends_with(&format!("Next: kubectl registry-retention run team -n {namespace}")), "{message}");
        assert!(!message.contains("wrong"), "{message}");
        team.told(&[&format!("Warning {reason}")]);
        // A host that nobody knows may be a moment's trouble of the cluster's DNS; the others need a person.
        let stalled = team.conditions().contains(&format!("Stalled=True {reason}"));
        assert_eq!(stalled, reason != "UnknownHost", "{:?}", team.conditions());
    }
    for registry in [&locked, &disabled, &frozen, &cache] {
        assert_eq!(tags(&cluster, registry), TAGS.map(str::to_owned).into(), "{}", registry.namespace());
    }

    // What was put right is found by itself.
    secret(&cluster, "locked", &login);
    let team = Retention::new(&cluster, "locked", "team");
    team.run("second");
    assert_eq!(team.conditions(), ["Ready=True Pruned"]);
    assert_eq!(tags(&cluster, &locked), ["stable".to_owned()].into());
}

#[test]
fn a_malformed_resource_holds_its_registry_and_no_other() {
    let cluster = Cluster::up();
    let registry = RegistryPod::start(&cluster, Version::V3_1);
    push(&cluster, &registry, &TAGS);
    Operator::install(&cluster, &["allNamespaces=true"]);
    cluster.kubectl(&["create", "namespace", "others"]);
    let team = Retention::new(&cluster, "registry", "team");
    let others = Retention::new(&cluster, "others", "malformed");

    // Of another registry: it is told of it, and nobody else is.
    let malformed = resource("others", "malformed", "http://registry.elsewhere:5000", "pr-*");
    cluster.apply(&with_bad_expression(malformed).to_string());
    cluster.apply(&resource("registry", "team", "http://registry.registry:5000", "pr-*").to_string());
    others.wait_for("Stalled");
    assert_eq!(others.conditions(), ["Ready=False ResourceInvalid", "Stalled=True ResourceInvalid"]);
    let message = others.message("Stalled");
    assert!(message.contains("spec.rules[0].tags.includeRegex"), "{message}");
    team.wait_for("Ready");
    team.run("first");
    assert_eq!(team.conditions(), ["Ready=True Pruned"]);
    assert_eq!(tags(&cluster, &registry), ["stable".to_owned()].into());

    // Of this one, by another of its names: it might keep anything.
    push(&cluster, &registry, &TAGS);
    let malformed = resource("others", "malformed", "http://registry.registry.svc:5000", "pr-*");
    cluster.apply(&with_bad_expression(malformed).to_string());
    let status = team.run("second");
    assert_eq!(status.last_run.expect("a run").deleted, 0);
    assert_eq!(team.conditions(), ["Ready=False ResourceInvalid", "Stalled=True ResourceInvalid"]);
    let message = team.message("Stalled");
    assert!(message.contains("others/malformed") && message.contains("spec.rules[0].tags.includeRegex"), "{message}");
    assert_eq!(tags(&cluster, &registry), TAGS.map(str::to_owned).into());

    cluster.kubectl(&["delete", "rr", "malformed", "-n", "others"]);
    team.wait_for("Ready");
    team.run("third");
    assert_eq!(tags(&cluster, &registry), ["stable".to_owned()].into());
    team.told(&["Normal Planned", "Normal Pruned", "Warning ResourceInvalid", "Normal Pruned"]);
}

fn push(cluster: &Cluster, registry: &RegistryPod, tags: &[&str]) {
    for tag in tags {
        let image = Artifact::image(*tag).layers(1, 1000).build();
        cluster.block_on(registry.pusher().push("app", tag, &image));
    }
}

fn tags(cluster: &Cluster, registry: &RegistryPod) -> BTreeSet<String> {
    cluster.block_on(registry.pusher().tags("app")).into_iter().flatten().collect()
}

/// As an administrator does it for a collection by hand.
fn freeze(cluster: &Cluster, registry: &RegistryPod) {
    let setting = r#"REGISTRY_STORAGE_MAINTENANCE_READONLY={"enabled":true}"#;
    cluster.kubectl(&["set", "env", "deployment/registry", "-n", registry.namespace(), setting]);
    registry.wait_ready(cluster);
}

fn secret(cluster: &Cluster, namespace: &str, login: &Credentials) {
    let data = json!({"username": login.user, "password": login.password});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/basic-auth",
        "metadata": {"name": "login", "namespace": namespace}, "stringData": data});
    cluster.apply(&secret.to_string());
}

/// A resource that deletes the tags of the repository `app` that `tags` matches.
fn resource(namespace: &str, name: &str, url: &str, tags: &str) -> Value {
    let rule = json!({"name": "pull-requests", "repositories": {"include": ["app"]}, "tags": {"include": [tags]},
        "action": "Delete"});
    let spec = json!({"mode": "Enforce", "registry": {"url": url, "completeTagLists": true}, "rules": [rule],
        "protect": {"minimumAge": "0h"}, "limits": {"maxDeletePercent": 90}});
    json!({"apiVersion": "registry-retention.dev/v1alpha1", "kind": "RegistryRetention",
        "metadata": {"name": name, "namespace": namespace}, "spec": spec})
}

/// Wrong in a way that the API server cannot judge.
fn with_bad_expression(mut resource: Value) -> Value {
    resource["spec"]["rules"][0]["tags"] = json!({"includeRegex": ["pr-(["]});
    resource
}
