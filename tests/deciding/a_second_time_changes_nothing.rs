use proptest::prelude::*;
use registry_retention::retention::{Deletes, Inventory, ManifestState, Plan, RepositoryPlan, TagPlan, TagState};

use crate::cases::{for_all, worlds};

/// What the registry holds once everything in the plan is done.
pub(crate) fn applied(mut inventory: Inventory, plan: &Plan) -> Inventory {
    for repository in &plan.repositories {
        let observed = inventory.repositories.get_mut(&repository.name).expect("planned means observed");
        for tag in repository.tags.iter().filter(|it| it.removal.is_some()) {
            observed.tags.remove(&tag.tag);
            observed.first_seen.remove(&tag.tag);
        }
        for deletion in &repository.deletions {
            observed.manifests.insert(deletion.digest.clone(), ManifestState::Missing);
        }
    }
    inventory
}

/// How many ordinary tags the registry really has, of those that `counts`.
fn there(inventory: &Inventory, plan: &RepositoryPlan, counts: impl Fn(&TagPlan) -> bool) -> usize {
    let states = &inventory.repositories[&plan.name].tags;
    let is_there = |tag: &TagPlan| matches!(states[&tag.tag], TagState::At(_) | TagState::Entombed { .. });
    plan.tags.iter().filter(|tag| !tag.companion && is_there(tag) && counts(tag)).count()
}

#[test]
fn deciding_twice_at_the_same_time_is_deciding_once() {
    for_all(300, worlds(), |world| {
        let json = || serde_json::to_string(&world.plan()).expect("a plan is JSON");
        prop_assert_eq!(json(), json());
        Ok(())
    });
}

/// Where tags do not go one by one, a tag that the floor keeps may drag others along; once the plan is done these hold
/// one another, the floor counts them, and needs the first no more. So there the second plan may go on, but never below
/// the floor.
#[test]
fn once_a_plan_is_done_there_is_nothing_left_to_do() {
    for_all(1_200, worlds(), |world| {
        let before = world.inventory();
        let plan = world.plan_for(&before);
        let done = applied(before, &plan);
        let again = world.plan_for(&done);
        let one_by_one = world.tombstones || world.server.deletes == Deletes::TagsAndDigests;
        if one_by_one || plan.limits.min_tags_per_repository == 0 {
            for (repository, tag) in again.tags() {
                prop_assert!(!tag.verdict.is_condemned(), "{repository}:{} goes after all: {}", tag.tag, tag.verdict);
            }
        }
        for repository in &again.repositories {
            let floor = again.limits.min_tags_per_repository.min(there(&done, repository, |_| true));
            prop_assert!(there(&done, repository, |tag| !tag.verdict.is_condemned()) >= floor);
        }
        Ok(())
    });
}

#[test]
fn the_minimum_of_tags_remains_in_every_repository_that_has_as_many() {
    for_all(800, worlds(), |world| {
        let inventory = world.inventory();
        let plan = world.plan_for(&inventory);
        for repository in &plan.repositories {
            let floor = plan.limits.min_tags_per_repository.min(there(&inventory, repository, |_| true));
            let kept = there(&inventory, repository, |tag| !tag.verdict.is_condemned());
            prop_assert!(kept >= floor, "{kept} remain in {}, not {floor}", repository.name);
        }
        Ok(())
    });
}
