use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::text::{ABSOLUTE_PATH, DNS_LABEL};
use super::{Age, DeploymentReference, SecretReference, Timeout};
use crate::collection::Serving;
use crate::collection::marks::FINALIZER;
use crate::collection::protocol::{GuardDemand, Journal, Strategy};

/// One collection of one registry's garbage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "registry-retention.dev",
    version = "v1alpha1",
    kind = "RegistryCollection",
    plural = "registrycollections",
    shortname = "rrc",
    category = "registry-retention",
    namespaced,
    derive = "PartialEq",
    doc = "RegistryCollection gives the disk space of a self-hosted CNCF Distribution registry back, once: the registry is \
           made read-only, its own garbage-collect removes what nothing references, and it is made writable again."
)]
#[kube(status = "super::RegistryCollectionStatus")]
#[kube(printcolumn(name = "Deployment", type_ = "string", json_path = ".spec.deploymentRef.name"))]
#[kube(printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"))]
#[kube(printcolumn(name = "Freed", type_ = "string", json_path = ".status.freed"))]
#[kube(printcolumn(name = "Read-Only", type_ = "number", json_path = ".status.readOnlySeconds.total"))]
#[kube(printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"))]
#[kube(printcolumn(
    name = "Reason",
    type_ = "string",
    json_path = ".status.conditions[?(@.type=='Ready')].reason",
    priority = 1
))]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = kube::core::Rule::new(
        "self.deploymentRef == oldSelf.deploymentRef && self.strategy == oldSelf.strategy && self.guard == oldSelf.guard && \
         self.maxReadOnly == oldSelf.maxReadOnly && self.storeIsExclusive == oldSelf.storeIsExclusive && \
         self.verify == oldSelf.verify && self.staleUploads == oldSelf.staleUploads")
        .message("a collection is asked for once, and only `suspend` of it may change; delete it and create another one"),
    validation = kube::core::Rule::new(
        "has(self.container) == has(oldSelf.container) && (!has(self.container) || self.container == oldSelf.container) && \
         has(self.executable) == has(oldSelf.executable) && \
         (!has(self.executable) || self.executable == oldSelf.executable) && \
         has(self.configuration) == has(oldSelf.configuration) && \
         (!has(self.configuration) || self.configuration == oldSelf.configuration)")
        .message("a collection is asked for once, and only `suspend` of it may change; delete it and create another one"),
    validation = kube::core::Rule::new(
        "has(self.secretRef) == has(oldSelf.secretRef) && (!has(self.secretRef) || self.secretRef == oldSelf.secretRef) && \
         has(self.certSecretRef) == has(oldSelf.certSecretRef) && \
         (!has(self.certSecretRef) || self.certSecretRef == oldSelf.certSecretRef)")
        .message("a collection is asked for once, and only `suspend` of it may change; delete it and create another one"),
)]
pub struct RegistryCollectionSpec {
    /// The Deployment that runs the registry, in the namespace of this resource.
    pub deployment_ref: DeploymentReference,
    /// The registry's container in it. Absent: the only one, else the one named `registry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 63), regex(pattern = DNS_LABEL.pattern))]
    pub container: Option<String>,
    /// The registry's program in that container. Absent: as `command` and `args` say it, else `registry` or
    /// `docker-registry` in its `PATH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 512), regex(pattern = ABSOLUTE_PATH.pattern))]
    pub executable: Option<String>,
    /// The registry's configuration file in that container. Absent: as `command` and `args` say it, else where the
    /// official images have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 512), regex(pattern = ABSOLUTE_PATH.pattern))]
    pub configuration: Option<String>,
    /// `true` ends the collection and makes the registry writable again, or keeps it from beginning. Default `false`.
    #[serde(default)]
    pub suspend: bool,
    /// `ReadOnly` (default): the registry's pods are replaced by read-only ones, which serve pulls meanwhile.
    /// `ScaleToZero`: there are none meanwhile.
    #[serde(default = "read_only")]
    #[schemars(schema_with = "strategies")]
    pub strategy: Strategy,
    /// For how long the registry may be read-only: then the collector is ended and the registry restored. Minutes or
    /// hours: `30m`, `2h`. Default `30m`.
    #[serde(default = "half_an_hour")]
    pub max_read_only: Timeout,
    /// What must keep everyone from making the registry writable meanwhile. `Required` (default): the chart's admission
    /// policy. `BestEffort`: where that is not in force, the Deployment is paused.
    #[serde(default = "required")]
    #[schemars(schema_with = "guards")]
    pub guard: GuardDemand,
    /// Says that no other registry, Job or person writes to the store, where no `ReadWriteOnce` or `ReadWriteOncePod`
    /// claim proves it: an object store, nfs, hostPath, `ReadWriteMany`. Saying `true` of a store that others write to
    /// can lose images. Default `false`.
    #[serde(default)]
    pub store_is_exclusive: bool,
    /// How what is kept is looked at afterwards. `References` (default): whether it is all there. `Content`: it is read
    /// and hashed as well. `None`: not at all.
    #[serde(default)]
    pub verify: Verification,
    /// Which uploads that did not end are removed with the garbage.
    #[serde(default)]
    pub stale_uploads: StaleUploads,
    /// The Secret with the login at the registry, in the namespace of this resource: of type
    /// `kubernetes.io/basic-auth`, or `kubernetes.io/dockerconfigjson`. The pods are asked with it whether they take
    /// writes. Absent: no login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SecretReference")]
    pub secret_ref: Option<SecretReference>,
    /// The Secret with certificates, in the namespace of this resource: `ca.crt` signs the registry's certificate,
    /// `tls.crt` and `tls.key` are the client's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SecretReference")]
    pub cert_secret_ref: Option<SecretReference>,
}

