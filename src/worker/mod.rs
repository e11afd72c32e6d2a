//! What is done with one registry: [`Observer`] gathers an inventory, [`Pruner`] carries a stored plan out, [`Verifier`]
//! walks what tags reach. IO only gathers and executes here; `retention` and `pruning` decide.
//!
//! Whatever must outlive a crash goes through [`Journal`], which a directory provides in the terminal.
//!
//! - `observe`, `listing`, `read`, `graph`, `elsewhere`, [`observed`](Observed): the inventory, one repository of it, and what is kept of that
//! - `prune`: a run, repository by repository; `batch`: what it knows of one; `operate`: one operation
//! - `record`: what is on record before and after; `repair`: what a deletion cut is put back
//! - [`workloads`](Workloads): what must not go because somebody runs it
//! - `verify`: the walk; [`report`](Report), [`progress`](Progress), [`error`](WorkError): what others hear of it all

mod batch;
mod elsewhere;
mod error;
mod graph;
mod journal;
mod listing;
mod observe;
mod observed;
mod operate;
mod progress;
mod prune;
mod read;
mod record;
mod repair;
mod report;
mod verify;
mod workloads;

pub use error::WorkError;
pub use journal::{Journal, JournalError};
pub use observe::Observer;
pub use observed::Observed;
pub use progress::{Progress, Silent};
pub use prune::Pruner;
pub use report::{Failure, Outcome, Report, Stopped};
pub use verify::{Finding, Verification, Verifier};
pub use workloads::{Workloads, WorkloadsError};

/// How many requests a worker keeps asking for; the client itself holds them to what a registry takes.
const CONCURRENCY: usize = 8;
