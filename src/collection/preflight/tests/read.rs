//! What the cluster tells.

use super::*;
use crate::collection::marks::{READ_ONLY, READ_ONLY_VALUE};

fn add(pod: &mut Value, container: Value) {
    pod["containers"].as_array_mut().unwrap().push(container);
}

#[test]
fn a_deployment_that_cannot_be_rolled_out_is_refused() {
    let mut facts = sound();
    facts.deployment = None;
    is_refused(&facts, "DeploymentNotFound", &["team/registry is not there"]);

    let mut facts = sound();
    facts.deployment.as_mut().unwrap().spec.paused = Some(true);
    assert!(!is_refused(&facts, "Paused", &["kubectl rollout resume deployment/registry"]).may_pass());

    let mut facts = sound();
    facts.deployment.as_mut().unwrap().spec.replicas = Some(0);
    assert!(!is_refused(&facts, "Unhealthy", &["no replicas", "kubectl scale"]).may_pass());

    for status in [
        json!(null),
        json!({"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}),
        json!({"observedGeneration": 3, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 1}),
        json!({"observedGeneration": 3, "replicas": 1, "availableReplicas": 1}),
        json!({"observedGeneration": 3, "replicas": 1, "updatedReplicas": 1}),
    ] {
        let mut facts = sound();
        facts.deployment.as_mut().unwrap().status = of(status);
        assert!(is_refused(&facts, "Unhealthy", &["is not rolled out"]).may_pass());
    }
    let mut facts = sound();
    facts.pods[0].metadata.deletion_timestamp = of(json!("2026-11-22T10:00:00Z"));
    assert!(is_refused(&facts, "Unhealthy", &["being ended"]).may_pass());
}

#[test]
fn an_entry_of_its_own_is_refused_whatever_it_is_set_to() {
    let refused = |container: &str, entry: &Value, reason: &str| {
        let mut template = template();
        add(&mut template, json!({"name": "other"}));
        template["initContainers"] = json!([{"name": "init"}]);
        let containers = ["containers", "initContainers"].map(|kind| (kind, template[kind].clone()));
        for (kind, list) in containers {
            let place = list.as_array().unwrap().iter().position(|it| it["name"] == container);
            if let Some(place) = place {
                template[kind][place]["env"] = json!([entry]);
            }
        }
        is_refused(&with_template(&template), reason, &[entry["name"].as_str().unwrap(), "take it out"]);
    };
    let entry = |value: Value| {
        let mut entry = json!({"name": READ_ONLY});
        entry.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        entry
    };
    for value in [
        json!({"value": READ_ONLY_VALUE}),
        json!({"value": "{\"enabled\":false}"}),
        json!({"value": ""}),
        json!({}),
        json!({"valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}),
    ] {
        for container in ["registry", "other", "init"] {
            refused(container, &entry(value.clone()), "EntryExists");
        }
    }
    for name in ["REGISTRY_STORAGE_MAINTENANCE", "REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED"] {
        refused("registry", &json!({"name": name, "value": "true"}), "MaintenanceVariable");
    }
    let mut template = template();
    template["containers"][0]["env"] =
        json!([{"name": "REGISTRY_STORAGE_MAINTENANCE_UPLOADPURGING_ENABLED", "value": "false"}]);
    assert_eq!(reasons(&with_template(&template)), [""; 0]);
}

#[test]
fn what_no_pod_of_ours_understands_or_reaches_is_refused() {
    let mut facts = sound();
    facts.wish.container = Some("main".into());
    is_refused(&facts, "ContainerUnclear", &["no container main"]);
    let mut template = template();
    template["volumes"] = json!([{"name": "data", "emptyDir": {}}]);
    is_refused(&with_template(&template), "StoreNotShared", &["emptyDir"]);
    let mut facts = sound();
    facts.wish.store_is_exclusive = true;
    facts.claims.clear();
    is_refused(&facts, "ClaimNotFound", &["the claim data"]);

    let mut facts = sound();
    facts.claims.insert("data".into(), claim(&["ReadWriteOncePod"]));
    is_refused(&facts, "StoreOfOnePod", &["ScaleToZero"]);
    assert!(!facts.can_preview());
    facts.wish.strategy = Strategy::ScaleToZero;
    (facts.preview, facts.answers) = (Preview::Impossible, None);
    assert_eq!(reasons(&facts), [""; 0]);
}

#[test]
fn whoever_else_has_the_store_is_named() {
    for kind in ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet", "ReplicationController"] {
        let mut facts = sound();
        let workload = workload(kind, json!({"name": "other", "uid": "o"}), other());
        facts.workloads.push(workload);
        // What comes from it is not told as well.
        let set = json!({"name": "of-other", "uid": "oo", "ownerReferences": owned_by("o", kind)});
        facts.workloads.insert(0, super::workload("ReplicaSet", set, other()));
        facts.pods.push(foreign_pod(&json!({"name": "x", "ownerReferences": owned_by("oo", "ReplicaSet")}), "Running"));
        let said = is_refused(&facts, "StoreShared", &[&format!("{kind} other has the claim data")]);
        assert!(!said.may_pass() && !said.to_string().contains("of-other"), "{said}");
    }
    let with_pod = |metadata: Value, phase: &str| {
        let mut facts = sound();
        facts.pods.push(foreign_pod(&metadata, phase));
        facts
    };
    // One that left its selector goes on writing, without an owner.
    assert!(
        !is_refused(&with_pod(json!({"name": "relabelled"}), "Running"), "StoreShared", &["Pod relabelled"]).may_pass()
    );
    is_refused(&with_pod(json!({"name": "next"}), "Pending"), "StoreShared", &["Pod next"]);
    let ending = json!({"name": "x", "deletionTimestamp": "2026-11-22T10:00:00Z"});
    assert!(is_refused(&with_pod(ending, "Running"), "StoreShared", &["Pod x"]).may_pass());
    for phase in ["Succeeded", "Failed"] {
        assert_eq!(reasons(&with_pod(json!({"name": "x"}), phase)), [""; 0]);
    }
    let mut many = sound();
    many.pods.extend((0..7).map(|n| foreign_pod(&json!({"name": format!("p{n}")}), "Running")));
    is_refused(&many, "StoreShared", &["Pod p0, Pod p1, Pod p2, Pod p3, Pod p4 and 2 more"]);
}

#[test]
fn jobs_of_ours_are_the_protocols_business_and_look_alikes_are_not() {
    let job = |name: &str, labels: Value| {
        let mut facts = sound();
        let metadata = json!({"name": name, "uid": "j", "labels": labels});
        facts.workloads.push(workload("Job", metadata, other()));
        facts.pods.push(foreign_pod(&json!({"name": "x", "ownerReferences": owned_by("j", "Job")}), "Running"));
        reasons(&facts)
    };
    let by = "app.kubernetes.io/managed-by";
    let ours = json!({by: "registry-retention", "registry-retention.dev/deployment": "registry"});
    assert_eq!(job("registry-inventory", ours.clone()), [""; 0]);
    assert_eq!(job("registry-preview", ours.clone()), [""; 0]);
    assert_eq!(job("another-preview", ours), ["StoreShared"]);
    assert_eq!(job("registry-preview", json!({by: "registry-retention"})), ["StoreShared"]);
    assert_eq!(job("registry-preview", json!({})), ["StoreShared"]);
}

#[test]
fn other_containers_on_the_registrys_volumes_are_refused() {
    let mount = json!([{"name": "data", "mountPath": "/x", "readOnly": true}]);
    for kind in ["containers", "initContainers"] {
        let mut pod = template();
        let sidecar = json!({"name": "sidecar", "volumeMounts": mount});
        match pod.get_mut(kind).and_then(Value::as_array_mut) {
            Some(list) => list.push(sidecar),
            None => pod[kind] = json!([sidecar]),
        }
        is_refused(&with_template(&pod), "SidecarOnStore", &["the container sidecar"]);
    }
    let mut pod = template();
    add(&mut pod, json!({"name": "sidecar"}));
    assert_eq!(reasons(&with_template(&pod)), [""; 0]);
}

#[test]
fn pods_must_be_able_to_move() {
    let mut facts = sound();
    facts.pods.push(pod("registry-1-b", "node-b", &template()));
    let deployment = facts.deployment.as_mut().unwrap();
    deployment.spec.replicas = Some(2);
    deployment.status =
        of(json!({"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}));
    facts.answers.as_mut().unwrap().insert("registry-1-b".into(), Ok(Answer::Writable));
    is_refused(&facts, "ClaimOnSeveralNodes", &["node-a, node-b"]);
    facts.claims.insert("data".into(), claim(&["ReadWriteMany"]));
    facts.wish.store_is_exclusive = true;
    assert_eq!(reasons(&facts), [""; 0]);

    let rolling = |surge: Value, nodes: &[&str]| {
        let mut facts = sound();
        let strategy = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge}});
        facts.deployment.as_mut().unwrap().spec.strategy = of(strategy);
        facts.volumes.insert("data".into(), volume(nodes));
        facts
    };
    for surge in [json!(null), json!(1), json!("25%")] {
        is_refused(&rolling(surge.clone(), &["node-a", "node-b"]), "RolloutUnfit", &["Recreate"]);
        assert_eq!(reasons(&rolling(surge, &["node-a"])), [""; 0]);
    }
    for surge in [json!(0), json!("0%")] {
        assert_eq!(reasons(&rolling(surge, &["node-a", "node-b"])), [""; 0]);
    }
    let anywhere = || rolling(json!(1), &["node-a", "node-b"]);
    let mut facts = anywhere();
    facts.volumes.clear();
    assert_eq!(reasons(&facts), [""; 0], "where the volume can be had is not known");
    let mut facts = anywhere();
    facts.wish.strategy = Strategy::ScaleToZero;
    assert_eq!(reasons(&facts), [""; 0]);
    let mut facts = anywhere();
    facts.nodes[1] = node("node-b", &json!([{"key": "other", "effect": "NoSchedule"}]), &json!([]));
    assert_eq!(reasons(&facts), [""; 0]);
    let mut facts = anywhere();
    facts.nodes[1].spec = of(json!({"unschedulable": true}));
    assert_eq!(reasons(&facts), [""; 0]);
    let mut facts = anywhere();
    let pod = facts.deployment.as_mut().unwrap().spec.template.spec.as_mut().unwrap();
    pod.node_selector = of(json!({"kubernetes.io/hostname": "node-a"}));
    assert_eq!(reasons(&facts), [""; 0]);
}

#[test]
fn nodes_must_answer_and_take_pods() {
    let with_node = |taints: &Value, conditions: &Value| {
        let mut facts = sound();
        facts.nodes[0] = node("node-a", taints, conditions);
        facts
    };
    for status in ["False", "Unknown"] {
        let facts = with_node(&json!([]), &json!([{"type": "Ready", "status": status}]));
        assert!(is_refused(&facts, "NodeNotReady", &["the node node-a"]).may_pass());
    }
    let mut facts = sound();
    facts.nodes.remove(0);
    is_refused(&facts, "NodeNotReady", &["the node node-a"]);
    facts.nodes.clear();
    facts.pods.clear();
    assert_eq!(reasons(&facts), [""; 0], "no pod runs anywhere");

    let key = "node.kubernetes.io/disk-pressure";
    let ready = json!({"type": "Ready", "status": "True"});
    let pressed = json!({"type": "DiskPressure", "status": "True"});
    let taint = json!([{"key": key, "effect": "NoSchedule"}]);
    for (taints, conditions) in [(&taint, json!([ready])), (&json!([]), json!([ready, pressed]))] {
        let mut facts = with_node(taints, &conditions);
        assert!(is_refused(&facts, "DiskPressure", &["the node node-a", key]).may_pass());
        for (toleration, tolerates) in [
            (json!({"operator": "Exists"}), true),
            (json!({"key": key, "operator": "Exists"}), true),
            (json!({"key": key, "effect": "NoSchedule"}), true),
            (json!({"key": key, "effect": "NoExecute"}), false),
            (json!({"key": key, "value": "x"}), false),
            (json!({"key": "other", "operator": "Exists"}), false),
        ] {
            let pod = facts.deployment.as_mut().unwrap().spec.template.spec.as_mut().unwrap();
            pod.tolerations = of(json!([toleration]));
            assert_eq!(reasons(&facts).is_empty(), tolerates, "{toleration}");
        }
    }
}

#[test]
fn what_holds_the_registry_must_be_there() {
    for guard in [Guard::Absent, Guard::Unknown] {
        let mut facts = sound();
        facts.guard = guard;
        is_refused(&facts, "GuardAbsent", &["BestEffort"]);
        facts.wish.guard = GuardDemand::BestEffort;
        assert_eq!(reasons(&facts), [""; 0]);
    }
    let mut facts = sound();
    facts.has_keeper_account = false;
    is_refused(&facts, "KeeperForbidden", &["registry-retention-keeper"]);
}
