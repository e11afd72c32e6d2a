//! The stored plans of a resource, as whoever may read its `ConfigMaps` reads them: the operator, and a person's terminal.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::Client;

use super::ledger::{KIND, Ledger, Shelf, Stored};
use super::record::PlanRecord;
use super::resource::{Key, owner};
use crate::api::PlanReference;

pub use super::ledger::LedgerError;

/// What kind of text it is, among those of a ledger.
const PLAN: &str = "plan";
/// Whose plan it is.
const RESOURCE: &str = "registry-retention.dev/resource";
/// The hash of a plan that waits for a person, as far as a label holds it.
pub(super) const WAITING: &str = "registry-retention.dev/waiting";

/// A name of an object ends here, for what is appended.
const MAX_PREFIX: usize = 200;

/// Reads stored plans.
pub struct StoredPlans(Ledger);

/// A stored plan that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingPlan {
    /// What it is.
    pub record: PlanRecord,
    /// When it was stored.
    pub made_at: Timestamp,
}

impl StoredPlans {
    /// Those that `client` may read.
    pub fn new(client: Client) -> Self {
        Self(Ledger::new(client))
    }

    pub(super) fn of(ledger: &Ledger) -> Self {
        Self(ledger.clone())
    }

    /// The plan under `reference`; none if a part of it is gone or damaged.
    ///
    /// # Errors
    ///
    /// If it cannot be asked for.
    pub async fn load(&self, namespace: &str, reference: &PlanReference) -> Result<Option<PlanRecord>, LedgerError> {
        let text = match self.0.load(namespace, &reference.config_maps).await {
            Ok(Some(text)) => text,
            Ok(None) | Err(LedgerError::Damaged { .. }) => return Ok(None),
            Err(why) => return Err(why),
        };
        Ok(PlanRecord::read(&text).ok().filter(|record| record.header.hash.as_str() == reference.hash))
    }

    /// Every plan of the resource with this `uid` that waits for a person, or did, the oldest first.
    ///
    /// # Errors
    ///
    /// If they cannot be listed.
    pub async fn waiting(&self, namespace: &str, uid: &str) -> Result<Vec<WaitingPlan>, LedgerError> {
        let stored = self.0.find(namespace, &[format!("{},{WAITING}", selector(uid))]).await?;
        let plan = |stored: &Stored| {
            let record = PlanRecord::read(&stored.text).ok()?;
            Some(WaitingPlan { record, made_at: stored.at })
        };
        Ok(stored.iter().filter_map(plan).collect())
    }
}

/// Where `record` is put, a plan of the resource `key` with this `uid`. It goes with the resource.
pub(super) fn shelf(key: &Key, uid: &str, record: &PlanRecord) -> Shelf {
    let mut labels = BTreeMap::from([(KIND.to_owned(), PLAN.to_owned()), (RESOURCE.to_owned(), uid.to_owned())]);
    if !record.header.causes.is_empty() {
        labels.insert(WAITING.to_owned(), record.header.hash.as_str()[..40].to_owned());
    }
    let name = &key.name;
    Shelf {
        namespace: key.namespace.clone(),
        prefix: format!("{}-plan", &name[..name.len().min(MAX_PREFIX)].trim_end_matches(['-', '.'])),
        salt: uid.to_owned(),
        labels,
        owner: Some(owner(key, uid)),
    }
}

/// Selects the plans of the resource with this `uid`.
pub(super) fn selector(uid: &str) -> String {
    format!("{KIND}={PLAN},{RESOURCE}={uid}")
}

#[cfg(test)]
pub(crate) mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;

    use super::super::ledger::parts;
    use super::*;

    /// The objects in which `record` is stored for the resource `name` with this `uid`.
    pub(crate) fn config_maps(name: &str, uid: &str, record: &PlanRecord) -> Vec<ConfigMap> {
        let key = Key { namespace: "registry".into(), name: name.into() };
        parts(&shelf(&key, uid, record), &record.write().unwrap())
    }
}
