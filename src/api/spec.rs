use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::{ABSOLUTE_PATH, ALIAS, CRON, DNS_LABEL, DNS_SUBDOMAIN, MAX_ITEMS, REGISTRY_URL, TIME_ZONE};
use super::{Limits, Protect, Untagged};

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
#[kube(status = "super::RegistryRetentionStatus")]
#[kube(printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"))]
#[kube(printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"))]
#[kube(printcolumn(name = "Tags", type_ = "integer", json_path = ".status.lastRun.tags"))]
#[kube(printcolumn(name = "Condemned", type_ = "integer", json_path = ".status.lastRun.condemned"))]
#[kube(printcolumn(name = "Deleted", type_ = "integer", json_path = ".status.lastRun.deleted"))]
#[kube(printcolumn(name = "Used", type_ = "string", json_path = ".status.storage.used"))]
#[kube(printcolumn(name = "Reclaimable", type_ = "string", json_path = ".status.storage.reclaimable"))]
#[kube(printcolumn(name = "Last Run", type_ = "date", json_path = ".status.lastRun.startTime"))]
#[kube(printcolumn(name = "Next Run", type_ = "string", json_path = ".status.nextRunTime"))]
#[kube(printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"))]
#[kube(printcolumn(
    name = "Reason",
    type_ = "string",
    json_path = ".status.conditions[?(@.type=='Ready')].reason",
    priority = 1
))]
#[kube(printcolumn(name = "Registry", type_ = "string", json_path = ".spec.registry.url", priority = 1))]
#[kube(printcolumn(name = "In Use", type_ = "integer", json_path = ".status.workloads.tags", priority = 1))]
#[kube(printcolumn(
    name = "Age Storage",
    type_ = "integer",
    json_path = ".status.registry.ageSources.Storage",
    priority = 1
))]
#[kube(printcolumn(
    name = "Age Created",
    type_ = "integer",
    json_path = ".status.registry.ageSources.Created",
    priority = 1
))]
#[kube(printcolumn(
    name = "Age Unknown",
    type_ = "integer",
    json_path = ".status.registry.ageSources.Unknown",
    priority = 1
))]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = kube::core::Rule::new("has(self.schedule) || !has(self.timeZone)")
    .message("`timeZone` says how `schedule` is read; give a `schedule` too, or leave `timeZone` out")
    .field_path(".timeZone"))]
