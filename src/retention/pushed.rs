use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::age::OLDEST_CREDIBLE;
use super::inventory::{Inventory, Repository, TagState};
use super::restamped::is_restamped;
use super::store::{StoredRepository, StoredTag};
use crate::oci::{Digest, RepositoryName, Tag};

/// What the storage shows of a repository of which it has nothing.
static NOTHING: StoredRepository =
    StoredRepository { tags: BTreeMap::new(), revisions: BTreeMap::new(), uploads: Vec::new() };

/// When something was pushed last, as far as the storage tells and can be believed: the modification time of a tag's
/// link, or of a manifest's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pushed {
    /// At this time.
    At(Timestamp),
    /// It cannot be told; whatever depends on it is kept.
    Unknown(PushDoubt),
}

/// Why a push time is not known, or not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PushDoubt {
    /// Nobody read the storage.
    Unread,
    /// It is not in the storage as it was read, or was something else there: it came, or moved, since.
    Newer,
    /// Its link was empty, or no digest.
    Broken,
    /// The link is from before 1990.
    Ancient,
    /// The link is from after now.
    Future,
    /// Most links here, or in the whole store, are from within one minute: a restore, or a copy that kept no times.
    Restamped,
}

impl Pushed {
    /// Judges the time of a link by itself.
    pub fn judge(at: Timestamp, now: Timestamp) -> Self {
        match at {
            at if at < OLDEST_CREDIBLE => Self::Unknown(PushDoubt::Ancient),
            at if at > now => Self::Unknown(PushDoubt::Future),
            at => Self::At(at),
        }
    }

    /// The time, if it is believed.
    pub fn at(self) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::Unknown(_) => None,
        }
    }

    /// The same, unless the source is distrusted as a whole.
    fn unless(self, restamped: bool) -> Self {
        match self {
            Self::At(_) if restamped => Self::Unknown(PushDoubt::Restamped),
            _ => self,
        }
    }
}

/// What the storage tells of push times, in a whole registry.
pub(super) struct PushTimes<'a> {
    repositories: Option<&'a BTreeMap<RepositoryName, StoredRepository>>,
    now: Timestamp,
    tags_restamped: bool,
}

/// The same, in one repository.
pub(super) struct RepositoryPushes<'a> {
    /// `None`: nobody read the storage.
    stored: Option<&'a StoredRepository>,
    now: Timestamp,
    tags_restamped: bool,
}

impl<'a> PushTimes<'a> {
    pub(super) fn new(inventory: &'a Inventory, now: Timestamp) -> Self {
        let repositories = inventory.store.as_deref().map(|store| &store.repositories);
        let all = Self { repositories, now, tags_restamped: false };
        if repositories.is_none() {
            return all;
        }
        let each: Vec<(&Repository, RepositoryPushes<'a>)> =
            inventory.repositories.iter().map(|(name, repository)| (repository, all.plain(name))).collect();
        let tags_restamped = is_restamped(each.iter().flat_map(|(repository, pushes)| pushes.tag_links(repository)));
        Self { tags_restamped, ..all }
    }

    pub(super) fn of(&self, name: &RepositoryName, repository: &Repository) -> RepositoryPushes<'a> {
        let plain = self.plain(name);
        if plain.stored.is_none() {
            return plain;
        }
        RepositoryPushes { tags_restamped: self.tags_restamped || is_restamped(plain.tag_links(repository)), ..plain }
    }

    fn plain(&self, name: &RepositoryName) -> RepositoryPushes<'a> {
        let stored = self.repositories.map(|repositories| repositories.get(name).unwrap_or(&NOTHING));
        RepositoryPushes { stored, now: self.now, tags_restamped: false }
    }
}

