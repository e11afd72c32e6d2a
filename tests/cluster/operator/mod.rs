//! The operator as its users have it: installed by Helm from the chart, told by resources, watched by `kubectl`.
//!
//! - [`pruning`]: the main job from the dry run to an accepted plan, compared with `expectation.md`
//! - [`refused`]: what stands in the way, and what that is called
//! - [`storage`]: what only the registry's storage tells
//! - [`access`]: certificates and logins from Secrets; [`schedule`]: runs that nobody asks for
//! - [`Expectation`]: that table, read; [`numbers`]: what it comes to; [`workloads`]: who uses what

mod access;
mod expectation;
mod numbers;
mod pruning;
mod refused;
mod schedule;
mod storage;
mod workloads;

use expectation::Expectation;
