//! The push times that a store tells of a registry, and of one repository of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::inventory::{Inventory, Repository, TagState};
use super::pushed::{PushDoubt, Pushed};
use super::restamped::is_restamped;
use super::store::{StoredRepository, StoredTag};
use crate::oci::{Digest, RepositoryName, Tag};

/// What the storage shows of a repository of which it has nothing.
static NOTHING: StoredRepository =
    StoredRepository { tags: BTreeMap::new(), revisions: BTreeMap::new(), uploads: Vec::new() };

/// What the storage tells of push times, in a whole registry.
pub(super) struct PushTimes<'a> {
    repositories: Option<&'a BTreeMap<RepositoryName, StoredRepository>>,
    now: Timestamp,
    tags_restamped: bool,
    revisions_restamped: bool,
}

/// The same, in one repository.
pub(super) struct RepositoryPushes<'a> {
    /// `None`: nobody read the storage.
    stored: Option<&'a StoredRepository>,
    now: Timestamp,
    tags_restamped: bool,
    revisions_restamped: bool,
}

impl<'a> PushTimes<'a> {
    pub(super) fn new(inventory: &'a Inventory, now: Timestamp) -> Self {
        let repositories = inventory.store.as_deref().map(|store| &store.repositories);
        let all = Self { repositories, now, tags_restamped: false, revisions_restamped: false };
        if repositories.is_none() {
            return all;
        }
        let each: Vec<(&Repository, RepositoryPushes<'a>)> =
            inventory.repositories.iter().map(|(name, repository)| (repository, all.plain(name))).collect();
        let tags_restamped = is_restamped(each.iter().flat_map(|(repository, pushes)| pushes.tag_links(repository)));
        let revisions_restamped =
            is_restamped(each.iter().flat_map(|(repository, pushes)| pushes.revision_links(repository)));
        Self { tags_restamped, revisions_restamped, ..all }
    }

    pub(super) fn of(&self, name: &RepositoryName, repository: &Repository) -> RepositoryPushes<'a> {
        let plain = self.plain(name);
        if plain.stored.is_none() {
            return plain;
        }
        RepositoryPushes {
            tags_restamped: self.tags_restamped || is_restamped(plain.tag_links(repository)),
            revisions_restamped: self.revisions_restamped || is_restamped(plain.revision_links(repository)),
            ..plain
        }
    }

    fn plain(&self, name: &RepositoryName) -> RepositoryPushes<'a> {
        let stored = self.repositories.map(|repositories| repositories.get(name).unwrap_or(&NOTHING));
        RepositoryPushes { stored, now: self.now, tags_restamped: false, revisions_restamped: false }
    }
}

impl<'a> RepositoryPushes<'a> {
    /// What the storage shows of the repository, if somebody read it.
    pub(super) fn stored(&self) -> Option<&'a StoredRepository> {
        self.stored
    }

    /// When the manifest was pushed last, under whatever name.
    pub(super) fn revision(&self, digest: &Digest) -> Pushed {
        self.link(digest).unless(self.revisions_restamped)
    }

    /// Whether the manifest was pushed within `within`, or may have been: a link that is not there was written since.
    pub(super) fn may_be_of_late(&self, digest: &Digest, within: SignedDuration) -> bool {
        match self.link(digest) {
            Pushed::At(at) => self.now.duration_since(at) < within,
            Pushed::Unknown(doubt) => doubt != PushDoubt::Ancient,
        }
    }

    /// Whether the storage links the manifest, and the registry follows that link.
    pub(super) fn is_linked(&self, digest: &Digest) -> bool {
        self.stored.and_then(|stored| stored.revisions.get(digest)).is_some_and(|link| link.is_sound)
    }

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

    /// Which manifests there are does not depend on the storage either.
    fn revision_links<'r>(&self, repository: &'r Repository) -> impl Iterator<Item = (&'r Digest, Option<Timestamp>)> {
        repository.read().map(|(digest, _)| (digest, self.link(digest).at()))
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
