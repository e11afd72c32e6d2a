//! What workloads use stays, whatever else there is; and whoever has a say in less lets no more go.

use std::collections::BTreeSet;

use proptest::prelude::*;
use registry_retention::oci::Digest;
use registry_retention::retention::{Inventory, ManifestState, Repository, TagState, UsedImages};

use crate::a_second_time_changes_nothing::applied;
use crate::cases::{for_all, used, worlds};
use crate::going::{condemned, deleted, ordinary_condemned};
use crate::oracle_rules::judged_by;
use crate::oracle_use::{is_below, used_manifest, used_tag};
use crate::world::World;

#[test]
fn more_in_use_condemns_no_more() {
    for_all(1_200, (worlds(), prop::collection::vec(used(), 1..4)), |(world, more)| {
        let before = world.with_minimum_tags(0);
        let mut after = before.clone();
        after.used.extend(more);
        let (before, after) = (before.plan(), after.plan());
        prop_assert!(condemned(&after).is_subset(&condemned(&before)));
        prop_assert!(deleted(&after).is_subset(&deleted(&before)));
        Ok(())
    });
}

#[test]
fn a_resource_that_only_keeps_from_now_on_condemns_no_more() {
    let mut fewer = 0;
    for_all(1_200, (worlds(), any::<prop::sample::Index>()), |(world, which)| {
        let before = world.with_minimum_tags(0);
        if before.policies.is_empty() {
            return Ok(());
        }
        let mut after = before.clone();
        which.get_mut(&mut after.policies).only_keeps = true;
        let (before, after) = (before.plan(), after.plan());
        prop_assert!(condemned(&after).is_subset(&condemned(&before)));
        prop_assert!(deleted(&after).is_subset(&deleted(&before)));
        fewer += u32::from(ordinary_condemned(&after) < ordinary_condemned(&before));
        Ok(())
    });
    assert!(fewer > 100, "only {fewer} cases were about it");
}

#[test]
fn the_order_in_which_images_are_found_changes_not_a_letter() {
    for_all(
        400,
        (prop::collection::vec((0..4usize, 0..4usize), 0..12), any::<prop::sample::Index>()),
        |(found, cut)| {
            let collected = |found: &[(usize, usize)]| {
                let mut images = UsedImages::default();
                for (image, user) in found {
                    images.add(&format!("app:{image}"), &format!("Pod shop/web-{user}"));
                }
                images
            };
            let turned: Vec<_> = found.iter().rev().copied().collect();
            prop_assert_eq!(collected(&found), collected(&turned));
            let (some, others) = found.split_at(if found.is_empty() { 0 } else { cut.index(found.len()) });
            let mut absorbed = collected(others);
            absorbed.absorb(&collected(some));
            prop_assert_eq!(collected(&found), absorbed);
            Ok(())
        },
    );
    for_all(400, worlds(), |mut world| {
        let in_use = |world: &World| condemned(&world.plan());
        let before = in_use(&world);
        world.used.reverse();
        prop_assert_eq!(before, in_use(&world));
        Ok(())
    });
}

/// Everything that is there of what `root` needs.
fn whole(repository: &Repository, root: &Digest) -> BTreeSet<Digest> {
    let below = |(digest, state): &(&Digest, &ManifestState)| {
        matches!(state, ManifestState::Read(_)) && is_below(repository, digest, root, &mut Vec::new())
    };
    repository.manifests.iter().filter(below).map(|(digest, _)| digest.clone()).collect()
}

fn survives(world: &World, before: &Inventory, after: &Inventory) -> Result<usize, TestCaseError> {
    let mut count = 0;
    for (name, repository) in &before.repositories {
        let left = &after.repositories[name];
        for (tag, state) in &repository.tags {
            let is_there = matches!(state, TagState::At(_) | TagState::Entombed { .. });
            let Some(digest) = judged_by(state).filter(|_| is_there) else { continue };
            if used_tag(world, name.as_str(), tag) || used_manifest(world, repository, digest) {
                prop_assert_eq!(left.tags.get(tag), Some(state), "{}:{}", name, tag);
                prop_assert_eq!(whole(repository, digest), whole(left, digest), "{}:{}", name, tag);
                count += 1;
            }
        }
        for digest in repository.manifests.keys().filter(|digest| used_manifest(world, repository, digest)) {
            prop_assert_eq!(whole(repository, digest), whole(left, digest), "{}@{}", name, digest);
        }
    }
    Ok(count)
}

#[test]
fn whatever_is_in_use_is_there_and_whole_when_the_plan_is_done() {
    let mut tags = 0;
    for_all(1_200, worlds(), |world| {
        let before = world.inventory();
        let after = applied(before.clone(), &world.plan_for(&before));
        tags += survives(&world, &before, &after)?;
        Ok(())
    });
    assert!(tags > 500, "only {tags} tags were in use");
}

/// Before an operation one thing is asked for, before a decision everything at once.
#[test]
fn one_question_is_answered_as_all_at_once() {
    for_all(800, worlds(), |world| {
        let in_use = world.in_use();
        for (name, repository) in &world.inventory().repositories {
            let uses = in_use.in_repository(name, repository);
            for (tag, state) in &repository.tags {
                let digest = judged_by(state);
                let one = in_use.user_of(name, Some(tag), digest, repository).is_some();
                prop_assert_eq!(one, uses.user(tag, digest).is_some(), "{}:{}", name, tag);
            }
            let all: BTreeSet<&Digest> = uses.manifests().collect();
            for digest in repository.manifests.keys() {
                let one = in_use.user_of(name, None, Some(digest), repository).is_some();
                prop_assert_eq!(one, all.contains(digest), "{}@{}", name, digest);
            }
        }
        Ok(())
    });
}
