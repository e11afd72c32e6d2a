//! Garbage is collected: the registry read-only, provably, and writable again, always.
//!
//! - [`whole`]: from beginning to end; [`deaths`]: what dies in the middle; [`orphaned`]: the operator is gone for good
//! - [`preflight`]: what a registry is refused for, and what passes
//! - [`unguarded`]: without the chart's policies
//! - [`guard`]: who may do what to a Deployment that is frozen; [`pods`]: who may have its claim; [`keeper`]: what a keeper
//!   may do to it
//! - [`Collection`]: a collection as people see it; [`Stage`]: a registry whose collections can be held
//! - [`Guarded`]: a registry with the chart's policies in force, and no operator at work

mod collection;
mod deaths;
mod guard;
mod guarded;
mod keeper;
mod orphaned;
mod pods;
mod preflight;
mod stage;
mod unguarded;
mod whole;

use collection::Collection;
use guarded::{Guarded, words};
use stage::Stage;
