//! The guard's policies: where they hold, for whom, and that they use the words of the program. What they refuse is shown
//! in a cluster.

use registry_retention::collection::marks::{
    COLLECTOR_DEAD, GUARD_PROBE, GUARD_WORDS, HOW_TO_THAW, KEEPER_ACCOUNT, READ_ONLY, READ_ONLY_VALUE, RUN, ZEROED,
};
use serde_json::{Value, json};

use super::helm::{of_kind, render, value_sets};

const POLICY: &str = "ValidatingAdmissionPolicy";
const BINDING: &str = "ValidatingAdmissionPolicyBinding";

/// The policy whose name ends so.
fn policy<'a>(objects: &'a [Value], name: &str) -> Option<&'a Value> {
    let name = format!("rr-registry-retention-{name}");
    of_kind(objects, POLICY).into_iter().find(|policy| policy["metadata"]["name"] == *name)
}

fn namespaces(policy: &Value) -> Value {
    policy["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"][0]["values"].clone()
}

#[test]
fn every_policy_is_bound_and_refuses() {
    for (name, values) in value_sets() {
        let rendered = render(&values);
        let policies = of_kind(&rendered, POLICY);
        assert_eq!(policies.is_empty(), values["guard"]["create"] == false, "{name}");
        assert_eq!(policies.len(), of_kind(&rendered, BINDING).len(), "{name}");
        for policy in policies {
            let binding = of_kind(&rendered, BINDING);
            let binding = binding.iter().find(|it| it["spec"]["policyName"] == policy["metadata"]["name"]).unwrap();
            assert_eq!(binding["spec"]["validationActions"], json!(["Deny"]), "{name}");
            assert_eq!(policy["spec"]["failurePolicy"], "Fail", "{name}");
            // A binding without a parameter would never be asked; one with a namespace would ask another's collections.
            let parameters = match &policy["spec"]["paramKind"] {
                Value::Null => Value::Null,
                kind => {
                    assert_eq!(
                        *kind,
                        json!({"apiVersion": "registry-retention.dev/v1alpha1", "kind": "RegistryCollection"})
                    );
                    json!({"selector": {}, "parameterNotFoundAction": "Allow"})
                }
            };
            assert_eq!(binding["spec"]["paramRef"], parameters, "{name}: {policy}");
        }
    }
}

#[test]
fn every_refusal_is_in_the_guards_words() {
    let rendered = render(&json!({}));
    for policy in of_kind(&rendered, POLICY) {
        let is_keepers = policy["metadata"]["name"] == "rr-registry-retention-keeper";
        for validation in policy["spec"]["validations"].as_array().unwrap() {
            let message = validation["message"].as_str().unwrap();
            // The operator takes those words for a proof that the guard is there.
            assert_eq!(message.starts_with(&format!("{GUARD_WORDS}: ")), !is_keepers, "{message}");
            assert!(message.ends_with('.') && !message.contains('\n'), "{message}");
            assert_eq!(validation["reason"], "Forbidden", "{message}");
        }
    }
}

#[test]
fn the_names_are_those_of_the_program() {
    let rendered = render(&json!({}));
    let names = [
        ("deployments", &[RUN, HOW_TO_THAW, ZEROED, COLLECTOR_DEAD, GUARD_PROBE, READ_ONLY, KEEPER_ACCOUNT][..]),
        ("pods", &[READ_ONLY, COLLECTOR_DEAD, registry_retention::collection::LABEL_RUN]),
        ("scale", &[COLLECTOR_DEAD]),
        ("keeper", &[ZEROED, GUARD_PROBE, READ_ONLY, KEEPER_ACCOUNT]),
    ];
    for (name, words) in names {
        let policy = policy(&rendered, name).unwrap().to_string().replace("\\\"", "\"");
        for word in words {
            assert!(policy.contains(&format!("'{word}'")) || policy.contains(&format!(":{word}'")), "{name}: {word}");
        }
        let with_value = ["deployments", "pods", "keeper"].contains(&name);
        assert_eq!(policy.contains(&format!("'{READ_ONLY_VALUE}'")), with_value, "{name}");
    }
}

#[test]
fn it_holds_where_the_operator_serves_and_pods_are_asked_where_garbage_may_be_collected() {
    let sets = [
        (json!({}), json!(["registry"]), json!(["registry"])),
        (json!({"namespaces": ["team-b", "team-a"]}), json!(["team-a", "team-b"]), json!(["team-a", "team-b"])),
        (
            json!({"allNamespaces": true, "collection": {"namespaces": ["team-b", "team-a"]}}),
            Value::Null,
            json!(["team-a", "team-b"]),
        ),
        (json!({"allNamespaces": true}), Value::Null, Value::Null),
    ];
    for (values, served, collecting) in sets {
        let rendered = render(&values);
        for name in ["deployments", "keeper"] {
            assert_eq!(namespaces(policy(&rendered, name).unwrap()), served, "{values}: {name}");
        }
        for name in ["pods", "scale"] {
            // In no namespace is not the same as in all.
            let found = policy(&rendered, name);
            assert_eq!(found.map(namespaces).unwrap_or_default(), collecting, "{values}: {name}");
            assert_eq!(found.is_some(), !collecting.is_null(), "{values}: {name}");
        }
    }
}

#[test]
fn the_operators_own_account_is_the_one_that_is_free() {
    for (values, account) in [
        (json!({}), "system:serviceaccount:registry:rr-registry-retention"),
        (json!({"serviceAccount": {"create": false, "name": "mine"}}), "system:serviceaccount:registry:mine"),
    ] {
        let rendered = render(&values);
        let policy = policy(&rendered, "deployments").unwrap().to_string();
        assert!(policy.contains(&format!("'{account}'")), "{policy}");
    }
}
