//! registry-retention decides which images of a self-hosted CNCF Distribution registry are worth keeping, deletes the
//! other tags through the registry's API, and never loses what is kept.
//!
//! # Layout
//!
//! Pure, without client, clock or runtime (`tests/architecture.rs` keeps it so):
//!
//! - [`oci`]: digests, names, manifests, companion tags, as the OCI specifications have them.
//!
//! With IO:
//!
//! - [`registry`]: the registry's HTTP API: login, listings, manifests, blobs, deletions, probes.

pub mod oci;
pub mod registry;
