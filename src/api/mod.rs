//! The custom resources `RegistryRetention` and `RegistryCollection`: their types, their schemas, and how files of the
//! former are read.
//!
//! Bounds, patterns and CEL rules stand beside the fields they concern and reach the CRD from there; [`mod@file`] checks
//! files by that very schema, so that an API server and the terminal accept and refuse the same resources. Doc
//! comments on fields are what `kubectl explain` shows.

mod age;
#[expect(unreachable_pub, reason = "the derive repeats the types inside its functions")]
#[expect(clippy::duplicated_attributes, reason = "two columns of one type")]
mod collection;
mod crd;
pub mod file;
mod limits;
mod protect;
#[expect(unreachable_pub, reason = "the derive repeats the types inside its functions")]
mod rule;
mod size;
#[expect(unreachable_pub, reason = "the derive repeats the types inside its functions")]
#[expect(clippy::duplicated_attributes, reason = "two columns of one type")]
mod spec;
#[expect(unreachable_pub, reason = "the derive repeats the types inside its functions")]
mod status;
mod text;
mod timeout;
#[expect(unreachable_pub, reason = "the derive repeats the types inside its functions")]
mod untagged;

pub use age::{Age, AgeError};
pub use collection::{
    DeletedStatus, ForecastStatus, ReadOnlySeconds, RegistryCollection, RegistryCollectionSpec,
    RegistryCollectionStatus, StaleUploads, Verification,
};
pub use crd::{api_resource, crd, crd_yaml, crds};
pub use file::{FileError, Place, read_resources};
pub use limits::Limits;
pub use protect::{InUse, Protect, Scope};
pub use rule::{Action, Keep, NewestVersions, Per, Prereleases, Repositories, Rule, Tags};
pub use size::binary_size;
pub use spec::{DeploymentReference, Mode, Registry, RegistryRetention, RegistryRetentionSpec, SecretReference};
pub use status::{
    LastRunStatus, PlanCounts, PlanReference, RegistryRetentionStatus, RegistryStatus, RepositoryBytes, RuleStatus,
    RunResult, RunStatus, StorageStatus, WaitingStatus, WorkloadsStatus,
};
pub use timeout::{Timeout, TimeoutError};
pub use untagged::Untagged;
