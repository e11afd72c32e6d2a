//! Objects of the cluster, as the [`protocol`](super::protocol) sees them.
//!
//! - [`deployment`]: the Deployment and its marks
//! - [`Sight`], [`store_pod`]: a pod that has the store
//! - [`collector`], [`keeper`]: our Jobs with their pods
//! - [`machine_state`]: a Node

mod deployment;
mod job;
mod node;
mod pod;
#[cfg(test)]
mod tests;

pub use deployment::{Marks, deployment};
pub use job::{account, collector, is_collector_pod, keeper};
pub use node::{machine, machine_state};
pub use pod::{Sight, has_ended, is_reader};

use kube::ResourceExt;

use super::protocol::{Target, Uid, Version};

/// What a write of the object must find.
pub fn target(object: &impl ResourceExt) -> Target {
    Target { uid: uid(object), version: Version::new(object.resource_version().unwrap_or_default()) }
}

/// Its uid; the API server lets none be without.
pub fn uid(object: &impl ResourceExt) -> Uid {
    Uid::new(object.uid().unwrap_or_default())
}
