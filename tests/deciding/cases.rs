//! Cases by the thousand, and how a property is tried on them.

use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use registry_retention::retention::{Deletes, Generation, Refusal, Server};

use crate::policies::{CriteriaWords, EffectWords, PolicyWords, RuleWords, VersionsWords};
use crate::stored::stored;
use crate::world::{
    About, Age, ConfigWords, KNOWN, LABELS, ManifestWords, RepositoryWords, State, TagWords, Unreadable, UsedWords,
    World,
};

/// Ordinary tags; `versions.rs` says what each version is.
const NAMES: [&str; 17] = [
    "a",
    "b",
    "latest",
    "pr-1",
    "pr-2",
    "pr-x",
    "1.0.0",
    "v1.0.0",
    "1.0.1",
    "1.1.0",
    "1.1.0_x",
    "1.1.0-1",
    "2.0.0",
    "2.0.0-rc.1",
    "1.1",
    "2.0",
    "1.0.1-alpine",
];
const PATTERNS: [&str; 8] = ["*", "pr-*", "1*", "v1*", "latest", "?", "sha256-*", "*.0"];
/// The oracle knows these by heart.
pub(crate) const REGEXES: [&str; 2] = ["pr-[0-9]+", "[0-9].*"];
const REPOSITORY_PATTERNS: [&str; 4] = ["**", "a/*", "*", "a/x"];
const MINIMUM_AGES: [i64; 3] = [0, 24, 240];

