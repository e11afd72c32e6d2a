//! Collections of registries in the cluster.
//!
//! - [`preflight`]: which registry may be frozen, and what is said against the others

mod preflight;
