//! Who may do what to a Deployment while its garbage is collected.

use registry_retention::collection::marks::{GUARD_PROBE, HOW_TO_THAW, READ_ONLY, READ_ONLY_VALUE, RUN, ZEROED};
use registry_retention::collection::protocol::Strategy;
use serde_json::{Value, json};

use crate::support::{Cluster, eventually};

use super::guarded::{PEOPLE, Who, annotations, claim, dead, entry, lift, template, text, zeroed};
use super::{Guarded, words};

const PATCH: &str = "patch deployment registry --patch-file FILE";
const JSON_PATCH: &str = "patch deployment registry --type=json --patch-file FILE";
const REPLACE: &str = "replace --filename FILE";
const APPLY: &str = "apply --filename FILE";

#[test]
fn what_a_run_has_frozen_nobody_lifts_but_the_run_or_who_vouches_for_its_end() {
    let cluster = Cluster::up();
    let guarded = Guarded::set(&cluster);
    let original = original(&guarded);

    probes(&guarded);
    for line in forgeries() {
        refused(&guarded, &PEOPLE, PATCH, &annotations(&line));
    }

    // Claimed, and nothing more: all are free but for the marks.
    let claimed = claim("r1", Strategy::ReadOnly);
    guarded.apply(Who::Operator, Some(&claimed)).expect("the operator may claim");
    refused(&guarded, &PEOPLE, "annotate deployment registry registry-retention.dev/run-", &Value::Null);
    refused(&guarded, &PEOPLE, REPLACE, &original);
    for line in ["set env deployment/registry A=b --dry-run=server", "rollout pause deployment/registry"] {
        allowed(&guarded, Who::Owner, line, &Value::Null);
    }
    allowed(&guarded, Who::Owner, "rollout resume deployment/registry", &Value::Null);
    // So that a keeper is known to be able to thaw before there is anything to thaw.
    guarded.apply_dry(Who::Keeper, None).expect("the keeper may try");
    guarded.apply_dry(Who::Operator, Some(&claimed.clone().frozen())).expect("the operator may try");

    let frozen = claimed.frozen();
    guarded.freeze(&frozen);
    probes(&guarded);
    for (line, input) in lifts(&original) {
        refused(&guarded, &PEOPLE, line, &input);
    }
    // Annotations can be written with the status; whoever may.
    let status = "patch deployment registry --subresource=status --patch-file FILE";
    refused(&guarded, &[Who::Administrator], status, &annotations(&json!({RUN: null})));
    refused(&guarded, &PEOPLE, PATCH, &lift(&dead("r2")));
    refused(&guarded, &PEOPLE, PATCH, &lift(&dead("")));
    for who in [Who::Operator, Who::Keeper] {
        refused(&guarded, &[who], &format!("{PATCH} --dry-run=server"), &lift(&json!({})));
        let lifted = guarded.apply_dry(who, None).expect_err("a dry run is anyone's");
        assert!(words(&lifted), "{who:?}: {lifted}");
    }
    for (line, input) in harmless(&original) {
        for who in PEOPLE {
            allowed(&guarded, who, line, &input);
        }
    }
    let deployment = guarded.deployment();
    assert_eq!(deployment["metadata"]["annotations"][RUN], text(&frozen));
    let containers = deployment["spec"]["template"]["spec"]["containers"].as_array().into_iter().flatten();
    let env =
        containers.filter(|it| it["name"] == "registry").flat_map(|it| it["env"].as_array().into_iter().flatten());
    let entries: Vec<&Value> = env.filter(|it| it["name"] == READ_ONLY).collect();
    assert_eq!(entries, [&entry(READ_ONLY_VALUE)]);
    // The Deployment's controller went on with its work.
    cluster.wait_rolled_out("registry", "deployment/registry");

    allowed(&guarded, Who::Owner, "scale deployment registry --replicas=1", &Value::Null);
    guarded.thaw();
    allowed(&guarded, Who::Owner, REPLACE, &original);

    // Whoever vouches for the collector's end does it all alone.
    guarded.freeze(&claim("r3", Strategy::ReadOnly).frozen());
    allowed(&guarded, Who::Owner, PATCH, &lift(&dead("r3")));
    guarded.assert_untouched();
    // It holds for that run, and for none after it.
    guarded.freeze(&claim("r4", Strategy::ReadOnly).frozen());
    refused(&guarded, &PEOPLE, PATCH, &lift(&json!({})));
    guarded.thaw();
}

