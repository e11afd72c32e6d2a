//! The OCI vocabulary: digests, names, image references, media types, manifests and the tags that belong to other
//! manifests.
//!
//! Everything here parses untrusted bytes into types that cannot hold a malformed value. Nothing reads a clock,
//! a socket or a file.

mod companion;
mod config;
mod descriptor;
mod digest;
mod image;
mod manifest;
mod media_type;
mod name;
mod tombstone;

pub use companion::CompanionTag;
pub use config::created_of_config;
pub use descriptor::Descriptor;
pub use digest::{Digest, DigestError, Hasher};
pub use image::{ImageReference, ImageReferenceError};
pub use manifest::{Content, MAX_MANIFEST_BYTES, Manifest, ManifestError};
pub use media_type::{ACCEPT_MANIFESTS, ManifestKind, OCI_INDEX};
pub use name::{NameError, RepositoryName, Tag, TagReference};
pub use tombstone::Tombstone;
