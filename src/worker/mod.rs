//! What is done with one registry: [`Observer`] gathers an inventory, [`Pruner`] carries a stored plan out, [`Verifier`]
//! walks what tags reach. IO only gathers and executes here; `retention` and `pruning` decide.
//!
//! Whatever must outlive a crash goes through [`Journal`], which a directory provides in the terminal.

mod batch;
mod error;
mod journal;
mod observe;
mod operate;
mod progress;
mod prune;
mod record;
mod repair;
mod report;
mod verify;

pub use error::WorkError;
pub use journal::{Journal, JournalError};
pub use observe::{Observed, Observer};
pub use progress::{Progress, Silent};
pub use prune::Pruner;
pub use report::{Failure, Outcome, Report};
pub use verify::{Finding, Verification, Verifier};

/// How many requests a worker keeps asking for; the client itself holds them to what a registry takes.
const CONCURRENCY: usize = 8;
