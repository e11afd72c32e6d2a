//! A registry whose garbage is collected.
//!
//! - [`guard`]: who may do what to a Deployment that is frozen; [`pods`]: who may have its claim; [`keeper`]: what a keeper
//!   may do to it
//! - [`Guarded`]: a registry with the chart's policies in force, and no operator at work

mod guard;
mod guarded;
mod keeper;
mod pods;

use guarded::{Guarded, words};
