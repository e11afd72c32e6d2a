//! registry-retention decides which images of a self-hosted CNCF Distribution registry are worth keeping, deletes the
//! other tags through the registry's API, and never loses what is kept.
//!
//! # Layout
//!
//! Pure, without client, clock or runtime (`tests/architecture.rs` keeps it so):
//!
//! - [`api`]: the custom resource: its fields, bounds and CEL rules; reads files of it by the same schema.
//! - [`oci`]: digests, names, manifests, companion tags, as the OCI specifications have them.

pub mod api;
pub mod oci;
