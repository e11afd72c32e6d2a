//! What the operator may do, and where: these tables and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use registry_retention::collection::marks::KEEPER_ACCOUNT;
use serde_json::{Value, json};

use super::helm::{objects, of_kind, render, value_sets};

const EVERYWHERE: &str = "
    registryretentions.registry-retention.dev: get list watch
    registrycollections.registry-retention.dev: get list watch
    nodes: get list watch
    persistentvolumes: get
    customresourcedefinitions.apiextensions.k8s.io/registrycollections.registry-retention.dev: get
    customresourcedefinitions.apiextensions.k8s.io/registryretentions.registry-retention.dev: get
";

const WORKLOADS: &str = "
    pods: get list watch
    podtemplates: get list watch
    replicationcontrollers: get list watch
    controllerrevisions.apps: get list watch
    daemonsets.apps: get list watch
    deployments.apps: get list watch
    replicasets.apps: get list watch
    statefulsets.apps: get list watch
    cronjobs.batch: get list watch
    jobs.batch: get list watch
";

const WRITES: &str = "
    registryretentions/status.registry-retention.dev: get patch update
    registrycollections.registry-retention.dev: get list watch create update patch delete
    registrycollections/status.registry-retention.dev: get patch update
    configmaps: get list create delete
    secrets: get
    events.events.k8s.io: create patch
    deployments.apps: get list watch patch
    persistentvolumeclaims: get list
    pods: get list watch
    pods/log: get
    jobs.batch: get list watch create patch delete
    serviceaccounts: get
    leases.coordination.k8s.io: get create update patch
";

const KEEPER: &str = "
    deployments.apps: get patch
    jobs.batch: get list delete
    pods: get list watch
    leases.coordination.k8s.io: get
    registrycollections.registry-retention.dev: get patch
    registrycollections/status.registry-retention.dev: get update
    events.events.k8s.io: create patch
";

const KEEPER_EVERYWHERE: &str = "
    nodes: get
";

const RECORDS: &str = "
    configmaps: get list create delete
";

/// Verbs by where (a namespace, or `*` for everywhere) and what.
type Rights = BTreeMap<(String, String), BTreeSet<String>>;

fn expected(tables: &[(&str, &str)]) -> Rights {
    let mut rights = Rights::new();
    for (place, table) in tables {
        for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (what, verbs) = line.split_once(": ").unwrap();
            let right = rights.entry(((*place).to_owned(), what.to_owned())).or_default();
            right.extend(verbs.split(' ').map(str::to_owned));
        }
    }
    rights
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().map(text)
}

/// The rights of a role, as if it were bound at `place`.
fn add(rights: &mut Rights, place: &str, role: &Value) {
    for rule in role["rules"].as_array().unwrap() {
        for key in rule.as_object().unwrap().keys() {
            assert!(["apiGroups", "resources", "resourceNames", "verbs"].contains(&key.as_str()), "{rule}");
        }
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                let kind = [resource, group].join(".").trim_end_matches('.').to_owned();
                let names: Vec<_> = texts(&rule["resourceNames"]).collect();
                let all = if names.is_empty() {
                    vec![kind]
                } else {
                    names.iter().map(|name| format!("{kind}/{name}")).collect()
                };
                for what in all {
                    let right = rights.entry((place.to_owned(), what)).or_default();
                    right.extend(texts(&rule["verbs"]).map(str::to_owned));
                }
            }
        }
    }
}

/// What the bindings among these objects give to the pod's account; others are of keepers.
fn granted(objects: &[Value]) -> Rights {
    let deployment = of_kind(objects, "Deployment")[0];
    let account = &deployment["spec"]["template"]["spec"]["serviceAccountName"];
    let namespace = &deployment["metadata"]["namespace"];
    let subjects = |binding: &Value| binding["subjects"].as_array().unwrap().clone();
    for subject in of_bindings(objects).flat_map(subjects) {
        let is_operators = subject["name"] == *account && subject["namespace"] == *namespace;
        assert!(is_operators || subject["name"] == KEEPER_ACCOUNT, "{subject}");
    }
    granted_to(objects, text(account), text(namespace))
}

/// What they give to the keepers of a namespace.
fn granted_to_keepers(objects: &[Value], namespace: &str) -> Rights {
    granted_to(objects, KEEPER_ACCOUNT, namespace)
}

fn of_bindings(objects: &[Value]) -> impl Iterator<Item = &Value> {
    objects.iter().filter(|object| text(&object["kind"]).ends_with("RoleBinding"))
}

fn granted_to(objects: &[Value], account: &str, namespace: &str) -> Rights {
    let account = json!([{"kind": "ServiceAccount", "name": account, "namespace": namespace}]);
    let mut rights = Rights::new();
    for binding in of_bindings(objects).filter(|binding| binding["subjects"] == account) {
        let namespace = &binding["metadata"]["namespace"];
        let role = objects.iter().find(|object| {
            object["kind"] == binding["roleRef"]["kind"]
                && object["metadata"]["name"] == binding["roleRef"]["name"]
                && (binding["roleRef"]["kind"] == "ClusterRole" || object["metadata"]["namespace"] == *namespace)
        });
        let role = role.unwrap_or_else(|| panic!("no role for {binding}"));
        add(&mut rights, namespace.as_str().unwrap_or("*"), role);
    }
    rights
}

#[test]
fn by_default_it_writes_in_its_own_namespace_only() {
    let tables = [("*", EVERYWHERE), ("*", WORKLOADS), ("registry", WRITES), ("registry", RECORDS)];
    assert_eq!(granted(&render(&json!({}))), expected(&tables));
}

