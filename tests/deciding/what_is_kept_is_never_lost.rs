use std::collections::BTreeSet;

use proptest::prelude::*;
use registry_retention::oci::Digest;
use registry_retention::retention::{Inventory, ManifestState, Plan};

use crate::cases::{for_all, worlds};
use crate::oracle_rules::judged_by;

/// Everything that the tags which `plan` keeps in the repository need, by naive descent.
fn needed(inventory: &Inventory, plan: &Plan, index: usize) -> BTreeSet<Digest> {
    let repository = &inventory.repositories[&plan.repositories[index].name];
    let kept = plan.repositories[index].tags.iter().filter(|it| !it.verdict.is_condemned());
    let mut needed: BTreeSet<Digest> = kept.filter_map(|it| judged_by(&repository.tags[&it.tag])).cloned().collect();
    loop {
        let before = needed.len();
        for digest in needed.clone() {
            if let Some(ManifestState::Read(manifest)) = repository.manifests.get(&digest) {
                needed.extend(manifest.children().cloned());
            }
        }
        if needed.len() == before {
            return needed;
        }
    }
}

#[test]
fn nothing_that_a_kept_tag_needs_is_deleted() {
    for_all(1_200, worlds(), |world| {
        let inventory = world.inventory();
        let plan = world.plan_for(&inventory);
        for (index, repository) in plan.repositories.iter().enumerate() {
            let needed = needed(&inventory, &plan, index);
            for deletion in &repository.deletions {
                prop_assert!(!needed.contains(&deletion.digest), "{} is needed", deletion.digest);
            }
        }
        Ok(())
    });
}

#[test]
fn every_tag_of_a_deleted_manifest_goes_with_it() {
    for_all(800, worlds(), |world| {
        for repository in &world.plan().repositories {
            for deletion in &repository.deletions {
                let of_it = repository.tags.iter().filter(|it| it.digest.as_ref() == Some(&deletion.digest));
                let (tags, removals): (Vec<_>, Vec<_>) = of_it.map(|it| (it.tag.clone(), it.removal.clone())).unzip();
                prop_assert_eq!(&tags, &deletion.tags);
                let is_untagged = repository.untagged.iter().any(|it| it.digest == deletion.digest);
                prop_assert_eq!(tags.is_empty(), is_untagged);
                let with_manifest = Some(registry_retention::retention::Removal::WithManifest);
                prop_assert!(removals.iter().all(|removal| *removal == with_manifest), "{:?}", removals);
            }
        }
        Ok(())
    });
}