#[test]
fn what_a_run_has_scaled_to_zero_stays_there() {
    let cluster = Cluster::up();
    let guarded = Guarded::set(&cluster);
    let original = original(&guarded);
    guarded.collection("team", Strategy::ScaleToZero);
    allowed(&guarded, Who::Owner, "scale deployment registry --replicas=1", &Value::Null);

    guarded.is_at("team", "Freezing", &["registry"]);
    let frozen = claim("r1", Strategy::ScaleToZero).frozen();
    guarded.freeze(&frozen);
    let mut zero = annotations(&json!({ZEROED: zeroed("r1", 1)}));
    zero["spec"] = json!({"replicas": 0});
    refused(&guarded, &PEOPLE, PATCH, &zero);
    guarded.operate("", &zero);
    guarded.is_at("team", "Collecting", &["registry"]);

    let one = json!({"spec": {"replicas": 1}});
    let scale = "scale deployment registry --replicas=1";
    for (line, input) in [(PATCH, &one), (APPLY, &original), (scale, &Value::Null)] {
        refused(&guarded, &PEOPLE, line, input);
    }
    refused(&guarded, &PEOPLE, "annotate deployment registry registry-retention.dev/zeroed-", &Value::Null);
    for line in ["set env deployment/registry A=b", "scale deployment registry --replicas=0"] {
        allowed(&guarded, Who::Owner, line, &Value::Null);
    }
    assert_eq!(guarded.deployment()["spec"]["replicas"], 0);

    // Another Deployment of the namespace is nobody's business.
    let other = "create deployment other --image=localhost/busybox:1 --replicas=0";
    allowed(&guarded, Who::Owner, other, &Value::Null);
    allowed(&guarded, Who::Owner, "scale deployment other --replicas=1", &Value::Null);

    // First the entry, and the zero beside its mark last.
    guarded.is_at("team", "Thawing", &["registry"]);
    guarded.apply(Who::Operator, None).expect("the operator may thaw");
    refused(&guarded, &PEOPLE, PATCH, &one);
    let mut undo = annotations(&json!({ZEROED: null}));
    undo["spec"] = json!({"replicas": 1});
    refused(&guarded, &PEOPLE, PATCH, &undo);
    guarded.operate("", &undo);
    guarded.assert_untouched();

    guarded.operate("", &zero);
    undo["metadata"]["annotations"] = json!({ZEROED: null, "registry-retention.dev/collector-dead": "r2"});
    refused(&guarded, &PEOPLE, PATCH, &undo);
    undo["metadata"]["annotations"] = json!({ZEROED: null, "registry-retention.dev/collector-dead": "r1"});
    allowed(&guarded, Who::Owner, PATCH, &undo);
    guarded.assert_untouched();
}

/// The question by which the operator sees that the guard is there.
fn probes(guarded: &Guarded<'_>) {
    let probe = annotations(&json!({GUARD_PROBE: "1"}));
    let all = [Who::Owner, Who::Administrator, Who::Operator, Who::Keeper];
    for line in [PATCH.to_owned(), format!("{PATCH} --dry-run=server")] {
        // A keeper's real one is refused as well, in other words.
        let asking = if line == PATCH { &all[..3] } else { &all[..] };
        refused(guarded, asking, &line, &probe);
    }
    assert!(guarded.ask(Who::Keeper, "", &probe).is_err());
}

/// Marks where there are none.
fn forgeries() -> [Value; 5] {
    let claim = claim("forged", Strategy::ReadOnly).frozen();
    [
        json!({RUN: text(&claim)}),
        json!({RUN: ""}),
        json!({HOW_TO_THAW: "rm"}),
        json!({ZEROED: zeroed("forged", 3)}),
        json!({RUN: text(&claim), "registry-retention.dev/collector-dead": "forged"}),
    ]
}

