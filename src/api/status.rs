use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Mode;

/// What the operator found and did. Nobody else writes it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistryRetentionStatus {
    /// The generation of the spec that the rest of the status is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    pub observed_generation: Option<i64>,
    /// `Ready`, and while they hold `Stalled` (only a person can help) and `Reconciling` (a change of the spec is not
    /// processed yet).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = kube::core::ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// When the schedule lets it run next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Time")]
    pub next_run_time: Option<Time>,
    /// The last value of the annotation `registry-retention.dev/requestedAt` that was answered with a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub last_handled_reconcile_at: Option<String>,
    /// When the last run ended that did all that it had to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Time")]
    pub last_successful_run: Option<Time>,
    /// What answers at `spec.registry.url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "RegistryStatus")]
    pub registry: Option<RegistryStatus>,
    /// What the registry's storage holds, as of the newest plan. Absent where it is not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "StorageStatus")]
    pub storage: Option<StorageStatus>,
    /// What workloads protect, as of the last run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WorkloadsStatus")]
    pub workloads: Option<WorkloadsStatus>,
    /// What each rule selects, in the order of the spec, as of the last run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleStatus>,
    /// The newest plan: what would go now, and why the rest stays. After a run it is of what is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PlanReference")]
    pub plan: Option<PlanReference>,
    /// The run in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "RunStatus")]
    pub run: Option<RunStatus>,
    /// The plan that waits for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WaitingStatus")]
    pub waiting: Option<WaitingStatus>,
    /// The last run that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "LastRunStatus")]
    pub last_run: Option<LastRunStatus>,
}

impl RegistryRetentionStatus {
    /// The condition of this type.
    pub fn condition(&self, type_: &str) -> Option<&Condition> {
        self.conditions.iter().find(|it| it.type_ == type_)
    }

    /// Whether the condition of this type holds.
    pub fn holds(&self, type_: &str) -> bool {
        self.condition(type_).is_some_and(|it| it.status == "True")
    }
}

/// A registry, as it answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistryStatus {
    /// `2.x`, `3.x`, or `unknown`.
    pub version: String,
    /// Whether it lets anything be deleted.
    pub delete_enabled: bool,
    /// How many tags have an age from which source; `Unknown` where a rule asks and nothing tells.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub age_sources: BTreeMap<String, i64>,
}

/// A registry's storage, as a Job beside it read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StorageStatus {
    /// What its filesystem holds, in bytes. Absent in a bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    pub capacity_bytes: Option<i64>,
    /// What of that is taken, by whatever; in a bucket, what all blobs of the registry take.
    pub used_bytes: i64,
    /// What a garbage collection would remove once the plan is carried out, each blob once.
    pub reclaimable_bytes: i64,
    /// What only untagged manifests need, whether they go or stay.
    pub untagged_bytes: i64,
    /// When it was read.
    pub measured_at: Time,
    /// `usedBytes` for people: `12.3 GiB of 50.0 GiB`.
    pub used: String,
    /// `reclaimableBytes` for people: `3.1 GiB`.
    pub reclaimable: String,
    /// The repositories in which the plan sets most free, at most 20 of them. The stored plan has all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<RepositoryBytes>,
}

/// What a plan sets free in one repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RepositoryBytes {
    /// The repository.
    pub name: String,
    /// What goes with its manifests, in bytes. A blob that several repositories let go of counts for the first.
    pub bytes: i64,
}

/// What workloads protect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadsStatus {
    /// Tags and digests of the repositories that the rules reach, as workloads name them.
    pub references: i64,
    /// Tags that stay because of them, whatever rules say.
    pub tags: i64,
}

/// What one rule does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuleStatus {
    /// Its name.
    pub name: String,
    /// Tags that it selects.
    pub selected: i64,
    /// Of these, those that stay, for whatever reason.
    pub kept: i64,
    /// Of these, those that go.
    pub condemned: i64,
    /// What it sets free, in bytes: a blob counts for the first rule that lets go of something that needs it. Absent
    /// where the storage is not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    pub bytes: Option<i64>,
}

/// A run in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunStatus {
    /// Its name, which its stored plan carries.
    pub id: String,
    /// Since when.
    pub start_time: Time,
    /// The generation of the spec that it began with.
    pub generation: i64,
    /// What its plan says.
    #[serde(flatten)]
    pub counts: PlanCounts,
    /// Tags that are gone, companions included.
    pub deleted: i64,
    /// Its plan: nothing else goes.
    pub plan: PlanReference,
}

/// A plan in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanCounts {
    /// Repositories that the rules reach.
    pub repositories: i64,
    /// Tags there.
    pub tags: i64,
    /// Those that some rule of any resource of this registry selects.
    pub selected: i64,
    /// Those that stay.
    pub kept: i64,
    /// Those that go.
    pub condemned: i64,
    /// How many stay for which reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept_by_reason: BTreeMap<String, i64>,
    /// Bytes that a collection gives back once the plan is carried out.
    pub reclaimable_bytes: i64,
}

/// A stored plan.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanReference {
    /// The `ConfigMaps` that hold it, in order, in the namespace of the resource.
    pub config_maps: Vec<String>,
    /// Its hash.
    pub hash: String,
}

/// A plan that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitingStatus {
    /// Why, one code each: `MaxDeletePercent`, `MaxDeletions`, `FewerTags`, `FewerRepositories`.
    pub reasons: Vec<String>,
    /// The same in words.
    pub message: String,
    /// Tags that would go.
    pub tags: i64,
    /// Since when; after 7 days it can no longer be accepted.
    pub since: Time,
    /// The plan.
    pub plan: PlanReference,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RunResult {
    /// Everything was done.
    Succeeded,
    /// Some is left, and goes on with the next run.
    Incomplete,
    /// Nothing could be planned or deleted.
    Failed,
}

/// A run that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastRunStatus {
    /// Its name, which its stored plan carries.
    pub id: String,
    /// Whether it was to delete.
    pub mode: Mode,
    /// When it began.
    pub start_time: Time,
    /// When it ended.
    pub completion_time: Time,
    /// How it ended.
    pub result: RunResult,
    /// The same in words.
    pub message: String,
    /// What its plan says.
    #[serde(flatten)]
    pub counts: PlanCounts,
    /// Tags that are gone, companions included.
    pub deleted: i64,
    /// Operations at which the registry failed.
    pub failed: i64,
    /// The plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PlanReference")]
    pub plan: Option<PlanReference>,
}
