//! What tests on real registries are made of.
//!
//! - [`Registry`]: a real Distribution process of either [`Version`], as a [`Builder`] describes it; [`Store`] is its
//!   storage on disk, [`Collection`] what its `garbage-collect` said, [`Tmpfs`] a disk that fills up.
//! - [`ObjectServer`]: an object store, for registries that store there: [`S3Server`], [`GcsServer`] or [`AzureServer`].
//! - [`Pusher`]: pushes [`Artifact`]s, looks at what is there, and proves that an image is whole; [`push_history`] and
//!   [`push_many`] push a lot.
//! - [`Relay`]: stands between a client and a registry, records, and acts at an exact point.
//! - [`TokenServer`], [`Credentials`], [`Authority`]: logins and TLS.
//!
//! Of the crate, only `oci::Digest` is used here: tests must not be wrong in the same way as what they test.

#![allow(unused_imports, reason = "types that a test gets and need not name")]

mod artifact;
mod azure;
mod collection;
mod configuration;
mod front;
mod gcs;
mod history;
mod integrity;
mod object_server;
mod pusher;
mod registry;
mod relay;
mod s3;
mod server;
mod store;
mod tls;
mod tmpfs;
mod token;
mod version;

pub use artifact::{Artifact, ImageBuilder};
pub use azure::AzureServer;
pub use collection::Collection;
pub use configuration::{Builder, Credentials};
pub use gcs::GcsServer;
pub use history::{REPOSITORIES, TAGS, push_history, push_many, release};
pub use object_server::ObjectServer;
pub use pusher::{Pusher, Refused};
pub use registry::Registry;
pub use relay::{Exchange, Gate, On, Relay, Reply, Request, Step};
pub use s3::S3Server;
pub use store::Store;
pub use tls::{Authority, Identity};
pub use tmpfs::{Filled, Tmpfs, fill};
pub use token::{TokenRequest, TokenServer};
pub use version::Version;
pub(crate) use version::both_versions;
