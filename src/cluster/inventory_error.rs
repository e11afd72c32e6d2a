use super::errand::ErrandError;
use super::error::Cause;
use super::job_log::FollowError;
use crate::collection::Refusal;

/// Why a registry's storage was not read by a Job. The registry was not touched, and the Job is gone again.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    /// There is no such Deployment.
    #[error("Deployment {name} is not there, so its storage was not read; name the registry's Deployment")]
    NoDeployment {
        /// `namespace/name`.
        name: String,
    },
    /// No Job can do it.
    #[error("{0}; the storage was not read")]
    Refused(#[from] Refusal),
    /// The API server refused, or did not answer.
    #[error("{what}: {cause}; the storage was not read{}", advice(cause))]
    Api {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        cause: Cause,
    },
    /// A Job of that name is somebody else's.
    #[error("Job {job} is in the way: it was not made by registry-retention; the storage was not read; delete it")]
    NotOurs {
        /// `namespace/name`.
        job: String,
    },
    /// A Job was deleted and is still there.
    #[error("Job {job} was deleted and its pod does not go; the storage was not read; see that its node is Ready")]
    Stays {
        /// Its name.
        job: String,
    },
    /// The Job has no pod.
    #[error(
        "no pod was made for Job {job}, so the storage was not read; see the Events of a Job that is created like it: a \
         quota, a policy or Pod Security may be in the way"
    )]
    NoPod {
        /// `namespace/name`.
        job: String,
    },
    /// Its log gave no result.
    #[error("the Job that reads the storage: {0}; nothing of it was used; it is tried again")]
    Unfollowed(FollowError),
    /// It took too long.
    #[error("the Job that reads the storage did not end in time; nothing of it was used")]
    Timeout,
    /// The program in the Job said why there is no inventory.
    #[error("{text}")]
    Told {
        /// The stable code.
        reason: String,
        /// What happened, and what to do about it.
        text: String,
    },
    /// The program in the Job ended without saying why.
    #[error("the Job that reads the storage ended with {how}: {words}; nothing of it was used")]
    Ended {
        /// The exit code, and the kubelet's word for it.
        how: String,
        /// The last lines of its standard error.
        words: String,
    },
}

impl InventoryError {
    /// The stable code.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoDeployment { .. } => "DeploymentNotFound",
            Self::Refused(refusal) => refusal.reason(),
            Self::Api { cause: Cause::Forbidden, .. } => "Forbidden",
            Self::Api { .. } => "ApiServer",
            Self::NotOurs { .. } | Self::Stays { .. } => "JobInTheWay",
            Self::NoPod { .. } | Self::Unfollowed(FollowError::NotStarted(_)) => "JobNotStarted",
            Self::Unfollowed(FollowError::Gone) => "JobGone",
            Self::Unfollowed(_) => "JobLogUnreadable",
            Self::Timeout => "JobTimeout",
            Self::Told { reason, .. } => told(reason),
            Self::Ended { .. } => "JobFailed",
        }
    }

    /// Whether no registry has stored anything where the configuration says; for a new one that is as it should be.
    pub fn is_of_empty(&self) -> bool {
        self.reason() == "StorageEmpty"
    }

    /// Whether it may pass by itself; else only a person can help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NoDeployment { .. } | Self::Refused(_) | Self::NotOurs { .. } | Self::Told { .. } => false,
            Self::Api { cause, .. } => *cause != Cause::Forbidden,
            Self::Stays { .. } | Self::NoPod { .. } | Self::Unfollowed(_) | Self::Timeout | Self::Ended { .. } => true,
        }
    }
}

impl From<ErrandError> for InventoryError {
    fn from(error: ErrandError) -> Self {
        match error {
            ErrandError::NoDeployment(name) => Self::NoDeployment { name },
            ErrandError::Refused(refusal) => Self::Refused(refusal),
            ErrandError::Api(what, cause) => Self::Api { what, cause },
            ErrandError::NotOurs(job) => Self::NotOurs { job },
            ErrandError::Stays(job) => Self::Stays { job },
            ErrandError::NoPod(job) => Self::NoPod { job },
            ErrandError::Gone => Self::Unfollowed(FollowError::Gone),
            ErrandError::NotStarted(why) => Self::Unfollowed(FollowError::NotStarted(why)),
            ErrandError::Timeout => Self::Timeout,
        }
    }
}

/// What the program in a Job may give for a reason. A log can say anything, and a reason becomes a condition's.
const TOLD: [(&str, &str); 6] = [
    ("StorageEmpty", "StorageEmpty"),
    ("StorageIncomplete", "StorageIncomplete"),
    ("StorageUnreadable", "StorageUnreadable"),
    ("EntryPointUnknown", "EntryPointUnknown"),
    ("StoreNotShared", "StoreNotShared"),
    // There, it is what the configuration says that it cannot work with.
    ("Usage", "ConfigurationUnusable"),
];

fn told(said: &str) -> &'static str {
    TOLD.into_iter().find(|(known, _)| *known == said).map_or("StorageUnreadable", |(_, reason)| reason)
}

fn advice(cause: &Cause) -> &'static str {
    match cause {
        Cause::Forbidden => "; see the rights that the chart gives in the namespaces that it is told of",
        _ => "; it is tried again",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_cannot_invent_a_reason() {
        let reason = |said: &str| InventoryError::Told { reason: said.into(), text: String::new() }.reason();
        assert_eq!(reason("StoreNotShared"), "StoreNotShared");
        assert_eq!(reason("Usage"), "ConfigurationUnusable");
        assert_eq!(reason("Pruned"), "StorageUnreadable");
    }
}