#[test]
fn named_namespaces_are_the_only_ones_it_writes_in() {
    let tables = [("*", EVERYWHERE), ("*", WORKLOADS), ("team-a", WRITES), ("team-b", WRITES), ("registry", RECORDS)];
    let rendered = render(&json!({"namespaces": ["team-b", "team-a"]}));
    assert_eq!(granted(&rendered), expected(&tables));
}

#[test]
fn all_namespaces_are_a_cluster_role() {
    let tables = [("*", EVERYWHERE), ("*", WORKLOADS), ("*", WRITES), ("registry", RECORDS)];
    assert_eq!(granted(&render(&json!({"allNamespaces": true}))), expected(&tables));
}

#[test]
fn without_the_whole_cluster_workloads_are_read_where_resources_are_served() {
    let tables = [
        ("*", EVERYWHERE),
        ("team-a", WORKLOADS),
        ("team-b", WORKLOADS),
        ("team-a", WRITES),
        ("team-b", WRITES),
        ("registry", RECORDS),
    ];
    let values = json!({"namespaces": ["team-a", "team-b"], "workloads": {"clusterWide": false}});
    assert_eq!(granted(&render(&values)), expected(&tables));
}

#[test]
fn an_account_of_ones_own_gets_the_same_rights() {
    let values = json!({"serviceAccount": {"create": false, "name": "mine"}});
    let rendered = render(&values);
    let accounts = of_kind(&rendered, "ServiceAccount");
    assert!(accounts.iter().all(|account| account["metadata"]["name"] == KEEPER_ACCOUNT), "{accounts:?}");
    assert_eq!(granted(&rendered), granted(&render(&json!({}))));
}

#[test]
fn keepers_have_an_account_wherever_garbage_may_be_collected() {
    let sets = [
        (json!({}), vec!["registry"]),
        (json!({"namespaces": ["team-b", "team-a"]}), vec!["team-a", "team-b"]),
        (json!({"allNamespaces": true}), vec![]),
        (json!({"allNamespaces": true, "collection": {"namespaces": ["team-b", "team-a"]}}), vec!["team-a", "team-b"]),
    ];
    for (values, namespaces) in sets {
        let rendered = render(&values);
        let accounts = of_kind(&rendered, "ServiceAccount");
        let keepers = accounts.into_iter().filter(|account| account["metadata"]["name"] == KEEPER_ACCOUNT);
        let keepers: Vec<&Value> = keepers.collect();
        assert!(keepers.iter().all(|account| account["automountServiceAccountToken"] == false), "{keepers:?}");
        assert!(
            keepers.iter().map(|account| text(&account["metadata"]["namespace"])).eq(namespaces.clone()),
            "{values}"
        );
        for namespace in namespaces {
            let tables = [("*", KEEPER_EVERYWHERE), (namespace, KEEPER)];
            assert_eq!(granted_to_keepers(&rendered, namespace), expected(&tables), "{values}");
        }
    }
}

#[test]
fn what_a_keeper_needs_stays_when_the_release_goes() {
    for (name, values) in value_sets() {
        let rendered = render(&values);
        let of_keepers = |object: &&Value| text(&object["metadata"]["name"]).contains("-keeper");
        for object in rendered.iter().filter(of_keepers).filter(|object| !text(&object["kind"]).contains("Policy")) {
            assert_eq!(object["metadata"]["annotations"]["helm.sh/resource-policy"], "keep", "{name}: {object}");
        }
    }
}

#[test]
fn no_role_is_made_where_none_is_wanted() {
    let rendered = render(&json!({"rbac": {"create": false}}));
    assert!(rendered.iter().all(|object| !text(&object["kind"]).contains("Role")));
}

#[test]
fn people_get_roles_that_nobody_has_yet() {
    let rendered = render(&json!({}));
    let role = |name: &str| {
        let mut rights = Rights::new();
        let roles = of_kind(&rendered, "ClusterRole");
        add(&mut rights, "*", roles.iter().find(|role| role["metadata"]["name"] == name).unwrap());
        rights
    };
    let status = "
        registryretentions/status.registry-retention.dev: get
        registrycollections/status.registry-retention.dev: get";
    let viewer = "
        registryretentions.registry-retention.dev: get list watch
        registrycollections.registry-retention.dev: get list watch";
    let editor = "
        registryretentions.registry-retention.dev: get list watch create update patch delete
        registrycollections.registry-retention.dev: get list watch create update patch delete";
    assert_eq!(role("rr-registry-retention-viewer"), expected(&[("*", viewer), ("*", status)]));
    assert_eq!(role("rr-registry-retention-editor"), expected(&[("*", editor), ("*", status)]));
    // `granted` sees what is bound, and to whom.
    assert_eq!(of_kind(&rendered, "ClusterRoleBinding").len(), 2);

    let without = render(&json!({"rbac": {"userRoles": false}}));
    assert_eq!(granted(&without), granted(&rendered));
    assert_eq!(of_kind(&without, "ClusterRole").len(), 2);
}

#[test]
fn nothing_is_aggregated() {
    for (name, values) in value_sets() {
        for object in render(&values) {
            assert!(object["aggregationRule"].is_null(), "{name}: {object}");
            for field in ["labels", "annotations"] {
                for label in object["metadata"][field].as_object().into_iter().flatten() {
                    assert!(!label.0.starts_with("rbac."), "{name}: {label:?}");
                }
            }
        }
    }
}

#[test]
fn the_plain_manifests_give_the_same_as_all_namespaces() {
    let plain = objects(&std::fs::read_to_string("deploy/registry-retention.yaml").unwrap());
    let tables = [("*", EVERYWHERE), ("*", WORKLOADS), ("*", WRITES), ("registry-retention", RECORDS)];
    assert_eq!(granted(&plain), expected(&tables));
}