/// How what is kept is looked at after a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum Verification {
    /// Whether all of it is there.
    #[default]
    References,
    /// It is read and hashed as well.
    Content,
    /// Not at all.
    None,
}

/// Which uploads are removed that did not end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct StaleUploads {
    /// Those in which nothing was written for so long. Hours, days or weeks: `24h`, `7d`. Default `24h`.
    #[serde(default = "a_day")]
    pub older_than: Age,
}

impl Default for StaleUploads {
    fn default() -> Self {
        Self { older_than: a_day() }
    }
}

/// What the operator found and did. Nobody else writes it, but a keeper whose operator is gone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistryCollectionStatus {
    /// How far it is: `Waiting`, `Claiming`, `Freezing`, `Collecting`, `Thawing`, `Collected`, `Failed` or `Refused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub phase: Option<String>,
    /// `Ready` once it has collected, and while they hold `Stalled` (only a person can help) and `Reconciling` (it is
    /// under way).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// What it is about to do, written down before: with it whoever comes next can restore the Deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "anything")]
    pub journal: Option<Journal>,
    /// The claims of the store. No other pod may have them while the registry is read-only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<String>,
    /// How the registry's pods are asked whether they take writes, by its own configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "anything")]
    pub serving: Option<Serving>,
    /// What a dry run beside the writable registry foretold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ForecastStatus")]
    pub forecast: Option<ForecastStatus>,
    /// When the registry began to be read-only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Time")]
    pub start_time: Option<Time>,
    /// When it was writable again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Time")]
    pub completion_time: Option<Time>,
    /// For how long the registry was read-only, by step, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ReadOnlySeconds")]
    pub read_only_seconds: Option<ReadOnlySeconds>,
    /// What was deleted, by the storage itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "DeletedStatus")]
    pub deleted: Option<DeletedStatus>,
    /// `deleted.bytes` for people: `3.1 GiB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub freed: Option<String>,
    /// Which Distribution collected, by its own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub registry: Option<String>,
}

impl RegistryCollection {
    /// What was journalled.
    pub fn journal(&self) -> Option<&Journal> {
        self.status.as_ref()?.journal.as_ref()
    }

    /// Whether our finalizer is on it.
    pub fn has_finalizer(&self) -> bool {
        self.metadata.finalizers.iter().flatten().any(|it| it == FINALIZER)
    }
}

impl RegistryCollectionStatus {
    /// The condition of this type.
    pub fn condition(&self, type_: &str) -> Option<&Condition> {
        self.conditions.iter().find(|it| it.type_ == type_)
    }
}

/// What a collection would remove, and for how long the registry would be read-only.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForecastStatus {
    /// Blobs that nothing references.
    pub blobs: i64,
    /// What they take, in bytes.
    pub bytes: i64,
    /// For how long the registry would be read-only, in seconds.
    pub read_only_seconds: i64,
}

/// What a collection removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletedStatus {
    /// Manifests, by deletions of a plan.
    pub manifests: i64,
    /// Blobs, those of manifests among them.
    pub blobs: i64,
    /// What the blobs took, in bytes.
    pub bytes: i64,
    /// Uploads that did not end.
    pub stale_uploads: i64,
}

/// For how long a registry was read-only, by step, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadOnlySeconds {
    /// From the freeze to the proof that writes are back.
    pub total: f64,
    /// From the freeze until all of its pods were read-only.
    pub freeze: f64,
    /// From then until the last pod that could write was gone.
    pub drain: f64,
    /// The collector's pod, from its start to its end.
    pub collector: f64,
    /// From the thaw until a pod took writes again.
    pub thaw: f64,
    /// The operator's own share: what lies between these.
    pub operator: f64,
}

fn read_only() -> Strategy {
    Strategy::ReadOnly
}

fn required() -> GuardDemand {
    GuardDemand::Required
}

fn half_an_hour() -> Timeout {
    Timeout::from_minutes(30)
}

fn a_day() -> Age {
    Age::from_hours(24)
}

fn strategies(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": ["ReadOnly", "ScaleToZero"]})
}

fn guards(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": ["Required", "BestEffort"]})
}

/// It is for programs; nothing of it may be dropped by an older definition.
fn anything(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}
