//! Why something could not be done: one word for condition, event, metric and docs, a sentence for a person, and
//! whether only a person can help.

use super::ledger::LedgerError;
use crate::cluster::{ClusterError, InventoryError};
use crate::registry::RegistryError;
use crate::retention::Refusal;
use crate::worker::{WorkError, WorkloadsError};

/// What stands in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The stable code.
    pub reason: &'static str,
    /// What happened, and what to do about it.
    pub message: String,
    /// Whether only a person can help; else it is tried again soon.
    pub stalled: bool,
}

impl Trouble {
    /// Only a person can help.
    pub fn stalled(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), stalled: true }
    }

    /// It may pass.
    pub fn transient(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), stalled: false }
    }

    /// The API server refused, or did not answer.
    pub fn of_api(what: &str, error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.is_forbidden() => {
                Self::stalled("Forbidden", format!("{what}: the operator's role does not allow it: {}", status.message))
            }
            kube::Error::Api(status) => Self::transient("ApiServer", format!("{what}: {}", status.message)),
            error => Self::transient("ApiServer", format!("{what}: {error}")),
        }
    }

    /// What a registry that lets nothing be deleted must be told.
    pub fn of_refusal(refusal: Refusal) -> Self {
        Self::stalled(refusal.code(), refusal.remedy())
    }
}

impl From<RegistryError> for Trouble {
    fn from(error: RegistryError) -> Self {
        Self { reason: error.reason(), message: error.to_string(), stalled: !error.is_transient() }
    }
}

impl From<WorkError> for Trouble {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Registry(error) => error.into(),
            WorkError::Journal(_) => Self::transient(error.reason(), error.to_string()),
            _ => Self::stalled(error.reason(), error.to_string()),
        }
    }
}

impl From<WorkloadsError> for Trouble {
    fn from(error: WorkloadsError) -> Self {
        Self::stalled(error.reason, error.message)
    }
}

impl From<ClusterError> for Trouble {
    fn from(error: ClusterError) -> Self {
        Self::stalled(error.reason(), error.to_string())
    }
}

impl From<InventoryError> for Trouble {
    fn from(error: InventoryError) -> Self {
        Self { reason: error.reason(), message: error.to_string(), stalled: !error.is_transient() }
    }
}

impl From<LedgerError> for Trouble {
    fn from(error: LedgerError) -> Self {
        let (reason, message) = ("PlanNotStored", format!("{error}; what cannot be stored is not carried out"));
        Self { reason, message, stalled: !error.is_transient() }
    }
}
