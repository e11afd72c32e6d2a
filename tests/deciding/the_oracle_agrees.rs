use std::collections::BTreeMap;

use proptest::prelude::*;
use registry_retention::retention::{Plan, Removal};

use crate::cases::{for_all, worlds};
use crate::oracle::{Expected, Fate, expected};
use crate::world::now;

/// The plan in the oracle's words.
fn found(plan: &Plan) -> BTreeMap<String, Expected> {
    let fate = |removal: &Option<Removal>| match removal {
        None => Fate::Kept,
        Some(Removal::WithManifest) => Fate::WithManifest,
        Some(Removal::TagOnly) => Fate::TagOnly,
        Some(Removal::Dangling) => Fate::Dangling,
    };
    let repositories = plan.repositories.iter();
    repositories
        .map(|repository| {
            let tags = repository.tags.iter().map(|it| (it.tag.to_string(), fate(&it.removal))).collect();
            let deleted = repository.deletions.iter().map(|deletion| deletion.digest.clone()).collect();
            (repository.name.to_string(), Expected { tags, deleted })
        })
        .collect()
}

#[test]
fn brute_force_over_the_sentences_of_the_design_finds_the_same_plan() {
    let mut reasons: BTreeMap<&'static str, u32> = BTreeMap::new();
    let mut untagged: BTreeMap<&'static str, u32> = BTreeMap::new();
    let mut removals: BTreeMap<String, u32> = BTreeMap::new();
    for_all(3_000, worlds(), |world| {
        let inventory = world.inventory();
        let plan = world.plan_for(&inventory);
        prop_assert_eq!(found(&plan), expected(&world, &inventory, now()));
        for (_, tag) in plan.tags() {
            *reasons.entry(tag.verdict.code()).or_default() += 1;
            *removals.entry(format!("{:?}", tag.removal)).or_default() += 1;
        }
        for (_, it) in plan.untagged() {
            *untagged.entry(it.verdict.code()).or_default() += 1;
        }
        Ok(())
    });
    // A generator that never gets somewhere proves nothing there.
    assert_eq!(reasons.len(), 20, "every reason occurs: {reasons:?}");
    assert_eq!(untagged.len(), 11, "every reason occurs: {untagged:?}");
    assert!(
        reasons.values().chain(removals.values()).all(|count| *count >= 20)
            && untagged.values().all(|count| *count >= 5),
        "{reasons:?} {untagged:?} {removals:?}"
    );
}
