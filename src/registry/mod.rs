//! The registry's HTTP API (distribution-spec, and Distribution 2.8 and 3.x as they really behave).
//!
//! # Layout
//!
//! What callers see:
//!
//! - [`Endpoint`], [`Access`], [`Credentials`], [`Tls`], [`DockerConfig`]: where a registry is, and how it is reached.
//! - [`Client`]: the requests, by subject: `listing` (repositories, tags), `manifests`, `blobs`, `probe` (what the
//!   server lets be deleted), `room` (whether the store takes a write).
//! - [`ask`]: whether one process of a registry takes writes, at an address of its own.
//! - [`RegistryError`]: why there is no result, in words and as one stable word.
//! - [`Server`] and its parts: what a probe found out.
//!
//! Beneath, each knowing only what stands after it:
//!
//! - `transport`: a request is sent a few at a time, logged in, and repeated where that is safe.
//! - `login`, `token`, `challenge`: which login, for which scope, and where it may be sent.
//! - `paging`, `retry`: pure rules on next pages and next tries.
//! - `exchange`: one request, one answer, bounded bodies; statuses and network errors become [`Problem`]s.
//!
//! Everything that a server says is untrusted: bodies are bounded, digests computed, names parsed, and no URL of its
//! choosing gets a login but the token service that [`Credentials`] are meant for.

mod blobs;
mod challenge;
mod client;
mod credentials;
mod docker_config;
mod endpoint;
mod error;
mod exchange;
mod listing;
mod login;
mod manifests;
mod paging;
mod probe;
mod retry;
mod room;
#[cfg(test)]
mod tests;
mod tls;
mod token;
mod transport;
mod writable;

use std::time::Duration;

pub use crate::retention::{Deletes, Generation, Refusal, Server};
pub use blobs::Rehashed;
pub use client::{Access, Client, Reference};
pub use credentials::Credentials;
pub use docker_config::{DockerConfig, DockerConfigError};
pub use endpoint::{Endpoint, EndpointError};
pub use error::{Problem, RegistryError};
pub use manifests::{Deleted, Fetched, Resolved};
pub use tls::{ClientCertificate, Tls};
pub use writable::ask;

/// Requests in flight to one registry: twice the cores of a small server is where its throughput ends.
const MAX_IN_FLIGHT: usize = 4;
/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
