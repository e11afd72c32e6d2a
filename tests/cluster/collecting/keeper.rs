//! What a keeper may do to a Deployment: the undo, and nothing else.

use registry_retention::collection::marks::{HOW_TO_THAW, READ_ONLY, READ_ONLY_VALUE, RUN, ZEROED};
use registry_retention::collection::protocol::Strategy;
use serde_json::{Value, json};

use crate::support::Cluster;

use super::Guarded;
use super::guarded::{Who, annotations, claim, entry, lift, template, zeroed};

#[test]
fn a_keeper_can_thaw_and_do_nothing_else() {
    let cluster = Cluster::up();
    let guarded = Guarded::set(&cluster);
    let frozen = claim("r1", Strategy::ScaleToZero).frozen().paused();
    // An entry of the same name elsewhere is not its business.
    let aside = json!({"name": "aside", "image": "localhost/busybox:1", "env": [{"name": READ_ONLY, "value": "mine"}]});
    guarded.operate("", &json!({"spec": {"template": {"spec": {"initContainers": [aside]}}}}));
    guarded.operate("", &annotations(&json!({"example.com/note": "a"})));
    let freeze = |replicas: i32| {
        guarded.apply(Who::Operator, Some(&frozen)).expect("the operator may freeze");
        let mut zero = annotations(&json!({ZEROED: zeroed("r1", replicas)}));
        zero["spec"] = json!({"replicas": 0});
        guarded.operate("", &zero);
    };
    freeze(12);

    let before = guarded.deployment()["spec"].clone();
    for harm in harms() {
        match guarded.ask(Who::Keeper, "", &harm) {
            Ok(said) => panic!("{harm}: {said}"),
            Err(error) => assert!(error.contains("denied request: A keeper of registry-retention "), "{harm}: {error}"),
        }
    }
    assert_eq!(guarded.deployment()["spec"], before);
    let lines = [
        "delete deployment registry",
        "scale deployment registry --replicas=1",
        "get secrets",
        "create job x --image=x",
    ];
    for line in lines {
        let error = guarded.tried(Who::Keeper, line, &Value::Null).expect_err("it has no such right");
        assert!(error.contains(" cannot "), "{line}: {error}");
    }

    freeze(3);
    // As by apply, then the zero; and all at once, whoever owns it.
    guarded.apply(Who::Keeper, None).expect("the keeper may thaw");
    let mut unzero = annotations(&json!({ZEROED: null}));
    unzero["spec"] = json!({"replicas": 3});
    guarded.ask(Who::Keeper, "", &unzero).expect("the keeper may take the zero back");
    let left = guarded.deployment();
    assert_eq!((&left["spec"]["replicas"], &left["spec"]["paused"]), (&json!(3), &Value::Null));
    freeze(1);
    let mut back = lift(&json!({}));
    back["spec"]["replicas"] = json!(1);
    back["spec"]["paused"] = Value::Null;
    guarded.ask(Who::Keeper, "", &back).expect("the keeper may take everything back");
    let left = guarded.deployment();
    let annotations = &left["metadata"]["annotations"];
    assert!([RUN, HOW_TO_THAW, ZEROED].iter().all(|mark| annotations[mark].is_null()), "{annotations}");
    assert_eq!(annotations["example.com/note"], "a");
    assert!(!left["spec"]["template"]["spec"]["containers"].to_string().contains(READ_ONLY), "{left}");
}

/// Patches that are no undo.
fn harms() -> Vec<Value> {
    let container = |more: Value| {
        let mut container = json!({"name": "registry"});
        container.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
        json!({"spec": {"template": {"spec": {"containers": [container]}}}})
    };
    let pod = |more: Value| json!({"spec": {"template": {"spec": more}}});
    let aside = json!([{"name": "more", "image": "localhost/busybox:1"}]);
    let replicas = |replicas: i32| {
        let mut patch = annotations(&json!({ZEROED: null}));
        patch["spec"] = json!({"replicas": replicas});
        patch
    };
    let with_lift = |more: Value| {
        let mut patch = lift(&json!({}));
        patch["spec"]["template"]["spec"]["containers"][0]["image"] = more;
        patch
    };
    vec![
        container(json!({"image": "localhost/busybox:1"})),
        container(json!({"command": ["sh"]})),
        container(json!({"securityContext": {"runAsUser": 0}})),
        container(json!({"env": [{"name": "MORE", "value": "a"}]})),
        container(json!({"env": [{"name": "REGISTRY_STORAGE_DELETE_ENABLED", "value": "false"}]})),
        container(json!({"env": [{"name": "REGISTRY_STORAGE_DELETE_ENABLED", "$patch": "delete"}]})),
        container(json!({"env": [entry("{}")]})),
        container(json!({"resources": {"limits": {"cpu": "1"}}})),
        with_lift(json!("localhost/busybox:1")),
        pod(json!({"containers": aside})),
        pod(json!({"initContainers": aside})),
        pod(json!({"initContainers": [{"name": "aside", "env": [{"name": READ_ONLY, "$patch": "delete"}]}]})),
        pod(json!({"initContainers": [{"name": "aside", "$patch": "delete"}]})),
        pod(json!({"serviceAccountName": "default"})),
        pod(json!({"hostNetwork": true})),
        pod(json!({"volumes": [{"name": "more", "emptyDir": {}}]})),
        json!({"spec": {"template": {"metadata": {"labels": {"more": "a"}}}}}),
        json!({"spec": {"minReadySeconds": 5}}),
        json!({"spec": {"strategy": {"type": "RollingUpdate"}}}),
        json!({"spec": {"replicas": 2}}),
        // The number to go back to is 12.
        replicas(1),
        replicas(2),
        replicas(120),
        json!({"metadata": {"labels": {"more": "a"}}}),
        json!({"metadata": {"finalizers": ["example.com/more"]}}),
        annotations(&json!({"example.com/note": null})),
        annotations(&json!({"example.com/note": "b"})),
        annotations(&json!({"example.com/more": "a"})),
        annotations(&json!({RUN: READ_ONLY_VALUE})),
        json!({"spec": template(&json!([{"name": READ_ONLY, "value": "{\"enabled\":false}"}]))}),
    ]
}
