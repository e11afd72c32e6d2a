//! registry-retention decides which images of a self-hosted CNCF Distribution registry are worth keeping, deletes the
//! other tags through the registry's API, and never loses what is kept.
//!
//! # Layout
//!
//! Pure, without client, clock or runtime (`tests/architecture.rs` keeps it so):
//!
//! - [`api`]: the custom resource: its fields, bounds and CEL rules; reads files of it by the same schema.
//! - [`oci`]: digests, names, manifests, companion tags, as the OCI specifications have them.
//! - [`retention`]: what must be read, and what becomes of every tag.
//! - [`pruning`]: which operations carry a plan out, in which order, and whether each still may be.
//! - [`collection`]: work beside a registry's storage, as values: the Jobs that do it, and the protocol by which a garbage
//!   collector runs while nothing can write.
//! - [`schedule`]: when a run is due: cron lines in time zones, requests, retries.
//!
//! With IO:
//!
//! - [`registry`]: the registry's HTTP API: login, listings, manifests, blobs, deletions, probes.
//! - [`storage`]: the registry's storage read directly: tag links, revisions, uploads, blob sizes, free space.
//! - [`collector`]: runs the registry's own `garbage-collect` beside its storage, and vetoes it.
//! - [`worker`]: what is done with one registry: observe it, prune it, verify it.
//! - [`cluster`]: what workloads use, and the cluster's own resources.
//! - [`controller`]: the operator: one worker for each registry; resources in, deletions and reports out.
//! - [`keeper`]: the second process that restores a frozen registry, whatever becomes of the operator.
//! - [`telemetry`]: metrics and probes.
//! - [`cli`]: the subcommands that a person runs, and what they remember between runs.

pub mod api;
pub mod cli;
pub mod cluster;
pub mod collection;
pub mod collector;
pub mod controller;
pub mod keeper;
pub mod oci;
pub mod pruning;
pub mod registry;
pub mod retention;
pub mod schedule;
pub mod storage;
pub mod telemetry;
pub mod worker;
