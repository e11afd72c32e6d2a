//! From what was observed to what is done: pure, total, and the same for the same input in any order.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::approval::Entry;
use super::collected::collected;
use super::in_use::InUse;
use super::inventory::{Inventory, Repository};
use super::judge::{Judged, judge};
use super::plan::{Plan, RepositoryPlan};
use super::policy::{Limits, Policy};
use super::powers::Powers;
use super::push_times::PushTimes;
use super::setting::Setting;
use super::settle::{Settled, settle};
use super::space::Space;
use crate::oci::RepositoryName;

/// How far a decision may go.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mandate<'a> {
    /// Whether single tags may be removed from 2.8 by way of a placeholder; see [`Powers::of`].
    pub tombstones: bool,
    /// The stored plan, if one is being carried out: it is an upper bound, and whatever is not in it is kept.
    pub within: Option<&'a BTreeSet<Entry>>,
}

/// Decides on every tag of the inventory.
pub fn decide(
    inventory: &Inventory,
    policies: &[Policy],
    in_use: &InUse,
    mandate: Mandate<'_>,
    now: Timestamp,
) -> Plan {
    // Whoever only keeps must vouch for the lists too: else a resource that is suspended, or loses its `mode`, would take
    // its doubt with it, and the plan of the others would grow.
    let vouched = !policies.is_empty() && policies.iter().all(|policy| policy.complete_tag_lists);
    let complete_lists = vouched || inventory.store.is_some();
    let powers = Powers::of(inventory.server, complete_lists, mandate.tombstones);
    let limits = Limits::strictest(policies);
    let pushes = PushTimes::new(inventory, now);
    let judged: Vec<(&RepositoryName, &Repository, Vec<Judged<'_>>, Settled)> = inventory
        .repositories
        .iter()
        .map(|(name, repository)| {
            let uses = in_use.in_repository(name, repository);
            let pushes = pushes.of(name, repository);
            let mut judged = judge(name, repository, policies, &uses, &pushes, now);
            if let Some(within) = mandate.within {
                for it in &mut judged {
                    it.keep_unless_in(within, name);
                }
            }
            let (uses, pushes, within) = (&uses, &pushes, mandate.within);
            let setting = Setting { name, repository, policies, uses, pushes, within, now };
            let settled = settle(&setting, &mut judged, powers, limits.min_tags_per_repository);
            (name, repository, judged, settled)
        })
        .collect();
    let mut space =
        Space::new(judged.iter().map(|(_, repository, _, settled)| (*repository, settled.deletions.as_slice())));
    let mut repositories: Vec<RepositoryPlan> = judged
        .into_iter()
        .map(|(name, repository, judged, settled)| {
            let reclaimable_bytes = space.freed(repository, &settled.deletions);
            let tags =
                judged.into_iter().zip(settled.removals).map(|(judged, removal)| judged.into_plan(repository, removal));
            RepositoryPlan {
                name: name.clone(),
                tags: tags.collect(),
                untagged: settled.untagged,
                deletions: settled.deletions,
                reclaimable_bytes,
            }
        })
        .collect();
    // What a collection would free is said of a plan that is shown, not of each batch that carries one out.
    let collected = inventory
        .store
        .as_deref()
        .filter(|_| mandate.within.is_none())
        .map(|store| collected(inventory, store, &mut repositories));
    Plan {
        made_at: now,
        server: inventory.server,
        digests: powers.digests,
        limits,
        reclaimable_bytes: repositories.iter().map(|repository| repository.reclaimable_bytes).sum(),
        repositories,
        collected,
    }
}
