use std::sync::Arc;

use k8s_openapi::api::core::v1::{Pod, PodSpec};
use kube::ResourceExt as _;

use super::uid;
use crate::collection::protocol::Uid;
use crate::collection::{PROGRAM, StoreMark};

/// A pod that has the store, as far as that never changes, and whether it has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Which.
    pub uid: Uid,
    /// Its name.
    pub name: Arc<str>,
    /// The node that it is on; it may not have one yet.
    pub node: Option<Arc<str>>,
    /// Whether all that has the store in it was started with our entry.
    pub is_frozen: bool,
    /// Whether the kubelet told that its containers have ended.
    pub has_ended: bool,
    /// Where it is asked, while it runs.
    pub ip: Option<Arc<str>>,
}

impl Sight {
    /// `None` of a pod that does not have the store, or only reads it for us.
    pub fn of(pod: &Pod, mark: &StoreMark) -> Option<Self> {
        let spec = pod.spec.as_ref()?;
        if !mark.is_on(spec) || is_reader(spec) {
            return None;
        }
        let status = pod.status.as_ref();
        Some(Self {
            uid: uid(pod),
            name: pod.name_any().into(),
            node: spec.node_name.as_deref().filter(|node| !node.is_empty()).map(Into::into),
            is_frozen: mark.is_frozen(spec),
            has_ended: has_ended(pod),
            ip: status.and_then(|status| status.pod_ip.as_deref()).map(Into::into),
        })
    }
}

/// Whether a pod is one of ours that cannot write: by the program that it runs, for labels are anybody's.
pub fn is_reader(pod: &PodSpec) -> bool {
    let [container] = pod.containers.as_slice() else { return false };
    let is_ours = container.command.as_ref().is_some_and(|command| *command == [PROGRAM]);
    let reads = |arguments: &[String]| match arguments {
        [command, ..] if command == "inventory" => true,
        [command, rest @ ..] if command == "collector" => rest.iter().any(|it| it == "--dry-run"),
        _ => false,
    };
    is_ours && container.args.as_deref().is_some_and(reads)
}

/// Whether the kubelet told that every container has ended, or that none will be started. A phase alone does not: the
/// garbage collector of pods sets it where a Node is lost.
pub fn has_ended(pod: &Pod) -> bool {
    let Some(status) = &pod.status else { return false };
    if !matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")) {
        return false;
    }
    let all = status.container_statuses.iter().chain(&status.init_container_statuses).flatten();
    let mut runs = all.filter(|it| it.state.as_ref().is_some_and(|state| state.running.is_some()));
    // Without any status, the kubelet refused the pod before it started anything, or somebody else set the phase.
    let was_seen = status.container_statuses.as_ref().is_some_and(|all| !all.is_empty());
    let was_refused = status.reason.is_some() && status.start_time.is_some();
    runs.next().is_none() && (was_seen || was_refused) && !is_lost(pod)
}

/// Whether somebody other than the kubelet set its phase.
fn is_lost(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut disrupted = conditions.filter(|it| it.type_ == "DisruptionTarget" && it.status == "True");
    disrupted.any(|it| it.reason.as_deref() == Some("DeletionByPodGC"))
}
