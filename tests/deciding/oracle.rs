//! What should become of every tag, found by trying every set of tags that could go and taking the largest that
//! breaks no sentence of the design. Nothing of `retention` is used but the types of what goes in.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use registry_retention::oci::{Digest, Tag};
use registry_retention::retention::{Deletes, Generation, Inventory, ManifestState, Repository, TagState};

use crate::oracle_pushes::{Push, push};
use crate::oracle_rules::{Ordinary, created, judged_by, rules_let_go};
use crate::oracle_untagged::Known;
use crate::oracle_use::{is_below, used_manifest, used_tag};
use crate::policies::PolicyWords;
use crate::world::World;

/// How a tag ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Kept,
    WithManifest,
    TagOnly,
    Dangling,
}

/// What should become of one repository.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) tags: BTreeMap<String, Fate>,
    pub(crate) deleted: BTreeSet<Digest>,
}

/// What should become of everything.
pub(crate) fn expected(world: &World, inventory: &Inventory, now: Timestamp) -> BTreeMap<String, Expected> {
    let by_name = |(name, repository): (&_, &_)| {
        let name = std::string::ToString::to_string(name);
        let expected = of_repository(world, inventory, &name, repository, now);
        (name, expected)
    };
    inventory.repositories.iter().map(by_name).collect()
}

/// "Where the server cannot delete a tag alone (2.8)": unless tombstones were chosen.
fn tags_go_alone(world: &World) -> bool {
    world.tombstones
        || match world.server.deletes {
            Deletes::TagsAndDigests => true,
            Deletes::DigestsOnly => false,
            Deletes::Refused(_) => world.server.generation == Generation::V3,
        }
}

/// "A digest is deleted only where the tag list is known to be complete": 2.8, or stated by all, or with the storage.
fn lists_are_complete(world: &World) -> bool {
    let stated = |policy: &PolicyWords| policy.complete_tag_lists;
    let known = world.server.generation == Generation::V2 || world.store_is_read;
    known || (!world.policies.is_empty() && world.policies.iter().all(stated))
}

/// One tag that points at something.
pub(crate) struct Pointing<'a> {
    tag: &'a Tag,
    pub(crate) digest: &'a Digest,
    gone: bool,
    created: Option<Timestamp>,
    push: Push,
    /// Whom it belongs to; `None` is somebody unknown.
    subjects: Vec<Option<&'a Digest>>,
    may_go: bool,
}

impl<'a> Pointing<'a> {
    fn ordinary(&self) -> Ordinary<'a> {
        Ordinary { tag: self.tag, created: self.created, push: self.push, gone: self.gone }
    }
}

fn of_repository(
    world: &World,
    inventory: &Inventory,
    name: &str,
    repository: &Repository,
    now: Timestamp,
) -> Expected {
    let unreadable = repository.unreadable.is_some()
        || repository.tags.values().any(|state| matches!(state, TagState::Unreadable(_)))
        || repository.manifests.values().any(|state| matches!(state, ManifestState::Unreadable(_)));
    let mut tags: Vec<Pointing<'_>> = repository
        .tags
        .iter()
        .filter_map(|(tag, state)| {
            let digest = judged_by(state)?;
            let subjects = subjects(repository, tag, digest);
            let gone = matches!(state, TagState::Removed(_));
            let (created, push) = (created(repository, digest, now), push(inventory, name, tag, state, now));
            Some(Pointing { tag, digest, gone, created, push, subjects, may_go: false })
        })
        .collect();
    if !unreadable {
        let ordinary: Vec<Ordinary<'_>> =
            tags.iter().filter(|it| it.subjects.is_empty()).map(Pointing::ordinary).collect();
        let go = |tag: &Tag| {
            let it = ordinary.iter().find(|it| it.tag == tag);
            it.is_none_or(|it| rules_let_go(it, &ordinary, (name, repository), &world.policies, now))
        };
        let is_used = |it: &Pointing<'_>| used_tag(world, name, it.tag) || used_manifest(world, repository, it.digest);
        let may_go = |it: &Pointing<'_>| go(it.tag) && !is_used(it) && subjects_are_sound(it, &tags);
        let may_go: Vec<bool> = if inventory.store.is_none() {
            tags.iter().map(may_go).collect()
        } else {
            let known = Known::new(world, (inventory, name), repository, &tags);
            let alone: Vec<bool> = tags.iter().map(|it| go(it.tag) && !is_used(it) && is_one(it)).collect();
            grounded(repository, &known.going(&BTreeSet::new()), &tags, &alone)
        };
        tags.iter_mut().zip(may_go).for_each(|(it, may_go)| it.may_go = may_go);
    }
    let graph = Graph::new(world, (inventory, name), repository, &tags);
    let first = graph.largest(world, &tags);
    keep_minimum(&mut tags, first, world.policies.iter().map(|policy| policy.minimum_tags).max().unwrap_or(0));
    let going = graph.largest(world, &tags);
    let deleted = if lists_are_complete(world) { graph.deleted(going) } else { BTreeSet::new() };
    let fate = |tag: &Tag, state: &TagState| match state {
        TagState::Dangling { deleted: Some(_) } if !unreadable => Fate::Dangling,
        _ => match tags.iter().position(|it| it.tag == tag) {
            Some(index) if going & (1 << index) != 0 && deleted.contains(tags[index].digest) => Fate::WithManifest,
            Some(index) if going & (1 << index) != 0 => Fate::TagOnly,
            _ => Fate::Kept,
        },
    };
    let fates = repository.tags.iter().map(|(tag, state)| (tag.to_string(), fate(tag, state))).collect();
    Expected { tags: fates, deleted }
}

