//! What the storage of a case shows, in few letters.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;
use registry_retention::retention::{Oddities, OpenUpload, Store, StoredLink, StoredRepository, StoredTag};

use crate::world::{KNOWN, RepositoryWords, State, TagWords, World, blob, digest, now, repository_name};

/// Hours since a push; one is before 1990, one after now.
const HOURS: [i64; 9] = [1, 23, 24, 25, 240, 241, 9000, 500_000, -1];

/// What the storage shows of one repository.
#[derive(Clone, Debug)]
pub(crate) struct StoredWords {
    pub(crate) tags: BTreeMap<TagWords, LinkWords>,
    /// Of each label: hours since its last push, and whether its link is sound.
    pub(crate) revisions: BTreeMap<usize, (i64, bool)>,
    /// Minutes since something was written to an upload.
    pub(crate) upload: Option<i64>,
}

/// What the storage shows of a tag.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LinkWords {
    At { label: usize, hours: i64 },
    Broken,
}

/// How a link differs from what the API shows.
#[derive(Clone, Copy, Debug)]
enum Differs {
    Not,
    Elsewhere(usize),
    Broken,
    Absent,
}

fn hours() -> impl Strategy<Value = i64> {
    prop_oneof![12 => select(HOURS[..7].to_vec()), 1 => select(HOURS[7..].to_vec())]
}

/// A storage that goes with `repository`, as an honest registry writes it: a manifest's link is never older than that of
/// a tag that stands at it. Some of it came after the reading, some is broken.
pub(crate) fn stored(repository: &RepositoryWords) -> impl Strategy<Value = Option<StoredWords>> + use<> {
    let differs = prop_oneof![
        20 => Just(Differs::Not),
        1 => (0..KNOWN).prop_map(Differs::Elsewhere),
        1 => Just(Differs::Broken),
        1 => Just(Differs::Absent),
    ];
    let tags: Vec<(TagWords, State)> = repository.tags.iter().map(|(tag, state)| (*tag, *state)).collect();
    let links = prop::collection::vec((differs, hours()), tags.len());
    let revision = prop_oneof![8 => (hours(), prop::bool::weighted(0.95)).prop_map(Some), 1 => Just(None)];
    let upload = prop_oneof![12 => Just(None), 1 => select(vec![30, 90]).prop_map(Some)];
    let words = (links, prop::collection::vec(revision, KNOWN), upload).prop_map(move |(links, revisions, upload)| {
        let mut revisions: BTreeMap<usize, (i64, bool)> =
            revisions.into_iter().enumerate().filter_map(|(label, it)| Some((label, it?))).collect();
        let mut stored = BTreeMap::new();
        for ((tag, state), (differs, hours)) in tags.iter().zip(links) {
            let label = match (state, differs) {
                (State::At(label) | State::Removed(label) | State::Entombed(label), Differs::Not) => *label,
                (_, Differs::Elsewhere(label)) => label,
                (_, Differs::Broken) => {
                    stored.insert(*tag, LinkWords::Broken);
                    continue;
                }
                _ => continue,
            };
            stored.insert(*tag, LinkWords::At { label, hours });
            revisions.entry(label).and_modify(|(at, _)| *at = (*at).min(hours));
        }
        StoredWords { tags: stored, revisions, upload }
    });
    prop_oneof![20 => words.prop_map(Some), 1 => Just(None)]
}

fn open_upload(minutes: i64) -> OpenUpload {
    let active = now().checked_sub(SignedDuration::from_mins(minutes)).expect("a time");
    OpenUpload { id: minutes.to_string(), active, bytes: 1 }
}

fn at(hours: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_hours(hours)).expect("a time")
}

impl World {
    pub(crate) fn store(&self) -> Option<Arc<Store>> {
        let shown =
            |(name, words): (&&str, &RepositoryWords)| Some((repository_name(name), words.stored.as_ref()?.shown()));
        let manifests = (0..KNOWN).map(|label| (digest(label), 5));
        let blobs = (0..5).map(|label| (blob(label).digest, blob(label).size));
        let store = Store {
            began: now(),
            ended: now(),
            repositories: self.repositories.iter().filter_map(shown).collect(),
            blobs: manifests.chain(blobs).collect(),
            capacity: None,
            oddities: Oddities::default(),
        };
        self.store_is_read.then(|| Arc::new(store))
    }
}

impl StoredWords {
    fn shown(&self) -> StoredRepository {
        let tag = |link: &LinkWords| match link {
            LinkWords::At { label, hours } => StoredTag::At { digest: digest(*label), pushed: at(*hours) },
            LinkWords::Broken => StoredTag::Broken,
        };
        let link = |(label, (hours, is_sound)): (&usize, &(i64, bool))| {
            (digest(*label), StoredLink { pushed: at(*hours), is_sound: *is_sound })
        };
        StoredRepository {
            tags: self.tags.iter().map(|(name, link)| (name.tag(), tag(link))).collect(),
            revisions: self.revisions.iter().map(link).collect(),
            uploads: self.upload.iter().map(|minutes| open_upload(*minutes)).collect(),
        }
    }
}
