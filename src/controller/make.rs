//! A plan is made: observe, decide, approve, remember, store. Nothing is deleted here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::context::Context;
use super::files::Files;
use super::gather::Gathered;
use super::record::PlanRecord;
use super::resource::Resource;
use super::shelves;
use super::storage::{self, size};
use super::trouble::Trouble;
use crate::api::{PlanCounts, PlanReference, RegistryStatus, RuleStatus, StorageStatus, WorkloadsStatus};
use crate::oci::{RepositoryName, Tag};
use crate::retention::{
    AgeSource, Approval, Cause, Deletes, Entry, Generation, Listing, Mandate, Plan, Policy, Server, Store, approve,
    decide, entries, wants,
};
use crate::worker::{Journal as _, Observer, Silent};

/// A plan that is made and stored.
pub(super) struct Made {
    pub(super) plan: Plan,
    pub(super) record: PlanRecord,
    /// Where the whole of it is.
    pub(super) stored: PlanReference,
    pub(super) approval: Approval,
    pub(super) workloads: WorkloadsStatus,
    /// What the storage holds, where it was read.
    pub(super) storage: Option<StorageStatus>,
    /// How many selected tags have an age from which source.
    ages: BTreeMap<String, i64>,
}

/// Makes the plan of `resource`. `ours` are the tags that the last runs of this registry may have deleted: they are not
/// missing, even if a crash lost the memory of it.
pub(super) async fn make(
    context: &Context,
    resource: &Resource,
    gathered: &Gathered,
    files: &mut Files,
    store: Option<&Arc<Store>>,
    ours: BTreeSet<(RepositoryName, Tag)>,
    now: Timestamp,
) -> Result<Made, Trouble> {
    let in_use = gathered.workloads.in_use()?;
    let policies = gathered.policies.as_slice();
    let observer = Observer {
        client: &gathered.client,
        policies,
        in_use: &in_use,
        store,
        memory: &files.memory.memory,
        open: files.journal.open_intents(),
        progress: &Silent,
    };
    let inventory = observer.inventory().await?;
    let listing = inventory.listing();
    if store.is_some_and(|store| !store.may_be_of(&listing)) {
        let why = format!(
            "none of the tags that {} lists is in the storage of the Deployment that spec.registry.deploymentRef names, so it \
             is another registry's; name the right one",
            resource.endpoint
        );
        return Err(Trouble::stalled("StorageElsewhere", why));
    }
    let plan = decide(&inventory, policies, &in_use, Mandate::default(), now);

    let ours: BTreeSet<(RepositoryName, Tag)> = ours.into_iter().chain(files.journal.open_intents().taken()).collect();
    let shrinkage = files.memory.memory.shrinkage(policies, &listing, &ours);
    let accepted = shelves::accepted(context, resource).await?;
    let approval = approve(&plan, &shrinkage, &accepted, now);

    let expected = shrinkage.is_empty() || accepted.iter().any(|plan| plan.knew(&shrinkage, now));
    files.memory.memory.remember(policies, &inventory, &ours, expected, now);
    files.memory.memory.remember_manifests(&inventory);
    files.memory.save().await?;

    // Where all of it waits, the record says why; else what waits and what runs are stored by themselves.
    let all_waits = approval.approved.is_empty();
    let waiting = approval.waiting.as_ref().filter(|_| all_waits);
    let causes = waiting.map(|waiting| waiting.causes.clone()).unwrap_or_default();
    let counts = counts(&plan);
    let rules = rules(&plan, resource);
    let record = PlanRecord::new(&plan, resource.endpoint.to_string(), causes, counts.clone(), rules);
    let stored = shelves::store(context, resource, &record).await?;
    let tags = counts.kept_by_reason.get("InUse").copied().unwrap_or_default();
    let named = |name: &RepositoryName| in_use.tags_of(name).count() + in_use.digests_of(name).count();
    let references = inventory.repositories.keys().map(named).sum();
    let workloads = WorkloadsStatus { references: number(references), tags };
    let ages = ages(&plan, policies, &listing);
    let storage = store.and_then(|store| storage::status(store, &plan));
    Ok(Made { plan, record, stored, approval, workloads, storage, ages })
}

/// How many selected tags have an age from which source. Where nothing asks for it, it may not even have been read.
fn ages(plan: &Plan, policies: &[Policy], listing: &Listing) -> BTreeMap<String, i64> {
    let asked: BTreeMap<&RepositoryName, BTreeSet<Tag>> =
        listing.iter().map(|(name, tags)| (name, wants(policies, name, tags, None).ages)).collect();
    let mut ages = BTreeMap::new();
    for (name, tag) in plan.tags().filter(|(_, tag)| !tag.selected_by.is_empty()) {
        let is_asked = asked.get(name).is_some_and(|asked| asked.contains(&tag.tag));
        if tag.age_source != AgeSource::Unknown || is_asked {
            *ages.entry(tag.age_source.code().to_owned()).or_default() += 1;
        }
    }
    ages
}

impl Made {
    /// The part of the plan that is `bound`, stored by itself unless it is the whole.
    pub(super) async fn part(
        &self,
        context: &Context,
        resource: &Resource,
        bound: &BTreeSet<Entry>,
        causes: Vec<Cause>,
    ) -> Result<PlanReference, Trouble> {
        if *bound == entries(&self.plan) && causes == self.record.header.causes {
            return Ok(self.stored.clone());
        }
        shelves::store(context, resource, &self.record.within(bound, causes)).await
    }

    /// What the status says of the registry.
    pub(super) fn registry(&self) -> RegistryStatus {
        let Server { generation, deletes } = self.plan.server;
        let version = match generation {
            Generation::V2 => "2.x",
            Generation::V3 => "3.x",
            Generation::Unknown => "unknown",
        };
        RegistryStatus {
            version: version.to_owned(),
            delete_enabled: !matches!(deletes, Deletes::Refused(_)),
            age_sources: self.ages.clone(),
        }
    }
}

fn counts(plan: &Plan) -> PlanCounts {
    let totals = plan.totals();
    let kept = plan.tags().filter(|(_, tag)| !tag.verdict.is_condemned());
    let mut kept_by_reason: BTreeMap<String, i64> = BTreeMap::new();
    for (_, tag) in kept {
        *kept_by_reason.entry(tag.verdict.code().to_owned()).or_default() += 1;
    }
    PlanCounts {
        repositories: number(plan.repositories.len()),
        tags: number(totals.tags),
        selected: number(totals.selected),
        kept: number(totals.kept),
        condemned: number(totals.condemned),
        kept_by_reason,
        reclaimable_bytes: size(plan.reclaimable_bytes),
    }
}

/// Every rule of the resource, also one that selects nothing.
fn rules(plan: &Plan, resource: &Resource) -> Vec<RuleStatus> {
    let by_rule = plan.by_rule();
    let status = |rule: &crate::retention::Rule| {
        let totals = by_rule.get(&rule.id).copied().unwrap_or_default();
        RuleStatus {
            name: rule.id.rule.to_string(),
            selected: number(totals.selected),
            kept: number(totals.kept),
            condemned: number(totals.condemned),
            bytes: plan.collected.as_ref().map(|collected| collected.of_rule(&rule.id)).map(size),
        }
    };
    resource.policy.rules.iter().map(status).collect()
}

/// A count as a status has it.
pub(super) fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