impl RepositoryPushes<'_> {
    /// When `tag` was pushed last. What is left of one whose removal was begun goes by its manifest, where its own link
    /// is gone: that is never older. A tag that a run of ours removed had a time that was believed then.
    pub(super) fn tag(&self, tag: &Tag, state: &TagState) -> Pushed {
        let Some(digest) = state.digest() else { return Pushed::Unknown(PushDoubt::Unread) };
        match (self.own(tag, digest), state) {
            (Pushed::Unknown(PushDoubt::Newer | PushDoubt::Broken), TagState::Removed(_)) => self.link(digest),
            (Pushed::Unknown(PushDoubt::Newer | PushDoubt::Broken), TagState::Entombed { .. }) => {
                self.link(digest).unless(self.tags_restamped)
            }
            (own, TagState::Removed(_)) => own,
            (own, _) => own.unless(self.tags_restamped),
        }
    }

    /// Whether `tag` takes a place in a ranking: it is there, and by a time of its own.
    pub(super) fn ranks(&self, tag: &Tag, state: &TagState) -> bool {
        match state {
            TagState::Removed(_) => false,
            TagState::Entombed { original, .. } => self.stored.is_none() || self.own(tag, original).at().is_some(),
            _ => true,
        }
    }

    /// Whether the registry answers otherwise than the storage did: the tag was pushed since.
    pub(super) fn is_newer(&self, tag: &Tag, state: &TagState) -> bool {
        match state {
            TagState::At(digest) => {
                matches!(self.own(tag, digest), Pushed::Unknown(PushDoubt::Newer | PushDoubt::Broken))
            }
            _ => false,
        }
    }

    fn own(&self, tag: &Tag, digest: &Digest) -> Pushed {
        let Some(stored) = self.stored else { return Pushed::Unknown(PushDoubt::Unread) };
        match stored.tags.get(tag) {
            Some(StoredTag::At { digest: found, pushed }) if found == digest => Pushed::judge(*pushed, self.now),
            Some(StoredTag::Broken) => Pushed::Unknown(PushDoubt::Broken),
            Some(StoredTag::At { .. }) | None => Pushed::Unknown(PushDoubt::Newer),
        }
    }

    fn link(&self, digest: &Digest) -> Pushed {
        let Some(stored) = self.stored else { return Pushed::Unknown(PushDoubt::Unread) };
        match stored.revisions.get(digest) {
            Some(link) if link.is_sound => Pushed::judge(link.pushed, self.now),
            Some(_) => Pushed::Unknown(PushDoubt::Broken),
            None => Pushed::Unknown(PushDoubt::Newer),
        }
    }

    /// The links of the tags that are there. Which these are does not depend on the storage: one whose link is missing
    /// is counted as such, so that a store that shows less is never trusted more.
    fn tag_links<'r>(&self, repository: &'r Repository) -> impl Iterator<Item = (&'r Digest, Option<Timestamp>)> {
        repository.tags.iter().filter_map(|(tag, state)| match state {
            TagState::At(digest) | TagState::Entombed { original: digest, .. } => {
                Some((digest, self.own(tag, digest).at()))
            }
            _ => None,
        })
    }
}

impl fmt::Display for PushDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unread => "only the storage tells when it was pushed; give --storage or --inventory",
            Self::Newer => "it was pushed after the storage was read",
            Self::Broken => "its link in the storage is empty or no digest",
            Self::Ancient => "its push time in the storage is before 1990",
            Self::Future => "its push time in the storage lies in the future",
            Self::Restamped => {
                "most push times here are from within one minute, as after a restore or a copy that kept no times \
                 (AgesRestamped)"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Server, StoredLink};
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The push of `tag` in this `state`, where the storage shows these.
    fn pushed(state: &TagState, stored: Option<StoredTag>, revision: Option<(&str, bool)>) -> Pushed {
        let tag: Tag = "v1".parse().unwrap();
        let link = revision.map(|(pushed, is_sound)| StoredLink { pushed: at(pushed), is_sound });
        let stored = StoredRepository {
            tags: stored.map(|stored| (tag.clone(), stored)).into_iter().collect(),
            revisions: link.map(|link| (Digest::of(b"a"), link)).into_iter().collect(),
            uploads: Vec::new(),
        };
        let name: RepositoryName = "app".parse().unwrap();
        let repositories = [(name.clone(), stored)].into();
        let inventory = Inventory::of_api(Server::UNKNOWN, BTreeMap::new());
        let times =
            PushTimes { repositories: Some(&repositories), ..PushTimes::new(&inventory, at("2026-11-22T00:00:00Z")) };
        times.of(&name, &Repository::default()).tag(&tag, state)
    }

    #[test]
    fn what_is_not_there_or_cannot_be_believed_is_unknown() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let stored = |digest: &Digest, pushed: &str| Some(StoredTag::At { digest: digest.clone(), pushed: at(pushed) });
        let (old, older) = ("2026-01-01T00:00:00Z", "2025-01-01T00:00:00Z");
        let listed = TagState::At(a.clone());
        let entombed = TagState::Entombed { tombstone: b.clone(), original: a.clone() };
        let removed = TagState::Removed(a.clone());
        let unknown = Pushed::Unknown;
        let table = [
            (&listed, stored(&a, old), None, Pushed::At(at(old))),
            (&listed, stored(&b, old), Some((older, true)), unknown(PushDoubt::Newer)),
            (&listed, None, Some((older, true)), unknown(PushDoubt::Newer)),
            (&listed, Some(StoredTag::Broken), Some((older, true)), unknown(PushDoubt::Broken)),
            (&listed, stored(&a, "1989-12-31T23:59:59Z"), None, unknown(PushDoubt::Ancient)),
            (&listed, stored(&a, "2026-11-22T00:00:01Z"), None, unknown(PushDoubt::Future)),
            (&listed, stored(&a, "2026-11-22T00:00:00Z"), None, Pushed::At(at("2026-11-22T00:00:00Z"))),
            (&removed, stored(&a, older), Some((old, true)), Pushed::At(at(older))),
            (&removed, None, Some((old, true)), Pushed::At(at(old))),
            (&removed, None, Some((old, false)), unknown(PushDoubt::Broken)),
            (&removed, None, None, unknown(PushDoubt::Newer)),
            (&entombed, stored(&a, older), Some((old, true)), Pushed::At(at(older))),
            (&entombed, stored(&b, older), Some((old, true)), Pushed::At(at(old))),
            (&entombed, stored(&b, older), None, unknown(PushDoubt::Newer)),
        ];
        for (state, stored, revision, expected) in table {
            assert_eq!(pushed(state, stored.clone(), revision), expected, "{state:?} {stored:?} {revision:?}");
        }
    }
}
