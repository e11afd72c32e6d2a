use proptest::prelude::*;

use crate::cases::{for_all, worlds};
use crate::world::World;

/// Every list that a person writes, turned round and shifted: with three items that reaches all their orders.
fn reordered(mut world: World, shift: usize, reverse: bool) -> World {
    fn turn<T>(list: &mut [T], shift: usize, reverse: bool) {
        if !list.is_empty() {
            list.rotate_left(shift % list.len());
        }
        if reverse {
            list.reverse();
        }
    }
    turn(&mut world.policies, shift, reverse);
    for policy in &mut world.policies {
        turn(&mut policy.protect, shift, reverse);
        turn(&mut policy.rules, shift, reverse);
        for rule in &mut policy.rules {
            turn(&mut rule.repositories, shift, reverse);
            turn(&mut rule.tags, shift, reverse);
        }
    }
    world
}

#[test]
fn the_order_of_resources_rules_and_patterns_changes_not_a_letter_of_the_plan() {
    for_all(1_200, (worlds(), 0..3usize, any::<bool>()), |(world, shift, reverse)| {
        let plan = serde_json::to_string_pretty(&world.plan()).expect("a plan is JSON");
        let other = serde_json::to_string_pretty(&reordered(world, shift, reverse).plan()).expect("a plan is JSON");
        for (line, other) in plan.lines().zip(other.lines()) {
            prop_assert_eq!(line, other);
        }
        prop_assert_eq!(plan, other);
        Ok(())
    });
}
