use k8s_openapi::api::core::v1::{Node, Taint};

use super::Objection;
use super::deployment::one;
use super::facts::Subject;
use super::selection::tolerates;

const DISK_PRESSURE: &str = "node.kubernetes.io/disk-pressure";

/// Whether a container on a node that does not answer has ended, nobody can tell.
pub(super) fn not_ready(it: &Subject<'_>) -> Vec<Objection> {
    let nodes = it.facts.own_nodes().into_iter();
    let silent = nodes.filter(|name| !node(it, name).is_some_and(|node| has(node, "Ready")));
    let say = |name| {
        let found = format!("the node {name}, on which a pod of {} runs, is not Ready", it.name());
        let remedy = "what runs on it cannot be proved to have ended; it is looked at again";
        Objection::new("NodeNotReady", found, remedy).passing()
    };
    silent.map(say).collect()
}

/// Where disk space is short, pods are started only that tolerate it. Ours do.
pub(super) fn under_pressure(it: &Subject<'_>) -> Vec<Objection> {
    let taint = Taint { key: DISK_PRESSURE.into(), effect: "NoSchedule".into(), ..Taint::default() };
    if tolerates(it.template.pod, &taint) {
        return Vec::new();
    }
    let is_pressed = |node: &Node| {
        let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref()).into_iter().flatten();
        has(node, "DiskPressure") || taints.into_iter().any(|taint| taint.key == DISK_PRESSURE)
    };
    let name = it.facts.own_nodes().into_iter().find(|name| node(it, name).is_some_and(is_pressed));
    one(name.map(|name| {
        let found = format!("the node {name}, on which a pod of {} runs, is short of disk space", it.name());
        let remedy = format!(
            "no new pod of the registry could be started there, neither read-only nor writable: free some space, or let its \
             template tolerate {DISK_PRESSURE}"
        );
        Objection::new("DiskPressure", found, remedy).passing()
    }))
}

fn node<'a>(it: &'a Subject<'_>, name: &str) -> Option<&'a Node> {
    it.facts.nodes.iter().find(|node| node.metadata.name.as_deref() == Some(name))
}

fn has(node: &Node, condition: &str) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref()).into_iter().flatten();
    conditions.into_iter().any(|it| it.type_ == condition && it.status == "True")
}
