use serde::{Deserialize, Serialize};

use super::Digest;

/// What a manifest says of something it refers to (OCI image-spec, descriptor.md). Only what deciding needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The digest of the content.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}