/// Every way out of the freeze that people have.
fn lifts(original: &Value) -> Vec<(&'static str, Value)> {
    let with_volume = |more: Value| {
        let mut spec = json!({"template": {"spec": more}});
        spec["template"]["spec"]["volumes"] =
            json!([{"name": "again", "persistentVolumeClaim": {"claimName": "registry"}}]);
        json!({"spec": spec})
    };
    let mounts = |volume: &str| json!([{"name": volume, "mountPath": "/store"}]);
    let other =
        |volume: &str| json!([{"name": "other", "image": "localhost/busybox:1", "volumeMounts": mounts(volume)}]);
    let mut another_image = original.clone();
    another_image["spec"]["template"]["spec"]["containers"][0]["image"] = json!("localhost/registry:2.8");
    let twice = json!([{"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": entry("{}")}]);
    let first =
        json!([{"op": "add", "path": "/spec/template/spec/containers/0/env/0", "value": entry(READ_ONLY_VALUE)}]);
    let env = json!([{"op": "remove", "path": "/spec/template/spec/containers/0/env"}]);
    let renamed = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/name", "value": "renamed"}]);
    let other_run = text(&claim("r2", Strategy::ReadOnly).frozen());
    vec![
        ("set env deployment/registry REGISTRY_STORAGE_MAINTENANCE_READONLY-", Value::Null),
        ("set env deployment/registry REGISTRY_STORAGE_MAINTENANCE_READONLY={\"enabled\":false}", Value::Null),
        ("rollout undo deployment/registry", Value::Null),
        ("rollout pause deployment/registry", Value::Null),
        ("annotate deployment registry registry-retention.dev/run-", Value::Null),
        ("annotate deployment registry registry-retention.dev/how-to-thaw-", Value::Null),
        (PATCH, annotations(&json!({RUN: other_run}))),
        (PATCH, annotations(&json!({ZEROED: zeroed("r1", 1)}))),
        (PATCH, json!({"spec": {"paused": true}})),
        (PATCH, json!({"spec": template(&json!([{"name": READ_ONLY, "$patch": "delete"}]))})),
        (PATCH, json!({"spec": template(&json!([{"name": READ_ONLY, "value": "{\"enabled\": true}"}]))})),
        (PATCH, lift(&json!({}))),
        (JSON_PATCH, twice),
        (JSON_PATCH, first),
        (JSON_PATCH, env),
        (JSON_PATCH, renamed),
        // What `kubectl edit` of an older copy does, and what `helm upgrade --force` does.
        (REPLACE, original.clone()),
        (REPLACE, another_image),
        // Somebody else on the store, by the same volume or by another of the same claim.
        (PATCH, json!({"spec": {"template": {"spec": {"containers": other("data")}}}})),
        (PATCH, json!({"spec": {"template": {"spec": {"initContainers": other("data")}}}})),
        (PATCH, with_volume(json!({"containers": other("again")}))),
    ]
}

/// What changes nothing of the freeze.
fn harmless(original: &Value) -> Vec<(&'static str, Value)> {
    let aside = json!([{"name": "aside", "image": "localhost/busybox:1", "command": ["/bin/busybox", "sleep", "3600"],
        "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}]);
    let aside = json!({"containers": aside, "volumes": [{"name": "scratch", "emptyDir": {}}]});
    vec![
        ("set image deployment/registry registry=localhost/registry:2.8", Value::Null),
        ("label deployment registry team=a --overwrite", Value::Null),
        ("annotate deployment registry example.com/note=b --overwrite", Value::Null),
        ("set env deployment/registry REGISTRY_LOG_LEVEL=warn", Value::Null),
        (PATCH, json!({"spec": {"template": {"metadata": {"annotations": {"example.com/restarted": "now"}}}}})),
        ("scale deployment registry --replicas=2", Value::Null),
        (PATCH, json!({"spec": {"template": {"spec": aside}}})),
        // Also the manifest of the beginning, with whatever of the above it takes back.
        (APPLY, original.clone()),
    ]
}

/// The manifest that the registry was applied with.
fn original(guarded: &Guarded<'_>) -> Value {
    let line = "apply view-last-applied deployment registry --output json";
    let manifest = guarded.tried(Who::Administrator, line, &Value::Null).expect("it was applied");
    serde_json::from_str(&manifest).expect("JSON")
}

fn refused(guarded: &Guarded<'_>, people: &[Who], line: &str, input: &Value) {
    for who in people {
        match guarded.tried(*who, line, input) {
            Ok(said) => panic!("{who:?} may: {line} {input}: {said}"),
            Err(error) => assert!(words(&error), "{who:?}: {line} {input}: {error}"),
        }
    }
}

fn allowed(guarded: &Guarded<'_>, who: Who, line: &str, input: &Value) {
    // The Deployment's controller may be quicker with its status, which is no refusal.
    eventually(&format!("{who:?} may: {line}"), || match guarded.tried(who, line, input) {
        Err(error) if error.contains("the object has been modified") => None,
        Err(error) => panic!("{who:?} may not: {line} {input}: {error}"),
        Ok(_) => Some(()),
    });
}
