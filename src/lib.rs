//! registry-retention decides which images of a self-hosted CNCF Distribution registry are worth keeping, deletes the
//! other tags through the registry's API, and never loses what is kept.
//!
//! # Layout
//!
//! Pure, without client, clock or runtime (`tests/architecture.rs` keeps it so):
//!
//! - [`oci`]: digests, names, manifests, companion tags, as the OCI specifications have them.
//! - [`retention`]: what must be read, and what becomes of every tag.
//! - [`pruning`]: which operations carry a plan out, in which order, and whether each still may be.

pub mod oci;
pub mod pruning;
pub mod retention;