/// "The referrers fallback tags and cosign's, and manifests with a `subject`, belong to their subject."
fn subjects<'a>(repository: &'a Repository, tag: &Tag, digest: &Digest) -> Vec<Option<&'a Digest>> {
    let mut subjects = Vec::new();
    if let Some(rest) = tag.as_str().strip_prefix("sha256-") {
        let hex = rest.split('.').next().unwrap_or_default();
        if hex.len() == 64 {
            subjects.push(repository.manifests.keys().find(|digest| digest.as_str() == format!("sha256:{hex}")));
        }
    }
    if let Some(ManifestState::Read(manifest)) = repository.manifests.get(digest)
        && let Some(subject) = &manifest.subject
    {
        subjects.push(repository.manifests.contains_key(subject).then_some(subject));
    }
    subjects
}

/// Nobody unknown, and not two at once.
fn is_one(it: &Pointing<'_>) -> bool {
    it.subjects.windows(2).all(|pair| pair[0] == pair[1]) && it.subjects.iter().all(Option::is_some)
}

/// Where the storage was read, a companion may belong to what goes untagged, or with an index. No chain may come back to
/// where it was: which of the tags that may go `alone` belong, in the end, to something that goes by itself.
fn grounded(repository: &Repository, untagged: &BTreeSet<&Digest>, tags: &[Pointing<'_>], alone: &[bool]) -> Vec<bool> {
    let mut grounded: Vec<bool> = tags.iter().zip(alone).map(|(it, alone)| *alone && it.subjects.is_empty()).collect();
    loop {
        let goes = |subject: &Digest| {
            let mut at = tags.iter().zip(&grounded).filter(|(it, _)| it.digest == subject).peekable();
            if at.peek().is_some() {
                return at.all(|(_, grounded)| *grounded);
            }
            // An index goes only with all of its tags.
            let above = tags.iter().filter(|it| is_below(repository, subject, it.digest, &mut Vec::new()));
            let whole = |it: &Pointing<'_>| {
                tags.iter().zip(&grounded).filter(|(other, _)| other.digest == it.digest).all(|(_, grounded)| *grounded)
            };
            untagged.contains(subject) || above.into_iter().any(whole)
        };
        let next: Vec<bool> = tags
            .iter()
            .zip(alone)
            .map(|(it, alone)| *alone && it.subjects.iter().flatten().all(|subject| goes(subject)))
            .collect();
        if next == grounded {
            return grounded;
        }
        grounded = next;
    }
}

/// Nobody unknown, not two at once, and no chain of companions that comes back to where it was.
fn subjects_are_sound(it: &Pointing<'_>, tags: &[Pointing<'_>]) -> bool {
    if it.subjects.is_empty() {
        return true;
    }
    let next = |from: &Digest| -> Vec<&Digest> {
        tags.iter().filter(|it| it.digest == from).flat_map(|it| it.subjects.iter().flatten().copied()).collect()
    };
    let reaches = |from: Vec<&Digest>| -> BTreeSet<Digest> {
        let mut reached: BTreeSet<Digest> = from.into_iter().cloned().collect();
        for _ in 0..tags.len() {
            let more: Vec<Digest> = reached.iter().flat_map(&next).cloned().collect();
            reached.extend(more);
        }
        reached
    };
    let ancestors = reaches(it.subjects.iter().flatten().copied().collect());
    let one = it.subjects.windows(2).all(|pair| pair[0] == pair[1]);
    one && it.subjects.iter().all(Option::is_some)
        && !ancestors.iter().any(|digest| reaches(next(digest)).contains(digest))
}

