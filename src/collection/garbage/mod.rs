//! What a collection of garbage may delete, and whether what `registry garbage-collect` says it would delete is just that.
//!
//! - [`Release`]: which Distribution a program is; its generations print differently
//! - [`Output`]: what it prints, line by line
//! - [`Wanted`]: what is to stay whatever the storage says
//! - [`FinalPlan`]: the same, and what is deleted first, as it comes to the collector in pieces
//! - [`Pieces`]: the same as it is written, so that each fits into an object of the cluster
//! - [`Removals`]: what of a final plan nothing needs, as operations in a safe order
//! - [`Graph`], [`Kept`]: what manifests hold on to, and everything that has to stay
//! - [`broken_links`]: what a full disk left that stops every collection
//! - [`Veto`]: the two compared
//! - [`Account`]: what a run of the collector did, as it tells it at its end

mod account;
mod final_plan;
mod graph;
mod kept;
mod links;
mod output;
mod pieces;
mod release;
mod removals;
#[cfg(test)]
mod tests;
mod veto;
mod wanted;

pub use account::{Account, AccountError, Bytes, Deleted, Outcome, Pruned, Seconds, StaleUploads, Stays};
pub use final_plan::{FinalPlan, FinalPlanError, PlannedDeletion, PlannedUntag, Seal};
pub use graph::{Found, Graph, Node};
pub use kept::{Fault, Finding, Keeper, Kept, Kind, to_read};
pub use links::{BrokenLink, broken_links, reckoned};
pub use output::{Counts, LONGEST_LINE, Output, OutputError, Said};
pub use pieces::{MOST_PIECES, Pieces};
pub use release::{Generation, Release};
pub use removals::Removals;
pub(crate) use removals::placeholder;
pub use veto::{Forecast, Objection, Veto, Writers};
pub use wanted::{Wanted, WantedError};
