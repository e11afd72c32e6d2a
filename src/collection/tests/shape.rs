use k8s_openapi::api::core::v1::PersistentVolumeClaim;

use super::*;

/// A Deployment with about everything that one can have.
const REGISTRY: &str = include_str!("registry.yaml");

#[test]
fn the_whole_job_of_a_registry_with_everything() {
    let deployment: Deployment = serde_saphyr::from_str(REGISTRY).unwrap();
    let job = inventory(&deployment, &one_node(), &["node-a"]).unwrap();
    insta::assert_yaml_snapshot!(job);
}

#[test]
fn where_the_template_satisfies_restricted_the_pod_does() {
    let restricted = json!({"allowPrivilegeEscalation": false, "runAsNonRoot": true, "runAsUser": 1000,
        "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}});
    let pod = pod_of(&with_claim(json!({"securityContext": restricted})));
    let spec = &pod["spec"];
    assert_eq!(spec["containers"][0]["securityContext"], restricted);
    for container in spec["containers"].as_array().unwrap().iter().chain(spec["initContainers"].as_array().unwrap()) {
        let security = &container["securityContext"];
        assert_eq!(security["allowPrivilegeEscalation"], false, "{container}");
        assert_eq!(security["runAsNonRoot"], true);
        assert_eq!(security["capabilities"], json!({"drop": ["ALL"]}));
        assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault");
        assert_ne!(security["runAsUser"], 0);
    }
    let kinds =
        ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];
    for volume in spec["volumes"].as_array().unwrap() {
        assert!(
            volume.as_object().unwrap().keys().all(|key| key == "name" || kinds.contains(&key.as_str())),
            "{volume}"
        );
    }
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        assert!(spec[field].is_null());
    }
}

#[test]
fn our_own_container_runs_as_nobody_where_the_pod_runs_as_root() {
    let mut of = with_claim(json!({}));
    let user = |pod: &Value| pod["spec"]["initContainers"][0]["securityContext"]["runAsUser"].clone();
    assert_eq!(user(&pod_of(&of)), Value::Null);
    of["securityContext"] = json!({"runAsUser": 0});
    assert_eq!(user(&pod_of(&of)), 65532);
    of["securityContext"] = json!({"runAsUser": 1000});
    assert_eq!(user(&pod_of(&of)), Value::Null);
}

#[test]
fn the_program_is_told_the_configuration_and_what_is_shared() {
    let arguments = |container: Value| pod_of(&with_claim(container))["spec"]["containers"][0]["args"].clone();
    let of = |configuration: &str, volumes: &str| {
        json!(["inventory", configuration, format!("--volumes={volumes}"), "--log"])
    };
    assert_eq!(arguments(json!({})), of("--detect", "/var/lib/registry"));
    let file = "--configuration=$(FOLDER)/c.yml";
    assert_eq!(arguments(json!({"args": ["$(FOLDER)/c.yml"]})), of(file, "/var/lib/registry"));

    let mut pod = with_claim(json!({}));
    pod["volumes"] = json!([{"name": "data", "emptyDir": {}}, {"name": "b", "nfs": {"server": "s", "path": "/"}}]);
    pod["containers"][0]["volumeMounts"] = json!([
        {"name": "b", "mountPath": "relative"}, {"name": "data", "mountPath": "/d"}, {"name": "b", "mountPath": "/$(X)"},
    ]);
    assert_eq!(pod_of(&pod)["spec"]["containers"][0]["args"], of("--detect", "/relative:/$$(X)"));
}

#[test]
fn it_runs_where_the_volumes_are() {
    let affinity = |claims: &Claims, nodes: &[&str], own: Value| {
        let mut pod = with_claim(json!({}));
        pod["affinity"] = own;
        let job = inventory(&deployment(&pod), claims, nodes).unwrap();
        serde_json::to_value(job.spec.unwrap().template.spec.unwrap().affinity).unwrap()
    };
    let required = |terms: Value| json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}});
    let field = |node: &str| json!([{"key": "metadata.name", "operator": "In", "values": [node]}]);
    let zone = |zone: &str| json!([{"key": "zone", "operator": "In", "values": [zone]}]);
    let many = [("data".to_owned(), AccessMode::ManyNodes)].into();
    let apart = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "x"}]}});

    assert_eq!(affinity(&one_node(), &["a"], json!(null)), required(json!([{"matchFields": field("a")}])));
    assert_eq!(affinity(&one_node(), &["a"], apart.clone()), required(json!([{"matchFields": field("a")}])));
    assert_eq!(affinity(&one_node(), &[], json!(null)), json!(null));
    assert_eq!(affinity(&many, &["a"], apart), json!(null));
    let zones = required(json!([{"matchExpressions": zone("x")}, {"matchExpressions": zone("y")}]));
    assert_eq!(affinity(&many, &["a"], zones.clone()), zones);
    // Any of the terms, on any of the nodes.
    let both = required(json!([
        {"matchExpressions": zone("x"), "matchFields": field("a")},
        {"matchExpressions": zone("x"), "matchFields": field("b")},
        {"matchExpressions": zone("y"), "matchFields": field("a")},
        {"matchExpressions": zone("y"), "matchFields": field("b")},
    ]));
    assert_eq!(affinity(&one_node(), &["b", "a"], zones), both);
}

#[test]
fn a_claim_says_how_many_may_mount_it() {
    let of = |modes: Value| {
        let claim: PersistentVolumeClaim = serde_json::from_value(json!({"spec": {"accessModes": modes}})).unwrap();
        AccessMode::of(&claim)
    };
    assert_eq!(of(json!(["ReadWriteOnce"])), AccessMode::OneNode);
    assert_eq!(of(json!(["ReadWriteMany", "ReadWriteOnce"])), AccessMode::ManyNodes);
    assert_eq!(of(json!(["ReadOnlyMany"])), AccessMode::OneNode);
    assert_eq!(of(json!(["ReadWriteOncePod"])), AccessMode::OnePod);
    assert_eq!(of(json!(null)), AccessMode::OneNode);
}

#[test]
fn names_and_labels_fit() {
    assert_eq!(name("registry", Purpose::Inventory), "registry-inventory");
    let long = "a".repeat(42) + "-" + &"b".repeat(200);
    let (one, other) = (name(&long, Purpose::Inventory), name(&(long.clone() + "c"), Purpose::Inventory));
    assert!(one.len() <= 63 && one != other && one.ends_with("-inventory"), "{one}");
    assert!(!one.contains("--"), "{one}");

    let mut deployment = deployment(&with_claim(json!({})));
    deployment.metadata.name = Some(long);
    let job = inventory(&deployment, &one_node(), &[]).unwrap();
    assert!(job.metadata.labels.unwrap().values().all(|value| value.len() <= 63));
}
