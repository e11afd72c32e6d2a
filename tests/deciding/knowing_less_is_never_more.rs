use std::collections::BTreeSet;

use jiff::SignedDuration;
use proptest::prelude::*;
use registry_retention::oci::{Content, Digest};
use registry_retention::retention::{Inventory, ManifestState, Repository, TagState};

use crate::cases::{for_all, worlds};
use crate::going::{condemned, deleted};
use crate::world::{KNOWN, blob, digest, now};

/// How something that was known is known less.
#[derive(Clone, Debug)]
enum Worse {
    Manifest(usize),
    Created(usize),
    Config(usize),
    FirstSeen(prop::sample::Index, i64),
    NeverSeen(prop::sample::Index),
    Tag(prop::sample::Index),
    List,
}

fn worse() -> impl Strategy<Value = Worse> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        1 => (0..KNOWN).prop_map(Worse::Manifest),
        4 => (0..KNOWN).prop_map(Worse::Created),
        4 => (0..3usize).prop_map(Worse::Config),
        2 => (index(), 1..400i64).prop_map(|(tag, hours)| Worse::FirstSeen(tag, hours)),
        1 => index().prop_map(Worse::NeverSeen),
        1 => index().prop_map(Worse::Tag),
        1 => Just(Worse::List),
    ]
}

/// Every index that takes its own age from the manifest has none any more either: "of an index, its youngest child's"
/// means the youngest that is known, since most indexes of today hold attestations that have no time at all.
fn forget_created(repository: &mut Repository, label: usize) {
    let mut forgotten: BTreeSet<Digest> = [digest(label)].into();
    loop {
        let before = forgotten.len();
        for (digest, state) in &mut repository.manifests {
            let ManifestState::Read(manifest) = state else { continue };
            let from_child = match &manifest.content {
                Content::Index { manifests } => manifests.iter().any(|child| forgotten.contains(&child.digest)),
                Content::Image { .. } => false,
            };
            if from_child || forgotten.contains(digest) {
                manifest.created = Some("a while ago".into());
                forgotten.insert(digest.clone());
            }
        }
        if forgotten.len() == before {
            return;
        }
    }
}

fn made_worse(mut inventory: Inventory, worse: &Worse) -> Inventory {
    for repository in inventory.repositories.values_mut() {
        let tags: Vec<_> = repository.tags.keys().cloned().collect();
        match worse {
            Worse::Manifest(label) => {
                repository.manifests.insert(digest(*label), ManifestState::Unreadable("it was cut short".into()));
            }
            Worse::Config(label) => drop(repository.configs.remove(&blob(*label).digest)),
            Worse::Created(label) => forget_created(repository, *label),
            Worse::List => repository.unreadable = Some("it was cut short".into()),
            _ if tags.is_empty() => {}
            Worse::FirstSeen(tag, hours) => {
                if let Some(seen) = repository.first_seen.get_mut(tag.get(&tags)) {
                    *seen = (*seen + SignedDuration::from_hours(*hours)).min(now());
                }
            }
            Worse::NeverSeen(tag) => drop(repository.first_seen.remove(tag.get(&tags))),
            Worse::Tag(tag) => {
                repository.tags.insert(tag.get(&tags).clone(), TagState::Unreadable("it was cut short".into()));
            }
        }
    }
    inventory
}

#[test]
fn what_is_known_less_well_is_kept_at_least_as_well() {
    for_all(1_200, (worlds(), worse()), |(world, worse)| {
        let world = world.with_minimum_tags(0);
        let before = world.plan();
        let after = world.plan_for(&made_worse(world.inventory(), &worse));
        prop_assert!(condemned(&after).is_subset(&condemned(&before)));
        prop_assert!(deleted(&after).is_subset(&deleted(&before)));
        Ok(())
    });
}
