//! What can be said in values, that all of it is documented, and what a wrong one is answered with.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::helm::{CHART, refusal};

fn file(name: &str) -> String {
    fs::read_to_string(format!("{CHART}/{name}")).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(&file("values.schema.json")).unwrap()
}

fn defaults() -> Value {
    serde_saphyr::from_str(&file("values.yaml")).unwrap()
}

/// Every value by its path: what has no named parts of its own.
fn values_of(path: &str, schema: &Value, defaults: &Value, found: &mut BTreeMap<String, Value>) {
    for (name, part) in schema["properties"].as_object().unwrap() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if ["global", "resources", "affinity"].contains(&name.as_str()) || part["properties"].is_null() {
            found.insert(path, defaults[name].clone());
        } else {
            values_of(&path, part, &defaults[name], found);
        }
    }
}

fn values() -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    values_of("", &schema(), &defaults(), &mut found);
    assert_eq!(found.remove("global"), Some(Value::Null), "a parent's, with no default of ours");
    found
}

#[test]
fn the_schema_is_strict_and_says_what_each_value_means() {
    fn strict(path: &str, node: &Value) {
        assert!(node["description"].as_str().is_some_and(|text| text.ends_with('.')), "{path}: no description");
        if node["properties"].is_object() {
            assert_eq!(node["additionalProperties"], false, "{path}");
        }
        for (name, part) in node["properties"].as_object().into_iter().flatten() {
            strict(&format!("{path}.{name}"), part);
        }
        if node["type"] == "array" {
            strict(&format!("{path}[]"), &node["items"]);
        }
    }
    let schema = schema();
    assert_eq!(schema["additionalProperties"], false);
    for (name, part) in schema["properties"].as_object().unwrap() {
        strict(name, part);
    }
}

#[test]
fn every_value_has_a_default_and_every_default_is_a_value() {
    fn known(path: &str, defaults: &Value, schema: &Value) {
        for (name, default) in defaults.as_object().into_iter().flatten() {
            let part = &schema["properties"][name];
            let path = format!("{path}.{name}");
            assert!(!part.is_null(), "{path}");
            if part["properties"].is_object() {
                known(&path, default, part);
            }
        }
    }
    known("", &defaults(), &schema());
    for (path, default) in values() {
        assert!(!default.is_null(), "{path} is not in values.yaml");
    }
}

#[test]
fn the_readme_has_every_value_and_its_default() {
    let readme = file("README.md");
    let table = readme.split("\n## ").find(|section| section.starts_with("Values\n")).unwrap();
    let rows: BTreeMap<_, _> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "))
        .map(|(path, rest)| (path.to_owned(), rest.split_once(" | ").unwrap().0.to_owned()))
        .collect();
    let values = values();
    assert!(rows.keys().eq(values.keys()), "{:?}\n{:?}", rows.keys(), values.keys());
    for (path, default) in values {
        let shown = match &default {
            Value::String(text) if !text.is_empty() => text.clone(),
            // Said in words.
            Value::Object(parts) if !parts.is_empty() => continue,
            other => other.to_string(),
        };
        assert_eq!(rows[&path], format!("`{shown}`"), "{path}");
    }
}

