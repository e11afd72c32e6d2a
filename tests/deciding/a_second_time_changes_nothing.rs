use proptest::prelude::*;
use registry_retention::retention::{Inventory, ManifestState, Plan};

use crate::cases::{for_all, worlds};

/// What the registry holds once everything in the plan is done.
fn applied(mut inventory: Inventory, plan: &Plan) -> Inventory {
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

#[test]
fn deciding_twice_at_the_same_time_is_deciding_once() {
    for_all(300, worlds(), |world| {
        let json = || serde_json::to_string(&world.plan()).expect("a plan is JSON");
        prop_assert_eq!(json(), json());
        Ok(())
    });
}

#[test]
fn once_a_plan_is_done_there_is_nothing_left_to_do() {
    for_all(1_200, worlds(), |world| {
        let before = world.inventory();
        let plan = world.plan_for(&before);
        let after = world.plan_for(&applied(before, &plan));
        for (repository, tag) in after.tags() {
            prop_assert!(!tag.verdict.is_condemned(), "{repository}:{} goes after all: {}", tag.tag, tag.verdict);
        }
        Ok(())
    });
}
