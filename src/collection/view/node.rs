use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;
use kube::ResourceExt as _;

use super::uid;
use crate::collection::protocol::{Machine, MachineState, Uid};

/// Which machine a Node stands for.
pub fn machine(node: &Node) -> Machine {
    Machine { name: node.name_any().into(), uid: uid(node) }
}

/// How the machine of this uid is, by the Node that now has its name.
pub fn machine_state(node: Option<&Node>, of: &Uid) -> MachineState {
    let Some(node) = node.filter(|node| uid(*node) == *of) else { return MachineState::Gone };
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut ready = conditions.filter(|it| it.type_ == "Ready" && it.status == "True");
    match ready.next() {
        Some(ready) => {
            let since = ready.last_transition_time.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0);
            MachineState::Ready { since }
        }
        None => MachineState::NotReady,
    }
}