/// "The newest that would go are kept until this many remain." What is removed already does not remain.
fn keep_minimum(tags: &mut [Pointing<'_>], going: u32, minimum: usize) {
    let is_ordinary = |it: &Pointing<'_>| it.subjects.is_empty();
    let goes = |index: usize| going & (1 << index) != 0;
    let mut remaining =
        tags.iter().enumerate().filter(|(index, it)| is_ordinary(it) && !it.gone && !goes(*index)).count();
    let mut queue: Vec<usize> = (0..tags.len()).filter(|index| is_ordinary(&tags[*index]) && goes(*index)).collect();
    queue.sort_by(|a, b| {
        let (a, b) = (&tags[*a], &tags[*b]);
        let (at, bt) = (a.ordinary().ranked_by(), b.ordinary().ranked_by());
        let unknown_first = at.is_some().cmp(&bt.is_some());
        a.gone.cmp(&b.gone).then(unknown_first).then(bt.cmp(&at)).then(b.tag.cmp(a.tag))
    });
    for index in queue {
        if remaining < minimum {
            tags[index].may_go = false;
            remaining += 1;
        }
    }
}

/// The bit of those who need something and are no tag, so that they never go.
const WORKLOADS: u32 = 1 << 31;

/// For each tagged digest, the tags that need it, itself named by them or anything above it; as bits.
struct Graph<'a> {
    needed_by: BTreeMap<&'a Digest, u32>,
    /// With the storage, all that is known is there: what stays holds what it names.
    all: Option<Known<'a>>,
}

impl<'a> Graph<'a> {
    fn new(
        world: &World,
        (inventory, name): (&'a Inventory, &str),
        repository: &'a Repository,
        tags: &[Pointing<'a>],
    ) -> Self {
        let used: Vec<&Digest> =
            repository.manifests.keys().filter(|digest| used_manifest(world, repository, digest)).collect();
        let mut needed_by: BTreeMap<&Digest, u32> = tags.iter().map(|it| (it.digest, 0)).collect();
        for (digest, bits) in &mut needed_by {
            for (index, it) in tags.iter().enumerate() {
                if is_below(repository, digest, it.digest, &mut Vec::new()) {
                    *bits |= 1 << index;
                }
            }
            if used.iter().any(|used| is_below(repository, digest, used, &mut Vec::new())) {
                *bits |= WORKLOADS;
            }
        }
        let all = inventory.store.as_ref().map(|_| Known::new(world, (inventory, name), repository, tags));
        Self { needed_by, all }
    }

    /// "A manifest is deleted only when all of its tags are condemned and nothing kept needs it."
    fn deleted(&self, going: u32) -> BTreeSet<Digest> {
        let goes = |(digest, needed_by): (&&'a Digest, &u32)| (needed_by & !going == 0).then_some(*digest);
        let tagged: BTreeSet<&Digest> = self.needed_by.iter().filter_map(goes).collect();
        let all = match &self.all {
            None => tagged,
            Some(known) => known.going(&tagged),
        };
        all.into_iter().cloned().collect()
    }

    /// The union of all sets of tags that may go together, which must itself be one.
    fn largest(&self, world: &World, tags: &[Pointing<'_>]) -> u32 {
        let index_of = |digest: &Digest| self.needed_by.keys().position(|known| *known == digest);
        let place: Vec<Option<usize>> = tags.iter().map(|it| index_of(it.digest)).collect();
        let subjects: Vec<Vec<Option<usize>>> =
            tags.iter().map(|it| it.subjects.iter().map(|subject| index_of((*subject)?)).collect()).collect();
        let (alone, complete) = (tags_go_alone(world), lists_are_complete(world));
        let needs: Vec<u32> = self.needed_by.values().copied().collect();
        let is_deleted =
            |place: Option<usize>, set: u32| complete && place.is_some_and(|place| needs[place] & !set == 0);
        let with_store = |set: u32| {
            let deleted = if complete { self.deleted(set) } else { BTreeSet::new() };
            tags.iter().enumerate().filter(|(index, _)| set & (1 << index) != 0).all(|(_, it)| {
                (alone || deleted.contains(it.digest))
                    && it.subjects.iter().all(|subject| subject.is_some_and(|subject| deleted.contains(subject)))
            })
        };
        let valid = |set: u32| {
            if self.all.is_some() {
                return with_store(set);
            }
            (0..tags.len()).filter(|index| set & (1 << index) != 0).all(|index| {
                (alone || is_deleted(place[index], set))
                    && subjects[index].iter().all(|subject| is_deleted(*subject, set))
            })
        };
        let may_go = (0..tags.len()).filter(|index| tags[*index].may_go).fold(0, |set, index| set | 1 << index);
        let subsets = std::iter::successors(Some(may_go), |set| (*set != 0).then(|| (set - 1) & may_go));
        let union = subsets.filter(|set| valid(*set)).fold(0, |all, set| all | set);
        assert!(valid(union), "sets that may go add up");
        union
    }
}
