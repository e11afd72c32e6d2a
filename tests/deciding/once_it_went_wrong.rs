//! The smallest cases of what the oracle and the properties found; by hand, so that each says what it is about.

use std::collections::BTreeMap;

use registry_retention::retention::{Deletes, Generation, Server};

use crate::policies::{CriteriaWords, EffectWords, PolicyWords, RuleWords};
use crate::world::{About, Age, ConfigWords, KNOWN, ManifestWords, RepositoryWords, State, TagWords, World};

const PLAIN: About = About { subject: None, created: None };

fn image(about: About) -> ManifestWords {
    ManifestWords::Image { config: 0, layers: vec![1], about }
}

/// One policy that deletes every tag matching `*` but those in `protect`.
fn world(tags: &[(TagWords, State)], manifests: &[ManifestWords], protect: &[&'static str]) -> World {
    let rule = RuleWords {
        name: "all".into(),
        repositories: vec!["**"],
        not_repositories: vec![],
        tags: vec!["*"],
        tags_regex: vec![],
        not_tags: vec![],
        not_tags_regex: vec![],
        effect: EffectWords::Delete,
    };
    let policy = PolicyWords {
        name: "p0".into(),
        rules: vec![rule],
        protect: protect.to_vec(),
        minimum_age_hours: 0,
        minimum_tags: 0,
        untagged_hours: None,
        complete_tag_lists: true,
        only_keeps: false,
    };
    let repository = RepositoryWords {
        tags: tags.iter().copied().collect(),
        manifests: manifests.to_vec(),
        configs: vec![],
        first_seen: BTreeMap::new(),
        unreadable: None,
        stored: None,
    };
    World {
        server: Server { generation: Generation::V3, deletes: Deletes::TagsAndDigests },
        tombstones: false,
        repositories: [("a/x", repository)].into(),
        policies: vec![policy],
        used: vec![],
        store_is_read: false,
    }
}

/// Each tag with the code of its verdict.
fn codes(world: &World) -> BTreeMap<String, &'static str> {
    world.plan().tags().map(|(_, it)| (it.tag.to_string(), it.verdict.code())).collect()
}

fn code_of(world: &World, tag: TagWords) -> &'static str {
    codes(world)[tag.tag().as_str()]
}

#[test]
fn a_signature_that_we_left_dangling_goes_even_where_its_image_stays() {
    let (signature, image_tag) = (TagWords::Companion(0, ".sig"), TagWords::Ordinary("latest"));
    let tags = [(signature, State::DanglingOfOurs), (image_tag, State::At(0))];
    let world = world(&tags, &[image(PLAIN)], &["latest"]);
    assert_eq!(code_of(&world, image_tag), "Protected");
    assert_eq!(code_of(&world, signature), "DanglingOfOurs");
}

#[test]
fn what_belongs_to_one_image_by_name_and_to_another_by_its_subject_stays() {
    let both = TagWords::Companion(0, ".sig");
    let tags =
        [(TagWords::Ordinary("a"), State::At(0)), (TagWords::Ordinary("latest"), State::At(1)), (both, State::At(2))];
    let about = |subject| About { subject: Some(subject), created: None };
    let of_both = world(&tags, &[image(PLAIN), image(PLAIN), image(about(1))], &["latest"]);
    assert_eq!(code_of(&of_both, TagWords::Ordinary("a")), "DeleteAction");
    assert_eq!(code_of(&of_both, both), "CompanionOfKept");
    let of_one = world(&tags, &[image(PLAIN), image(PLAIN), image(about(0))], &["latest"]);
    assert_eq!(code_of(&of_one, both), "CompanionOfDeleted");
}

#[test]
fn a_tag_that_is_removed_already_does_not_count_as_one_that_remains() {
    let tags = [(TagWords::Ordinary("latest"), State::Removed(0)), (TagWords::Ordinary("a"), State::At(1))];
    let mut world = world(&tags, &[image(PLAIN), image(PLAIN)], &["latest"]);
    world.policies[0].minimum_tags = 1;
    assert_eq!(code_of(&world, TagWords::Ordinary("a")), "MinimumTags");
}

#[test]
fn a_tag_that_is_removed_already_takes_no_place_among_the_most_recent() {
    let dated = |hours| image(About { subject: None, created: Some(Age::Hours(hours)) });
    let names = ["a", "b", "pr-1"].map(TagWords::Ordinary);
    let tags = [(names[0], State::Removed(0)), (names[1], State::At(1)), (names[2], State::At(2))];
    let mut world = world(&tags, &[dated(1), dated(2), dated(3)], &[]);
    world.policies[0].rules[0].effect =
        EffectWords::KeepIf(CriteriaWords { most_recent: Some(1), ..CriteriaWords::default() });
    assert_eq!(names.map(|name| code_of(&world, name)), ["KeptByRule", "KeptByRule", "NoLongerKept"]);
}

#[test]
fn an_index_with_a_child_whose_config_was_not_read_has_no_known_age() {
    let index = ManifestWords::Index { children: vec![1, 2], about: PLAIN };
    let of_config = |config| ManifestWords::Image { config, layers: vec![], about: PLAIN };
    let latest = TagWords::Ordinary("latest");
    let mut world = world(&[(latest, State::At(0))], &[index, of_config(0), of_config(1)], &[]);
    world.policies[0].rules[0].effect =
        EffectWords::KeepIf(CriteriaWords { created_within_hours: Some(24), ..CriteriaWords::default() });
    for (second, expected) in [(ConfigWords::Unasked, "AgeUnknown"), (ConfigWords::Silent, "NoLongerKept")] {
        let configs = vec![ConfigWords::Says(Age::Hours(9000)), second];
        world.repositories.get_mut("a/x").expect("the only one").configs = configs;
        assert_eq!(code_of(&world, latest), expected, "{second:?}");
    }
}

#[test]
fn of_many_that_protect_a_tag_the_first_by_name_is_named() {
    let latest = [(TagWords::Ordinary("latest"), State::At(0))];
    let mut world = world(&latest, &[image(PLAIN)], &["latest", "*t"]);
    world.policies.insert(0, PolicyWords { name: "p9".into(), ..world.policies[0].clone() });
    let plan = world.plan();
    let (_, tag) = plan.tags().next().expect("one tag");
    assert_eq!(tag.verdict.to_string(), "protected by \"*t\" of p0");
}

#[test]
fn a_manifest_that_was_never_read_keeps_its_repository_as_one_that_could_not_be() {
    let tags = [(TagWords::Ordinary("a"), State::At(KNOWN)), (TagWords::Ordinary("b"), State::At(0))];
    let of_tag = world(&tags, &[image(PLAIN)], &[]);
    assert_eq!(codes(&of_tag).into_values().collect::<Vec<_>>(), ["Unreadable", "Unreadable"]);
    let index = ManifestWords::Index { children: vec![KNOWN], about: PLAIN };
    let of_index = world(&tags[1..], &[index], &[]);
    assert_eq!(codes(&of_index).into_values().collect::<Vec<_>>(), ["Unreadable"]);
}
