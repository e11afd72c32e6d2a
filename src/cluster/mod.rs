//! What workloads use, and the cluster's own resources.
//!
//! - `connect`: a client of the cluster that a person or a pod means, which never waits for ever
//! - [`kind`](Kind), [`images`](Workload), [`scope`](Scope): which objects name images, and where they count
//! - `list`: everything read once, page by page; [`index`](Index): followed from then on, `references` its pure half;
//!   [`watched`](Watched): both, as whoever deletes asks for them
//! - `names`: the names of a registry, and which resources concern the same one
//! - `resources`: what other resources of the cluster keep
//! - `errand`: the one way to run a Job beside a registry
//! - [`preflight`]: whether a registry may be frozen, asked of the cluster, a dry run and its pods
//! - `inventory_job`: [`read_storage`] by a Job beside a registry, [`InventoryError`] why it did not; `job_log`: its log,
//!   followed from the first line; `pod_state`: how far its container is
//! - [`lookout`](Lookout): pods that vanish unseen; [`stage`]: the objects of a collection, read and changed
//! - `guard`: whether the chart's admission guard holds
//! - [`error`](ClusterError): why the cluster could not be asked; then nothing is deleted

mod connect;
mod errand;
mod error;
mod guard;
mod images;
mod index;
mod inventory_error;
mod inventory_job;
mod job_log;
mod kind;
mod list;
mod lookout;
mod names;
mod pod_state;
pub mod preflight;
mod references;
mod resources;
mod scope;
pub mod stage;
mod watched;

pub use connect::{Configuration, Origin, Place, client};
pub use error::{Cause, ClusterError, Unread, Verb};
pub use images::Workload;
pub use index::Index;
pub use inventory_error::InventoryError;
pub use inventory_job::{Subject, read_storage};
pub use job_log::FollowError;
pub use kind::Kind;
pub use list::used_images;
pub use lookout::{Lookout, Vanished};
pub use names::{Identity, Registry, group, identities, names};

pub use resources::{Joined, all, identities_of, joined, resources};
pub use scope::Scope;
pub use watched::Watched;

#[cfg(test)]
pub(crate) mod tests;
