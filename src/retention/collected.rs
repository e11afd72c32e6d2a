//! What a collection (`registry garbage-collect` without `--delete-untagged`) would remove once a plan is done, to the
//! byte, as the storage shows it.
//!
//! The collector walks the manifests that each repository links, tagged or not. Each marks itself and what it names:
//! config and layers, or the children of an index, and no `subject`; a link without its manifest marks nothing. All blobs
//! that nobody marked go.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;

use super::inventory::{Inventory, ManifestState, Repository};
use super::plan::RepositoryPlan;
use super::policy::RuleId;
use super::store::Store;
use crate::oci::{Digest, Manifest};

/// What a collection would remove once the plan is done. Each blob counts once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Collected {
    /// Whether everything that may need a blob was read. If not, all of these are upper bounds.
    pub is_exact: bool,
    /// In all: what the plan sets free, and what nothing needs already.
    pub total_bytes: u64,
    /// What nothing needs already, before the plan.
    pub unreferenced_bytes: u64,
    /// What only untagged manifests need, whether they go or stay.
    pub untagged_bytes: u64,
    /// Of what the plan sets free: by the first rule that lets go of something that needed it.
    pub rules: Vec<RuleBytes>,
}

impl Collected {
    /// What this rule sets free, in bytes.
    pub fn of_rule(&self, rule: &RuleId) -> u64 {
        self.rules.iter().find(|it| it.rule == *rule).map_or(0, |it| it.bytes)
    }
}

/// What a rule sets free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleBytes {
    /// The rule.
    pub rule: RuleId,
    /// In bytes.
    pub bytes: u64,
}

/// A manifest and what it names, as the collector marks it.
pub fn marks<'a>(digest: &'a Digest, manifest: &'a Manifest) -> impl Iterator<Item = &'a Digest> {
    std::iter::once(digest).chain(manifest.blobs().map(|blob| &blob.digest)).chain(manifest.children())
}

/// The repositories of `plans`, whose bytes become those of the storage, and what a collection would remove.
pub(super) fn collected(inventory: &Inventory, store: &Store, plans: &mut [RepositoryPlan]) -> Collected {
    let mut stays: HashSet<&Digest> = inventory.elsewhere.marked.iter().collect();
    let mut tagged = stays.clone();
    let mut all = stays.clone();
    for plan in plans.iter() {
        let Some(repository) = inventory.repositories.get(&plan.name) else { continue };
        let deleted: HashSet<&Digest> = plan.deletions.iter().map(|deletion| &deletion.digest).collect();
        let untagged: HashSet<&Digest> = plan.untagged.iter().map(|it| &it.digest).collect();
        for (digest, manifest) in repository.read() {
            all.extend(marks(digest, manifest));
            if !deleted.contains(digest) {
                stays.extend(marks(digest, manifest));
            }
            if !untagged.contains(digest) {
                tagged.extend(marks(digest, manifest));
            }
        }
    }
    let sum = |marked: &HashSet<&Digest>| -> u64 {
        store.blobs.iter().filter(|(digest, _)| !marked.contains(digest)).map(|(_, bytes)| bytes).sum()
    };
    let (total, unreferenced) = (sum(&stays), sum(&all));
    let untagged_bytes = sum(&tagged) - unreferenced;
    let rules = by_rule(inventory, store, plans, &stays);
    let mut taken = stays;
    for plan in plans {
        let Some(repository) = inventory.repositories.get(&plan.name) else { continue };
        let deleted = plan.deletions.iter().filter_map(|it| repository.manifests.get_key_value(&it.digest));
        plan.reclaimable_bytes = freed(repository, store, deleted.map(|(digest, _)| digest), &mut taken);
    }
    Collected {
        is_exact: is_whole(inventory, store),
        total_bytes: total,
        unreferenced_bytes: unreferenced,
        untagged_bytes,
        rules,
    }
}

/// The bytes of what these manifests mark and nobody in `taken` does.
fn freed<'a>(
    repository: &'a Repository,
    store: &Store,
    digests: impl Iterator<Item = &'a Digest>,
    taken: &mut HashSet<&'a Digest>,
) -> u64 {
    let known = digests.filter_map(|digest| Some((digest, repository.manifest(digest)?)));
    let marked = known.flat_map(|(digest, manifest)| marks(digest, manifest));
    marked.filter(|blob| taken.insert(blob)).filter_map(|blob| store.blobs.get(blob)).sum()
}

/// A manifest goes by the first rule of its first tag, and what is deleted below an index by that of the index.
fn by_rule<'a>(
    inventory: &'a Inventory,
    store: &Store,
    plans: &[RepositoryPlan],
    stays: &HashSet<&'a Digest>,
) -> Vec<RuleBytes> {
    let mut rules: BTreeMap<&RuleId, Vec<(&'a Repository, &'a Digest)>> = BTreeMap::new();
    for plan in plans {
        let Some(repository) = inventory.repositories.get(&plan.name) else { continue };
        let deleted: BTreeSet<&Digest> = plan.deletions.iter().map(|deletion| &deletion.digest).collect();
        for tag in &plan.tags {
            let (Some(rule), Some(digest)) = (tag.selected_by.first(), &tag.digest) else { continue };
            if let Some((digest, _)) = repository.manifests.get_key_value(digest).filter(|(it, _)| deleted.contains(it))
            {
                let below = repository.reach([digest]).into_iter().filter(|it| deleted.contains(it));
                rules.entry(rule).or_default().extend(below.map(|digest| (repository, digest)));
            }
        }
    }
    let mut taken = stays.clone();
    let sum = |(rule, manifests): (&RuleId, Vec<(&'a Repository, &'a Digest)>)| RuleBytes {
        rule: rule.clone(),
        bytes: manifests.into_iter().map(|(it, digest)| freed(it, store, std::iter::once(digest), &mut taken)).sum(),
    };
    rules.into_iter().map(sum).collect()
}

/// Whether every manifest that the storage links was read, or is not there.
fn is_whole(inventory: &Inventory, store: &Store) -> bool {
    store.repositories.iter().all(|(name, stored)| match inventory.repositories.get(name) {
        None => inventory.elsewhere.repositories.contains(name),
        Some(repository) => {
            let is_read = |digest: &Digest| {
                let state = repository.manifests.get(digest);
                matches!(state, Some(ManifestState::Read(_) | ManifestState::Missing))
                    || repository.deleted.contains(digest)
            };
            stored.revisions.iter().filter(|(_, link)| link.is_sound).all(|(digest, _)| is_read(digest))
        }
    })
}
