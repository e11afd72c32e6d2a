//! What tests in a cluster are made of.
//!
//! - [`Cluster`]: a cluster of this test's own. The test's thread is on the cluster's network: whatever it connects to,
//!   and whatever it starts, is there. `kubectl` and `helm` act on it as an administrator.
//! - [`RegistryPod`]: a registry of either version in the cluster, whose storage is a folder on this machine.
//! - [`runnable`]: an image that a kubelet can pull and run.
//! - [`Operator`]: the operator, installed by Helm; [`Retention`]: one of its resources.
//! - [`eventually`]: waits for a condition, with a generous bound.

mod cluster;
mod image;
mod namespace;
mod operator;
mod registry_pod;
mod retention;
mod starter;
mod wait;

pub use cluster::Cluster;
pub use image::runnable;
pub use operator::Operator;
pub use registry_pod::RegistryPod;
pub use retention::Retention;
pub use starter::cache;
pub use wait::eventually;
