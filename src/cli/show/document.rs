use std::collections::BTreeSet;

use serde::Serialize;

use super::notice::Notice;
use crate::cli::error::CliError;
use crate::cli::pass::Pass;
use crate::cli::source::Resource;
use crate::retention::{Entry, Plan, StoredPlan, Totals};

/// What `plan -o json` prints. docs/cli.md describes it; fields are added, never changed.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct Document {
    /// By host and port.
    pub(in crate::cli) registries: Vec<RegistryDocument>,
}

/// One registry: `plan` and what follows from it, or `error`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct RegistryDocument {
    registry: String,
    resources: Vec<Resource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    totals: Option<Totals>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notices: Vec<Notice>,
    /// What `prune --yes` would delete without asking.
    approved: BTreeSet<Entry>,
    /// What waits for `accept`.
    waiting: Option<StoredPlan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Plan>,
}

#[derive(Serialize)]
struct ErrorDocument {
    reason: &'static str,
    message: String,
}

impl RegistryDocument {
    pub(in crate::cli) fn of(pass: Pass) -> Self {
        Self {
            registry: pass.made_for.registry,
            resources: pass.group.resources,
            error: None,
            totals: Some(pass.plan.totals()),
            notices: pass.notices,
            approved: pass.approval.approved,
            waiting: pass.approval.waiting,
            plan: Some(pass.plan),
        }
    }

    pub(in crate::cli) fn failed(registry: String, resources: Vec<Resource>, error: &CliError) -> Self {
        Self {
            registry,
            resources,
            error: Some(ErrorDocument { reason: error.reason(), message: error.to_string() }),
            totals: None,
            notices: Vec::new(),
            approved: BTreeSet::new(),
            waiting: None,
            plan: None,
        }
    }
}
