//! Pruning: from what a plan condemns to the operations that remove it, in a safe order, each checked against what
//! was just read. Pure; `worker` carries the operations out.
//!
//! - [`operation`](Operation): what is asked of a registry, one effect at a time
//! - `order`: which operations carry out one repository's part of a plan, and in which order
//! - `check`: whether an operation still may be carried out, by what was read right before it
//! - [`watch`](Watch): which tags appeared, and which were cut by a deletion and must be put back
//! - [`intent`](Intent): what is recorded before an operation, so that a crash at any point can be mended

mod check;
mod intent;
mod operation;
mod order;
mod watch;

pub use check::{Resolution, Skip, check};
pub use intent::{Intent, OpenIntents, SavedManifest};
pub use operation::Operation;
pub use order::operations;
pub use watch::Watch;
