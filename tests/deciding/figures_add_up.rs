use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use registry_retention::oci::Digest;
use registry_retention::retention::{Inventory, ManifestState, Plan};

use crate::cases::{for_all, worlds};
use crate::going::{condemned, deleted, ordinary_condemned};

/// Every manifest and blob that is known, with its size and whether all manifests that have it are deleted.
fn reclaimable(inventory: &Inventory, plan: &Plan) -> u64 {
    let deleted = deleted(plan);
    let mut sizes: BTreeMap<Digest, u64> = BTreeMap::new();
    let (mut stays, mut goes) = (BTreeSet::new(), BTreeSet::new());
    for (name, repository) in &inventory.repositories {
        for (digest, state) in &repository.manifests {
            let ManifestState::Read(manifest) = state else { continue };
            let is_deleted = deleted.contains(&(name.to_string(), digest.to_string()));
            let side = if is_deleted { &mut goes } else { &mut stays };
            side.insert(digest.clone());
            sizes.insert(digest.clone(), manifest.size);
            // The collector takes the children of an index for needed, whether they are manifests there or not.
            for child in manifest.children().filter(|_| inventory.store.is_some()) {
                side.insert(child.clone());
                sizes.insert(child.clone(), 5);
            }
            for blob in manifest.blobs() {
                side.insert(blob.digest.clone());
                sizes.insert(blob.digest.clone(), blob.size);
            }
        }
    }
    goes.difference(&stays).map(|digest| sizes[digest]).sum()
}

#[test]
fn reclaimable_is_what_only_deleted_manifests_have() {
    let mut some = 0;
    for_all(1_200, worlds(), |world| {
        let inventory = world.inventory();
        let plan = world.plan_for(&inventory);
        prop_assert_eq!(plan.reclaimable_bytes, reclaimable(&inventory, &plan));
        let by_repository: u64 = plan.repositories.iter().map(|repository| repository.reclaimable_bytes).sum();
        prop_assert_eq!(plan.reclaimable_bytes, by_repository);
        if let (Some(collected), Some(store)) = (&plan.collected, &inventory.store) {
            prop_assert_eq!(collected.total_bytes, plan.reclaimable_bytes + collected.unreferenced_bytes);
            let by_rule: u64 = collected.rules.iter().map(|it| it.bytes).sum();
            prop_assert!(by_rule <= plan.reclaimable_bytes);
            prop_assert!(collected.total_bytes + collected.untagged_bytes <= 2 * store.blobs.values().sum::<u64>());
        }
        some += u32::from(plan.reclaimable_bytes > 0);
        Ok(())
    });
    assert!(some > 100, "only {some} cases had anything to reclaim");
}

#[test]
fn every_verdict_is_said_in_plain_words_and_every_total_adds_up() {
    for_all(800, worlds(), |world| {
        let inventory = world.inventory();
        let plan = world.plan_for(&inventory);
        for (_, tag) in plan.tags() {
            for text in [tag.verdict.code().to_owned(), tag.verdict.to_string(), tag.verdict.remedy()] {
                prop_assert!(!text.is_empty() && !text.contains(char::is_control), "{:?}", text);
            }
            prop_assert_eq!(tag.removal.is_some(), tag.verdict.is_condemned());
        }
        let observed: usize = inventory.repositories.values().map(|repository| repository.tags.len()).sum();
        prop_assert_eq!(plan.tags().count(), observed);
        prop_assert_eq!(plan.by_reason().values().sum::<usize>(), observed);
        let totals = plan.totals();
        let dangling = plan.tags().filter(|(_, it)| it.verdict.code() == "DanglingOfOurs");
        let (companions, dangling): (Vec<_>, Vec<_>) = dangling.partition(|(_, it)| it.companion);
        prop_assert_eq!(totals.tags, totals.kept + totals.condemned);
        prop_assert_eq!(totals.condemned, ordinary_condemned(&plan) - dangling.len());
        prop_assert_eq!(totals.condemned + totals.companions + dangling.len(), condemned(&plan).len());
        prop_assert!(companions.len() <= totals.companions);
        prop_assert_eq!(totals.manifests, deleted(&plan).len());
        prop_assert!(totals.selected <= totals.tags && totals.condemned <= totals.selected);
        for (rule, of_rule) in plan.by_rule() {
            prop_assert_eq!(of_rule.selected, of_rule.kept + of_rule.condemned, "{}", rule);
        }
        Ok(())
    });
}