/// Tries `property` on `cases` cases. The seed is fixed, so that a run repeats the last; another one is taken from
/// `DECIDING_SEED`, for whoever wants to look further.
pub(crate) fn for_all<T: Clone + std::fmt::Debug>(
    cases: u32,
    strategy: impl Strategy<Value = T>,
    mut property: impl FnMut(T) -> Result<(), TestCaseError>,
) {
    let seed: u64 = std::env::var("DECIDING_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let property = std::cell::RefCell::new(&mut property);
    match runner.run(&strategy, |case| property.borrow_mut()(case)) {
        Ok(()) => {}
        Err(TestError::Fail(why, case)) => panic!("DECIDING_SEED={seed}: {why}\nsmallest case: {case:#?}"),
        Err(abort) => panic!("DECIDING_SEED={seed}: {abort}"),
    }
}

/// A server as it is found, with every combination of what it is and what it lets us do.
fn servers() -> impl Strategy<Value = Server> {
    let refusals =
        [Refusal::ReadOnly, Refusal::Disabled, Refusal::PullThrough, Refusal::Forbidden, Refusal::Unrecognised];
    let deletes = prop_oneof![
        4 => Just(Deletes::TagsAndDigests),
        4 => Just(Deletes::DigestsOnly),
        1 => select(refusals.to_vec()).prop_map(Deletes::Refused),
    ];
    let generations = prop_oneof![3 => Just(Generation::V2), 3 => Just(Generation::V3), 1 => Just(Generation::Unknown)];
    (generations, deletes).prop_map(|(generation, deletes)| Server { generation, deletes })
}

fn ages() -> impl Strategy<Value = Age> {
    prop_oneof![
        8 => select(vec![1, 23, 24, 25, 240, 241, 9000]).prop_map(Age::Hours),
        2 => select(vec![24, 240, 241]).prop_map(Age::HoursElsewhere),
        1 => select(vec![Age::Illegible, Age::Epoch, Age::Hours(-1)]),
    ]
}

fn manifests() -> impl Strategy<Value = ManifestWords> {
    let subject = prop_oneof![12 => Just(None), 1 => (0..LABELS).prop_map(Some)];
    let created = prop_oneof![2 => Just(None), 1 => ages().prop_map(Some)];
    let about = (subject, created).prop_map(|(subject, created)| About { subject, created });
    let image = (0..3usize, prop::collection::vec(0..5usize, 0..3), about.clone());
    let index = (prop::collection::vec(0..KNOWN, 0..4), about);
    prop_oneof![
        1 => Just(ManifestWords::Missing),
        6 => image.prop_map(|(config, layers, about)| ManifestWords::Image { config, layers, about }),
        6 => index.prop_map(|(children, about)| ManifestWords::Index { children, about }),
    ]
}

fn tag_names() -> impl Strategy<Value = TagWords> {
    let companion = (0..LABELS, select(vec!["", ".sig", ".att"]));
    prop_oneof![
        6 => select(NAMES.to_vec()).prop_map(TagWords::Ordinary),
        1 => companion.prop_map(|(label, suffix)| TagWords::Companion(label, suffix)),
    ]
}

fn tag_states() -> impl Strategy<Value = State> {
    prop_oneof![
        14 => (0..KNOWN).prop_map(State::At),
        1 => (0..KNOWN).prop_map(State::Removed),
        1 => (0..KNOWN).prop_map(State::Entombed),
        1 => select(vec![State::DanglingOfOurs, State::Dangling]),
    ]
}

fn repositories() -> impl Strategy<Value = RepositoryWords> {
    let config = prop_oneof![
        1 => Just(ConfigWords::Unasked),
        1 => Just(ConfigWords::Silent),
        6 => ages().prop_map(ConfigWords::Says),
    ];
    let seen = select(vec![-1, 1, 24, 240, 241, 9000]).prop_map(SignedDuration::from_hours);
    let tag = (tag_states(), prop::option::weighted(0.8, seen));
    let unreadable = prop_oneof![
        30 => Just(None),
        1 => Just(Some(Unreadable::List)),
        1 => select(NAMES.to_vec()).prop_map(|tag| Some(Unreadable::Tag(tag))),
        1 => (0..KNOWN).prop_map(|label| Some(Unreadable::Manifest(label))),
    ];
    (
        prop::collection::btree_map(tag_names(), tag, 0..10),
        prop::collection::vec(manifests(), KNOWN),
        prop::collection::vec(config, 3),
        unreadable,
    )
        .prop_map(|(tags, manifests, configs, unreadable)| RepositoryWords {
            first_seen: tags.iter().filter_map(|(tag, (_, seen))| Some((*tag, (*seen)?))).collect(),
            tags: tags.into_iter().map(|(tag, (state, _))| (tag, state)).collect(),
            manifests,
            configs,
            unreadable,
            stored: None,
        })
        .prop_flat_map(|repository| {
            let stored = stored(&repository);
            (Just(repository), stored)
        })
        .prop_map(|(repository, stored)| RepositoryWords { stored, ..repository })
}

fn criteria() -> impl Strategy<Value = CriteriaWords> {
    let versions = (1..3usize, 0..3usize, any::<bool>(), any::<bool>()).prop_map(
        |(count, leading_numbers, only_from_1_1_0, prereleases)| VersionsWords {
            count,
            leading_numbers,
            only_from_1_1_0,
            prereleases,
        },
    );
    (
        prop::option::weighted(0.4, 1..4usize),
        prop::option::weighted(0.3, select(vec![1, 24, 240])),
        prop::option::weighted(0.4, select(vec![1, 24, 240])),
        prop::option::weighted(0.4, versions),
    )
        .prop_map(|(most_recent, pushed_within_hours, created_within_hours, versions)| {
            let by_age = pushed_within_hours.or(created_within_hours);
            let none = most_recent.is_none() && by_age.is_none() && versions.is_none();
            let most_recent = most_recent.or(none.then_some(1));
            CriteriaWords { most_recent, pushed_within_hours, created_within_hours, versions }
        })
}

/// Rules as people write them and as nobody would; their names are given by [`policies`].
pub(crate) fn rules(effect: impl Strategy<Value = EffectWords>) -> impl Strategy<Value = RuleWords> {
    let some = |words: &'static [&'static str], max: usize| subsequence(words.to_vec(), 0..=max);
    let include = prop_oneof![3 => Just(vec!["*"]), 4 => some(&PATTERNS, 3)];
    let exclude = prop_oneof![3 => Just(vec![]), 1 => some(&PATTERNS[1..], 1)];
    let regex = prop_oneof![2 => Just(vec![]), 1 => some(&REGEXES, 1)];
    let repositories = prop_oneof![4 => Just(vec!["**"]), 1 => subsequence(REPOSITORY_PATTERNS.to_vec(), 1..3)];
    let not_repositories = prop_oneof![6 => Just(vec![]), 1 => subsequence(REPOSITORY_PATTERNS[1..].to_vec(), 1)];
    (repositories, not_repositories, include, regex.clone(), exclude, regex, effect).prop_map(
        |(repositories, not_repositories, tags, tags_regex, not_tags, not_tags_regex, effect)| RuleWords {
            name: String::new(),
            repositories,
            not_repositories,
            tags,
            tags_regex,
            not_tags,
            not_tags_regex,
            effect,
        },
    )
}

