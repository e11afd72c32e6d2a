//! The stored plans of a resource: kept beside it, and gone with it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::clock;
use super::ledger::Listed;
use super::record::PlanRecord;
use super::resource::Resource;
use super::stored_plans::{StoredPlans, WAITING, selector, shelf};
use super::trouble::Trouble;
use super::{context::Context, known::Known};
use crate::api::PlanReference;
use crate::retention::StoredPlan;

/// Stores a plan of `resource`, unless it is there.
pub(super) async fn store(
    context: &Context,
    resource: &Resource,
    record: &PlanRecord,
) -> Result<PlanReference, Trouble> {
    let shelf = shelf(&resource.key, &resource.uid, record);
    if let Some(waiting) = shelf.labels.get(WAITING) {
        renew(context, resource, waiting).await?;
    }
    let text = record.write().map_err(|why| Trouble::stalled("PlanNotStored", why.to_string()))?;
    let config_maps = context.ledger.store(&shelf, &text).await?;
    Ok(PlanReference { config_maps, hash: record.header.hash.as_str().to_owned() })
}

/// A plan that waited for too long to be accepted is stored anew, for another such time.
async fn renew(context: &Context, resource: &Resource, waiting: &str) -> Result<(), Trouble> {
    let namespace = &resource.key.namespace;
    let selector = format!("{},{WAITING}={waiting}", selector(&resource.uid));
    let known = context.ledger.list(namespace, &selector).await?;
    let expired = known.into_iter().filter(|part| clock::now() >= StoredPlan::acceptable_until(part.at));
    let expired: Vec<String> = expired.map(|part| part.name).collect();
    Ok(context.ledger.remove(namespace, &expired).await?)
}

/// The plan under `reference`; none if a part of it is gone or damaged.
pub(super) async fn load(
    context: &Context,
    resource: &Resource,
    reference: &PlanReference,
) -> Result<Option<PlanRecord>, Trouble> {
    Ok(StoredPlans::of(&context.ledger).load(&resource.key.namespace, reference).await?)
}

/// The waiting plan that the annotation of `resource` accepts, if that is still stored.
pub(super) async fn accepted(context: &Context, resource: &Resource) -> Result<Vec<StoredPlan>, Trouble> {
    let Some(typed) = &resource.accept else { return Ok(Vec::new()) };
    let waiting = StoredPlans::of(&context.ledger).waiting(&resource.key.namespace, &resource.uid).await?;
    let meant = waiting.iter().filter(|plan| plan.record.header.hash.is_meant_by(typed));
    Ok(meant.map(|plan| plan.record.stored(plan.made_at)).collect())
}

/// Removes the plans of `resource` that nobody needs any more. One that waited can be accepted for as long as it counts.
pub(super) async fn tidy(context: &Context, resource: &Resource, known: &Known, now: Timestamp) -> Result<(), Trouble> {
    let namespace = &resource.key.namespace;
    let stored = context.ledger.list(namespace, &selector(&resource.uid)).await?;
    let status = &known.status;
    let references = [
        status.plan.as_ref(),
        status.run.as_ref().map(|run| &run.plan),
        status.waiting.as_ref().map(|waiting| &waiting.plan),
        status.last_run.as_ref().and_then(|run| run.plan.as_ref()),
    ];
    let needed: BTreeSet<&String> = references.into_iter().flatten().flat_map(|plan| &plan.config_maps).collect();
    let is_acceptable =
        |part: &Listed| part.labels.contains_key(WAITING) && now < StoredPlan::acceptable_until(part.at);
    let gone = stored.into_iter().filter(|part| !needed.contains(&part.name) && !is_acceptable(part));
    let gone: Vec<String> = gone.map(|part| part.name).collect();
    Ok(context.ledger.remove(namespace, &gone).await?)
}
