//! Work beside a registry's storage, decided as values: the Jobs that do it, made from the registry's own Deployment.
//!
//! - [`protocol`]: freeze, prove, collect, thaw: what is done next for a run
//! - [`Template`]: what of a Deployment describes the registry: its container, how it is started, its volumes
//! - [`Claims`], [`Place`]: on which nodes a pod reaches the same volumes
//! - [`StoreMark`]: which pods have the registry's store
//! - [`preflight`]: what must be true of a registry before a collection touches it
//! - `pod`: the registry's image, environment, volumes and identity, without what makes a pod serve
//! - [`Errand`], [`job`]: a command of ours in such a pod
//! - [`Refusal`]: why there is no such pod
//! - [`Serving`]: how a registry is reached at its pods, by its own configuration; [`Unanswered`]: why one of them did not
//!   say whether it takes writes
//! - [`marks`]: what we leave on objects of the cluster, by name
//! - [`view`]: objects of the cluster as the protocol sees them; [`patch`]: its requests as bodies
//! - [`garbage`]: what a collection may delete, and what it says it would

mod entry_point;
pub mod garbage;
mod job;
mod keeper_job;
pub mod marks;
pub mod patch;
mod place;
mod pod;
pub mod preflight;
pub mod protocol;
mod refusal;
mod serving;
mod store;
mod template;
#[cfg(test)]
mod tests;
mod unanswered;
pub mod view;
mod volumes;

pub use entry_point::EntryPoint;
pub use job::{Collection, Errand, LABEL_DEPLOYMENT, LABEL_RUN, MANAGED_BY, Mount, PROGRAM, Purpose, job, name};
pub use keeper_job::{KEEPER_PORT, Keeper, keeper_job};
pub use place::{AccessMode, Claims, Place};
pub use pod::CONTAINER;
pub use refusal::Refusal;
pub use serving::{Auth, Listening, Serving, Stored, Unreachable};
pub use store::StoreMark;
pub use template::{Template, unnamed_container};
pub use unanswered::Unanswered;
