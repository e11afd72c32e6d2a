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
    /// Which workloads protect the images that they use. Default: those of the whole cluster.
    pub in_use: InUse,
}

impl Default for Protect {
    fn default() -> Self {
        Self { tags: Vec::new(), minimum_age: Age::from_hours(24), in_use: InUse::default() }
    }
}

/// Which workloads protect the images that they use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct InUse {
    /// `Cluster`: those of the whole cluster, running or not, down to suspended and zero replicas. `Namespace`: those
    /// of the namespace of this resource. `None`: none; an image is deleted even if a workload uses it, unless a rule
    /// or another protection keeps it. Default `Cluster`.
    pub scope: Scope,
}

/// Where workloads are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum Scope {
    /// In the whole cluster.
    #[default]
    Cluster,
    /// In the namespace of the resource.
    Namespace,
    /// Nowhere: what workloads use is not protected.
    None,
}
