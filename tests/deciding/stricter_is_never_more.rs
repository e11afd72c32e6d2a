//! What a person adds in order to keep more keeps more. "A field that goes missing must make a plan smaller, never
//! larger" is not meant here: this is about fields that are added.

use proptest::prelude::*;
use proptest::sample::Index;
use registry_retention::retention::{Deletes, Plan};

use crate::cases::{effects, for_all, policies, worlds};
use crate::going::{condemned, deleted, ordinary_condemned};
use crate::policies::{CriteriaWords, EffectWords, PolicyWords, VersionsWords};
use crate::world::World;

/// Something that can only keep more.
#[derive(Clone, Debug)]
enum Stricter {
    Criterion { policy: Index, rule: Index, which: u8 },
    Protect { policy: Index, pattern: &'static str },
    MinimumAge { policy: Index, hours: i64 },
    KeepingPolicy(PolicyWords),
}

fn stricter() -> impl Strategy<Value = Stricter> {
    let index = any::<Index>;
    prop_oneof![
        4 => (index(), index(), 0..3u8)
            .prop_map(|(policy, rule, which)| Stricter::Criterion { policy, rule, which }),
        1 => (index(), prop::sample::select(vec!["*", "latest", "pr-*", "1*"]))
            .prop_map(|(policy, pattern)| Stricter::Protect { policy, pattern }),
        1 => (index(), 1..300i64).prop_map(|(policy, hours)| Stricter::MinimumAge { policy, hours }),
        2 => policies(Just(EffectWords::Keep))
            // One that names an age for untagged manifests may let them go.
            .prop_map(|policy| Stricter::KeepingPolicy(PolicyWords { untagged_hours: None, ..policy })),
    ]
}

impl CriteriaWords {
    fn with(mut self, which: u8) -> Self {
        let versions = VersionsWords { count: 1, leading_numbers: 1, only_from_1_1_0: false, prereleases: true };
        match which {
            0 => self.most_recent = self.most_recent.or(Some(1)),
            1 => self.created_within_hours = self.created_within_hours.or(Some(24)),
            _ => self.versions = self.versions.or(Some(versions)),
        }
        self
    }
}

fn made(mut world: World, stricter: Stricter) -> World {
    if let Stricter::KeepingPolicy(policy) = stricter {
        world.policies.push(PolicyWords { name: "keeping".into(), ..policy });
        return world;
    }
    if world.policies.is_empty() {
        return world;
    }
    match stricter {
        Stricter::Criterion { policy, rule, which } => {
            let rule = rule.get_mut(&mut policy.get_mut(&mut world.policies).rules);
            if let EffectWords::KeepIf(criteria) = rule.effect.clone() {
                rule.effect = EffectWords::KeepIf(criteria.with(which));
            }
        }
        Stricter::Protect { policy, pattern } => policy.get_mut(&mut world.policies).protect.push(pattern),
        Stricter::MinimumAge { policy, hours } => policy.get_mut(&mut world.policies).minimum_age_hours += hours,
        Stricter::KeepingPolicy(_) => unreachable!("done above"),
    }
    world
}

#[test]
fn what_is_added_to_keep_more_condemns_nothing_that_was_kept() {
    for_all(1_200, (worlds(), stricter()), |(world, stricter)| {
        let before = world.clone().with_minimum_tags(0);
        let after = made(before.clone(), stricter).with_minimum_tags(0).plan();
        let before = before.plan();
        prop_assert!(condemned(&after).is_subset(&condemned(&before)));
        prop_assert!(deleted(&after).is_subset(&deleted(&before)));
        Ok(())
    });
}

/// With `minTagsPerRepository` the set may change: the floor keeps the newest of those that would go, and where one
/// of them is kept for another reason now, an older one that the floor kept is needed there no longer. Where tags go
/// one by one the floor is exact, so their number does not grow; elsewhere a tag drags its siblings along.
#[test]
fn above_a_floor_what_is_added_to_keep_more_condemns_no_more_tags() {
    for_all(1_200, (worlds(), stricter()), |(mut world, stricter)| {
        world.server.deletes = Deletes::TagsAndDigests;
        let before = ordinary_condemned(&world.plan());
        let after = ordinary_condemned(&made(world, stricter).plan());
        prop_assert!(after <= before, "{before} before, {after} after");
        Ok(())
    });
}

/// Whether a rule or a protection is why the tag is kept, rather than that nobody asked for it, or another tag.
fn is_kept_by_word(plan: &Plan, repository: usize, tag: usize) -> bool {
    let code = plan.repositories[repository].tags[tag].verdict.code();
    ["Protected", "KeptByRule", "KeptElsewhere", "AgeUnknown", "NotAVersion", "TooYoung", "Dangling", "Unreadable"]
        .contains(&code)
}

#[test]
fn no_policy_can_condemn_what_another_keeps() {
    for_all(1_200, (worlds(), policies(effects())), |(mut world, policy)| {
        let before = world.plan();
        world.policies.push(PolicyWords { name: "another".into(), ..policy });
        let after = world.plan();
        for (at, repository) in after.repositories.iter().enumerate() {
            for (tag, it) in repository.tags.iter().enumerate() {
                let was = &before.repositories[at].tags[tag].verdict;
                let goes_now = it.verdict.is_condemned() && is_kept_by_word(&before, at, tag);
                prop_assert!(!goes_now, "{} was kept, since {was}; and goes, since {}", it.tag, it.verdict);
            }
        }
        Ok(())
    });
}