pub struct RegistryRetentionSpec {
    /// `DryRun` (default): plan and report, delete nothing. `Enforce`: delete what the plan condemns.
    #[serde(default)]
    pub mode: Mode,
    /// Stops all runs of this resource, also one in progress. What its rules and protections keep stays kept.
    /// Default `false`.
    #[serde(default)]
    pub suspend: bool,
    /// When to run, as a cron line of five fields: `0 3 * * *`. Absent: only when asked for
    /// (`kubectl registry-retention run NAME`). A plan is made at first sight and after each change in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 100), regex(pattern = CRON.pattern))]
    pub schedule: Option<String>,
    /// The time zone in which `schedule` is read, by its IANA name: `Europe/Berlin`. Absent: UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 64), regex(pattern = TIME_ZONE.pattern))]
    pub time_zone: Option<String>,
    /// How long one run may delete. A run that is cut by it ends `Incomplete` and goes on at once. Minutes or hours:
    /// `30m`, `2h`. Default `2h`.
    #[serde(default)]
    pub timeout: super::Timeout,
    /// The registry that the rules are for.
    pub registry: Registry,
    /// Which tags are judged, and what keeps them. A tag that no rule selects is kept. A tag that several rules select
    /// is kept if any of them keeps it. 1 to 64 rules; their order means nothing.
    #[schemars(length(min = 1, max = MAX_ITEMS))]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["name".into()]))]
    pub rules: Vec<super::Rule>,
    /// Which manifests go that no tag reaches: what a tag left behind when it moved, what was pushed without a tag.
    /// Absent: they are left. Of several resources whose rules reach a repository the most patient holds, and one
    /// without this leaves them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Untagged")]
    pub untagged: Option<Untagged>,
    /// What is never deleted, whatever the rules say.
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = kube::core::Rule::new("has(self.deploymentRef) || !has(self.container)")
        .message("`container` is one of the Deployment's; name that by `deploymentRef` too, or leave `container` out")
        .field_path(".container"),
    validation = kube::core::Rule::new("has(self.deploymentRef) || !has(self.configuration)")
        .message("`configuration` is a file in the Deployment's container; name the Deployment by `deploymentRef` too, or \
                  leave `configuration` out")
        .field_path(".configuration"),
)]
pub struct Registry {
    /// Where the registry is reached: `http://` or `https://`, a host and perhaps a port, without login, path, query or
    /// fragment: `http://registry.registry:5000`. A host of a single name is refused, for it would be looked up in the
    /// operator's own namespace.
    #[schemars(length(max = 512), regex(pattern = REGISTRY_URL.pattern))]
    pub url: String,
    /// Other names by which workloads pull from this registry, as `host[:port][/prefix]`:
    /// `registry.example.com/mirror`. The prefix is taken off the paths of images in use; the host tells resources of
    /// the same registry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_ITEMS), inner(length(max = 512), regex(pattern = ALIAS.pattern)))]
    pub aliases: Vec<String>,
    /// Says that the tag lists of this registry are complete, where that cannot be known: Distribution 3.x on a
    /// filesystem, or 3.1.2 and later on any storage. Distribution 3.0 to 3.1.1 on S3 hides tags; saying `true` there
    /// can lose images. Default `false`: where completeness is unknown, tags are removed but no digest is.
    #[serde(default)]
    pub complete_tag_lists: bool,
    /// The Secret with the login, in the namespace of this resource: of type `kubernetes.io/basic-auth`, or
    /// `kubernetes.io/dockerconfigjson`. Absent: no login. Only the operator reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SecretReference")]
    pub secret_ref: Option<SecretReference>,
    /// The Secret with certificates, in the namespace of this resource: `ca.crt` signs the registry's certificate,
    /// `tls.crt` and `tls.key` are the client's own. Only the operator reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SecretReference")]
    pub cert_secret_ref: Option<SecretReference>,
    /// The Deployment that runs the registry, in the namespace of this resource. Where it is named, the operator reads
    /// the registry's storage before each plan, by a Job beside it that mounts it read-only: push times, untagged
    /// manifests, complete tag lists and exact bytes. If the storage cannot be read, nothing is planned or deleted.
    /// Absent: the storage is not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "DeploymentReference")]
    pub deployment_ref: Option<DeploymentReference>,
    /// The registry's container in that Deployment. Absent: the only one, else the one named `registry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 63), regex(pattern = DNS_LABEL.pattern))]
    pub container: Option<String>,
    /// The registry's configuration file in that container. Absent: as `command` and `args` say it, else where the
    /// official images have it. `REGISTRY_*` variables of the Deployment hold over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 512), regex(pattern = ABSOLUTE_PATH.pattern))]
    pub configuration: Option<String>,
}

impl Registry {
    /// The name of the Deployment that runs it, where that is given.
    pub fn deployment(&self) -> Option<&str> {
        self.deployment_ref.as_ref().map(|deployment| deployment.name.as_str())
    }
}

/// A Deployment in the namespace of the resource that names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct DeploymentReference {
    /// Its name.
    #[schemars(length(max = 253), regex(pattern = DNS_SUBDOMAIN.pattern))]
    pub name: String,
}

/// A Secret in the namespace of the resource that names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct SecretReference {
    /// Its name.
    #[schemars(length(max = 253), regex(pattern = DNS_SUBDOMAIN.pattern))]
    pub name: String,
}
