use serde::{Deserialize, Serialize};

/// What came of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "result", content = "reason")]
pub enum End {
    /// The collector did its work.
    Collected,
    /// It did not, or not all of it.
    Aborted(Abort),
}

/// Why a run was ended. Each is a stable code; whatever was changed is restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
pub enum Abort {
    /// The resource was deleted.
    #[error("the RegistryCollection was deleted")]
    Deleted,
    /// Somebody asked for it to end.
    #[error("the collection was suspended, or what it would remove is in use again")]
    Withdrawn,
    /// A person declared the collector dead, so none may be released any more.
    #[error("a person declared the collector dead (registry-retention.dev/collector-dead)")]
    DeclaredDead,
    /// The Deployment is not the one that the run began with.
    #[error("the Deployment was deleted")]
    DeploymentGone,
    /// The deadline passed.
    #[error("the registry may not be read-only for longer (maxReadOnly)")]
    DeadlinePassed,
    /// Not enough time is left for a collection.
    #[error("too little time was left to collect before maxReadOnly")]
    TooLittleTime,
    /// Another run, or a person, took our annotation off the Deployment.
    #[error("the Deployment was edited: the annotation of this run is gone")]
    ClaimLost,
    /// The registry can be written to, or soon will be.
    #[error("the Deployment or one of its pods was changed, so that the registry was not read-only any more")]
    FreezeLost,
    /// The Deployment has an entry, a pause or a number of replicas that is not ours.
    #[error("the Deployment was edited before it was frozen")]
    Edited,
    /// A frozen pod takes writes nevertheless.
    #[error("a pod takes writes although it was started read-only")]
    NotReadOnly,
    /// Nothing holds the registry read-only.
    #[error("the admission guard does not refuse to lift read-only")]
    GuardLost,
    /// Nobody would thaw the registry if the operator died.
    #[error("the keeper is gone")]
    KeeperLost,
    /// The keeper restored the Deployment, for the operator did not answer any more.
    #[error("the operator did not answer, and the keeper made the registry writable again")]
    OperatorGone,
    /// The collector failed.
    #[error("the collector failed")]
    CollectorFailed,
    /// The collector was deleted, or its pod was.
    #[error("the collector was deleted before it had ended")]
    CollectorLost,
}

impl Abort {
    /// The stable code.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Deleted => "Deleted",
            Self::Withdrawn => "Withdrawn",
            Self::DeclaredDead => "DeclaredDead",
            Self::DeploymentGone => "DeploymentGone",
            Self::DeadlinePassed => "DeadlinePassed",
            Self::TooLittleTime => "TooLittleTime",
            Self::ClaimLost => "ClaimLost",
            Self::FreezeLost => "FreezeLost",
            Self::Edited => "Edited",
            Self::NotReadOnly => "NotReadOnly",
            Self::GuardLost => "GuardLost",
            Self::KeeperLost => "KeeperLost",
            Self::OperatorGone => "OperatorGone",
            Self::CollectorFailed => "CollectorFailed",
            Self::CollectorLost => "CollectorLost",
        }
    }
}
