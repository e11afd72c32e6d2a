use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{MAX_ITEMS, REGISTRY_URL};
use super::{Limits, Protect};

/// What is worth keeping in one registry, and what is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "registry-retention.dev",
    version = "v1alpha1",
    kind = "RegistryRetention",
    plural = "registryretentions",
    shortname = "rr",
    category = "registry-retention",
    namespaced,
    derive = "PartialEq",
    doc = "RegistryRetention says which tags of a self-hosted CNCF Distribution registry are worth keeping. Tags that \
           a rule selects and nothing keeps are deleted; everything else stays."
)]
#[kube(printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"))]
#[kube(printcolumn(name = "Registry", type_ = "string", json_path = ".spec.registry.url", priority = 1))]
#[kube(printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"))]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = kube::core::Rule::new("has(self.protect) && has(self.protect.inUse)")
    .message("workloads in use are looked up in a cluster, which this version does not do yet; say `inUse: {scope: \
              None}` under `protect` to go without that protection")
    .field_path(".protect.inUse"))]
pub struct RegistryRetentionSpec {
    /// `DryRun` (default): plan and report, delete nothing. `Enforce`: delete what the plan condemns.
    #[serde(default)]
    pub mode: Mode,
    /// The registry that the rules are for.
    pub registry: Registry,
    /// Which tags are judged, and what keeps them. A tag that no rule selects is kept. A tag that several rules select
    /// is kept if any of them keeps it. 1 to 64 rules; their order means nothing.
    #[schemars(length(min = 1, max = MAX_ITEMS))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["name".into()]))]
    pub rules: Vec<super::Rule>,
    /// What is never deleted, whatever the rules say. `protect.inUse` must be given.
    #[serde(default)]
    pub protect: Protect,
    /// How much may go at once before a person must agree.
    #[serde(default)]
    pub limits: Limits,
}

/// Whether anything is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum Mode {
    /// Plan and report, delete nothing.
    #[default]
    DryRun,
    /// Delete what the plan condemns.
    Enforce,
}

/// A registry and what cannot be found out about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Registry {
    /// Where the registry is reached: `http://` or `https://`, a host and perhaps a port, without login, path, query or
    /// fragment: `http://registry.registry:5000`.
    #[schemars(length(max = 512), regex(pattern = REGISTRY_URL.pattern))]
    pub url: String,
    /// Says that the tag lists of this registry are complete, where that cannot be known: Distribution 3.x on a
    /// filesystem, or 3.1.2 and later on any storage. Distribution 3.0 to 3.1.1 on S3 hides tags; saying `true` there
    /// can lose images. Default `false`: where completeness is unknown, tags are removed but no digest is.
    #[serde(default)]
    pub complete_tag_lists: bool,
}