#[test]
fn a_wrong_value_is_refused_by_name() {
    let cases = [
        (json!({"namespace": "a"}), "additional properties 'namespace' not allowed"),
        (json!({"namespaces": "a"}), "at '/namespaces': got string, want array"),
        (json!({"namespaces": ["Team"]}), "at '/namespaces/0': 'Team' does not match"),
        (json!({"namespaces": ["a,b"]}), "at '/namespaces/0': 'a,b' does not match"),
        (json!({"namespaces": ["a", "a"]}), "at '/namespaces': items at 0 and 1 are equal"),
        (json!({"allNamespaces": "yes"}), "at '/allNamespaces': got string, want boolean"),
        (json!({"collection": {"namespaces": ["Team"]}}), "at '/collection/namespaces/0': 'Team' does not match"),
        (json!({"collection": {"namespace": "a"}}), "at '/collection': additional properties 'namespace' not allowed"),
        (json!({"guard": {"create": "no"}}), "at '/guard/create': got string, want boolean"),
        (json!({"guard": {"enabled": false}}), "at '/guard': additional properties 'enabled' not allowed"),
        (json!({"workloads": {"clusterwide": true}}), "at '/workloads': additional properties 'clusterwide'"),
        (json!({"image": {"tag": 1.5}}), "at '/image/tag': got number, want string"),
        (json!({"image": {"tag": "a:b"}}), "at '/image/tag': 'a:b' does not match"),
        (json!({"image": {"repository": "a/b@sha256"}}), "at '/image/repository': 'a/b@sha256' does not match"),
        (json!({"image": {"repository": "a/b:1"}}), "at '/image/repository': 'a/b:1' does not match"),
        (json!({"image": {"pullPolicy": "Sometimes"}}), "at '/image/pullPolicy': value must be one of 'Always'"),
        (json!({"image": {"pullSecrets": ["a"]}}), "at '/image/pullSecrets/0': got string, want object"),
        (json!({"logLevel": "chatty"}), "at '/logLevel': 'chatty' does not match"),
        (json!({"crds": {"keep": false}}), "at '/crds': additional properties 'keep' not allowed"),
        (json!({"replicas": 2}), "additional properties 'replicas' not allowed"),
        (json!({"rbac": {"create": 1}}), "at '/rbac/create': got number, want boolean"),
        (json!({"serviceAccount": {"name": "A"}}), "at '/serviceAccount/name': 'A' does not match"),
        (json!({"metrics": {"enabled": true}}), "at '/metrics': additional properties 'enabled' not allowed"),
        (json!({"metrics": {"serviceMonitor": {"interval": "1 minute"}}}), "at '/metrics/serviceMonitor/interval'"),
        (json!({"resources": {"limit": {}}}), "at '/resources': additional properties 'limit' not allowed"),
        (json!({"resources": {"limits": {"memory": "1GB"}}}), "at '/resources/limits/memory': '1GB' does not match"),
        (json!({"podLabels": {"a b": "c"}}), "at '/podLabels': additional properties 'a b' not allowed"),
        (json!({"podLabels": {"a": "b c"}}), "at '/podLabels/a': 'b c' does not match"),
        (json!({"podAnnotations": {"a": true}}), "at '/podAnnotations/a': got boolean, want string"),
        (json!({"nodeSelector": {"a": true}}), "at '/nodeSelector/a': got boolean, want string"),
        (json!({"tolerations": [{"effects": "x"}]}), "at '/tolerations/0': additional properties 'effects'"),
        (json!({"affinity": {"nodes": {}}}), "at '/affinity': additional properties 'nodes' not allowed"),
    ];
    for (values, message) in cases {
        let refusal = refusal(&values);
        assert!(refusal.contains(message), "{values}: {refusal}");
    }
}

#[test]
fn values_that_are_wrong_together_are_refused_with_what_to_do() {
    let cases = [
        (json!({"allNamespaces": true, "namespaces": ["a"]}), "leave out one of them"),
        (json!({"allNamespaces": true, "workloads": {"clusterWide": false}}), "needs a list of namespaces"),
        (json!({"collection": {"namespaces": ["a"]}}), "collection.namespaces goes with allNamespaces only"),
        (json!({"serviceAccount": {"create": false}}), "needs serviceAccount.name"),
        (
            json!({"metrics": {"service": {"enabled": false}, "serviceMonitor": {"enabled": true}}}),
            "needs metrics.service.enabled",
        ),
    ];
    for (values, message) in cases {
        let refusal = refusal(&values);
        assert!(refusal.contains(message), "{values}: {refusal}");
    }
}
