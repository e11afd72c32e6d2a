//! What holds the registry read-only, and gives it back.

use super::Objection;
use super::deployment::one;
use super::facts::Subject;
use crate::collection::marks::KEEPER_ACCOUNT;
use crate::collection::protocol::{Guard, GuardDemand};

/// Anybody could make the registry writable while its garbage is collected.
pub(super) fn guard(it: &Subject<'_>) -> Vec<Objection> {
    let is_missing = it.facts.wish.guard == GuardDemand::Required && it.facts.guard != Guard::InForce;
    let found = || format!("no admission policy of the chart guards {}", it.name());
    let remedy = "install the chart with its policies (the API server must be 1.30 or later), or say guard: BestEffort";
    one(is_missing.then(|| Objection::new("GuardAbsent", found(), remedy)))
}

/// Nobody would give the registry back if the operator died.
pub(super) fn keeper(it: &Subject<'_>) -> Vec<Objection> {
    let found = || format!("the ServiceAccount {KEEPER_ACCOUNT} is not in the namespace of {}", it.name());
    let remedy = "add the namespace to `namespaces` of the chart's values";
    one((!it.facts.has_keeper_account).then(|| Objection::new("KeeperForbidden", found(), remedy)))
}
