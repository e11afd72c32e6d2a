use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use registry_retention::oci::{RepositoryName, Tag};
use registry_retention::retention::{Inventory, Store, StoredRepository, StoredTag, TagState};

use crate::cases::{for_all, worlds};
use crate::going::{condemned, deleted};

/// What is taken away from a store.
#[derive(Clone, Debug)]
enum Less {
    Tag(Index),
    Revision(Index),
    Blob(Index),
    Repository(Index),
}

fn less() -> impl Strategy<Value = Vec<Less>> {
    let one = prop_oneof![
        6 => any::<Index>().prop_map(Less::Tag),
        6 => any::<Index>().prop_map(Less::Revision),
        1 => any::<Index>().prop_map(Less::Blob),
        1 => any::<Index>().prop_map(Less::Repository),
    ];
    prop::collection::vec(one, 1..6)
}

/// Takes one of what all repositories have.
fn take<T>(
    store: &mut Store,
    index: Index,
    list: impl Fn(&StoredRepository) -> Vec<T>,
    out: impl Fn(&mut StoredRepository, &T),
) {
    let all: Vec<_> = store
        .repositories
        .iter()
        .flat_map(|(name, stored)| list(stored).into_iter().map(|it| (name.clone(), it)).collect::<Vec<_>>())
        .collect();
    if !all.is_empty() {
        let (name, it) = index.get(&all);
        if let Some(stored) = store.repositories.get_mut(name) {
            out(stored, it);
        }
    }
}

fn without(mut inventory: Inventory, less: &[Less]) -> Inventory {
    let Some(store) = &mut inventory.store else { return inventory };
    let observed = &inventory.repositories;
    let store = Arc::make_mut(store);
    for less in less {
        match less {
            Less::Tag(index) => {
                // A tag that the registry does not have is known by its link alone.
                let is_known = |name: &RepositoryName, tag: &Tag, link: &StoredTag| match (
                    observed.get(name).and_then(|it| it.tags.get(tag)),
                    link,
                ) {
                    (Some(TagState::At(_)), _) => true,
                    (Some(state), StoredTag::At { digest, .. }) => state.digest() == Some(digest),
                    _ => false,
                };
                let all = |(name, it): (&RepositoryName, &StoredRepository)| {
                    let known = it.tags.iter().filter(|(tag, link)| is_known(name, tag, link));
                    known.map(|(tag, _)| (name.clone(), tag.clone())).collect::<Vec<_>>()
                };
                let all: Vec<_> = store.repositories.iter().flat_map(all).collect();
                if !all.is_empty() {
                    let (name, tag) = index.get(&all);
                    store.repositories.get_mut(name).map(|stored| stored.tags.remove(tag));
                }
            }
            Less::Revision(index) => {
                let all = |it: &StoredRepository| it.revisions.keys().cloned().collect();
                take(store, *index, all, |it, digest| {
                    it.revisions.remove(digest);
                });
            }
            Less::Blob(index) => {
                let all: Vec<_> = store.blobs.keys().cloned().collect();
                if !all.is_empty() {
                    store.blobs.remove(index.get(&all));
                }
            }
            Less::Repository(index) => {
                let all: Vec<_> = store.repositories.keys().cloned().collect();
                if !all.is_empty() {
                    store.repositories.remove(index.get(&all));
                }
            }
        }
    }
    inventory
}

#[test]
fn a_store_that_shows_less_condemns_no_more() {
    let mut fewer = 0;
    for_all(1_500, (worlds(), less()), |(world, less)| {
        let world = world.with_minimum_tags(0);
        let (before, after) = (world.plan(), world.plan_for(&without(world.inventory(), &less)));
        prop_assert!(condemned(&after).is_subset(&condemned(&before)));
        prop_assert!(deleted(&after).is_subset(&deleted(&before)));
        fewer += u32::from(condemned(&after) != condemned(&before));
        Ok(())
    });
    assert!(fewer > 60, "only {fewer} cases made a difference");
}

/// A restore sets all times anew: whatever asks for one keeps.
#[test]
fn a_restored_store_condemns_no_more() {
    let mut restored = 0;
    for_all(800, worlds(), |world| {
        let world = world.with_minimum_tags(0);
        let mut inventory = world.inventory();
        let before = world.plan_for(&inventory);
        let Some(store) = &mut inventory.store else { return Ok(()) };
        let store = Arc::make_mut(store);
        for stored in store.repositories.values_mut() {
            let links = stored.tags.values_mut().filter_map(|tag| match tag {
                StoredTag::At { pushed, .. } => Some(pushed),
                StoredTag::Broken => None,
            });
            links.chain(stored.revisions.values_mut().map(|link| &mut link.pushed)).for_each(|at| *at = store.began);
        }
        let after = world.plan_for(&inventory);
        prop_assert!(condemned(&after).is_subset(&condemned(&before)), "{:?}", condemned(&after));
        prop_assert!(deleted(&after).is_subset(&deleted(&before)));
        restored += u32::from(after.tags().any(|(_, tag)| tag.verdict.to_string().contains("AgesRestamped")));
        Ok(())
    });
    assert!(restored > 50, "only {restored} cases were restored");
}
