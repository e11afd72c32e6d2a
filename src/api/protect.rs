use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Age;
use super::text::{MAX_GLOB, MAX_ITEMS, TAG_GLOB};

/// What is never deleted, whatever the rules say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Protect {
    /// Tags that are never deleted, in every repository of the registry, as globs: `latest`, `stable-*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_ITEMS), inner(length(max = MAX_GLOB), regex(pattern = TAG_GLOB.pattern)))]
    pub tags: Vec<String>,
    /// Nothing younger than this is deleted, and nothing whose age cannot be known. Hours, days or weeks: `24h`, `7d`,
    /// `2w`; a day is 24 hours. `0h` turns it off. Default `24h`.
    pub minimum_age: Age,
    /// Whether images that workloads use are protected. It has to be said: this version cannot look into a cluster,
    /// so the only thing to say is `{scope: None}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "InUse")]
    pub in_use: Option<InUse>,
}

impl Default for Protect {
    fn default() -> Self {
        Self { tags: Vec::new(), minimum_age: Age::from_hours(24), in_use: None }
    }
}

/// Where workloads are looked for whose images are protected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InUse {
    /// `None`: nowhere; an image is deleted even if a workload uses it, unless a rule or another protection keeps it.
    pub scope: Scope,
}

/// Where workloads are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Scope {
    /// Nowhere: what workloads use is not protected.
    None,
}