/// Any effect.
pub(crate) fn effects() -> impl Strategy<Value = EffectWords> {
    prop_oneof![
        1 => Just(EffectWords::Keep),
        12 => Just(EffectWords::Delete),
        9 => criteria().prop_map(EffectWords::KeepIf),
    ]
}

/// One policy, whose rules have one of these effects.
pub(crate) fn policies(effect: impl Strategy<Value = EffectWords>) -> impl Strategy<Value = PolicyWords> {
    (
        prop::collection::vec(rules(effect), 1..3),
        prop_oneof![5 => Just(vec![]), 1 => subsequence(PATTERNS[1..].to_vec(), 1..3)],
        prop_oneof![5 => Just(0), 1 => select(MINIMUM_AGES.to_vec())],
        prop_oneof![3 => Just(0), 1 => 0..6usize],
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.15),
        prop::option::weighted(0.8, select(vec![1, 24, 240])),
    )
        .prop_map(
            |(mut rules, protect, minimum_age_hours, minimum_tags, complete_tag_lists, only_keeps, untagged_hours)| {
                rules.iter_mut().enumerate().for_each(|(index, rule)| rule.name = format!("r{index}"));
                let name = String::new();
                PolicyWords {
                    name,
                    rules,
                    protect,
                    minimum_age_hours,
                    minimum_tags,
                    untagged_hours,
                    complete_tag_lists,
                    only_keeps,
                }
            },
        )
}

/// What a workload uses.
pub(crate) fn used() -> impl Strategy<Value = UsedWords> {
    let host = || select(vec!["", "r.example/", "docker-pullable://Elsewhere:5000/"]);
    let path = || select(vec!["a/x", "a/y", "b", "library/b"]);
    prop_oneof![
        3 => (host(), path(), select(NAMES.to_vec())).prop_map(|(host, path, tag)| UsedWords::Tag { host, path, tag }),
        2 => (host(), path(), 0..LABELS).prop_map(|(host, path, label)| UsedWords::Digest { host, path, label }),
        1 => (0..3usize).prop_map(|label| UsedWords::Config { label }),
    ]
}

/// A whole case.
pub(crate) fn worlds() -> impl Strategy<Value = World> {
    (
        servers(),
        prop::bool::weighted(0.25),
        prop::collection::btree_map(select(vec!["a/x", "a/y", "b"]), repositories(), 1..3),
        prop_oneof![
            5 => prop::collection::vec(policies(effects()), 1),
            4 => prop::collection::vec(policies(effects()), 2),
            1 => prop::collection::vec(policies(effects()), 0..4),
        ],
        prop_oneof![1 => Just(vec![]), 1 => prop::collection::vec(used(), 1..4)],
        any::<bool>(),
    )
        .prop_map(|(server, tombstones, repositories, mut policies, used, store_is_read)| {
            policies.iter_mut().enumerate().for_each(|(index, policy)| policy.name = format!("p{index}"));
            World { server, tombstones, repositories, policies, used, store_is_read }
        })
}
