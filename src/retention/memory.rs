use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::approval::Cause;
use super::inventory::{Inventory, Listing, Repository};
use super::policy::Policy;
use super::wants::reaches;
use crate::oci::{Digest, Manifest, RepositoryName, Tag};

/// An inventory may show this much less than the last one left, in percent, before a person is asked.
const SHRINKAGE_PERCENT: usize = 20;

/// The most manifests that are remembered: some 100 MB.
const MANIFESTS: usize = 100_000;

/// What is remembered of a registry between passes: since when each tag is known at its digest, and what configs and
/// manifests say, which never changes. Its size is bounded by the registry's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Memory {
    seen: BTreeMap<RepositoryName, BTreeMap<Tag, Seen>>,
    configs: BTreeMap<Digest, Option<String>>,
    /// Only where the storage is read, which shows that they are there still; and not stored, for they are many.
    #[serde(skip)]
    manifests: BTreeMap<Digest, Manifest>,
}

/// A tag at a digest, since it was first seen there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    digest: Digest,
    since: Timestamp,
}

impl Memory {
    /// Since when `tag` is known at `digest`; every move starts anew.
    pub fn first_seen(&self, repository: &RepositoryName, tag: &Tag, digest: &Digest) -> Option<Timestamp> {
        self.seen.get(repository)?.get(tag).filter(|seen| seen.digest == *digest).map(|seen| seen.since)
    }

    /// The `created` text of a config that was read before.
    pub fn config(&self, digest: &Digest) -> Option<&Option<String>> {
        self.configs.get(digest)
    }

    /// A manifest that was read before. Whether it is still there, it does not say.
    pub fn manifest(&self, digest: &Digest) -> Option<&Manifest> {
        self.manifests.get(digest)
    }

    /// The tags that were there when a pass last looked and are not listed now. A list that hides them would make
    /// deleting by digest unsafe, so each of them is asked for.
    pub fn unlisted<'a>(
        &'a self,
        repository: &RepositoryName,
        listed: &'a BTreeSet<Tag>,
    ) -> impl Iterator<Item = &'a Tag> {
        self.seen.get(repository).into_iter().flat_map(BTreeMap::keys).filter(|tag| !listed.contains(*tag))
    }

    /// Why a person must be asked, if `listing` shows far less than the last inventory left: someone else deletes, or
    /// the registry lost its storage. What this operator removed itself, `ours`, does not count.
    pub fn shrinkage(
        &self,
        policies: &[Policy],
        listing: &Listing,
        ours: &BTreeSet<(RepositoryName, Tag)>,
    ) -> Vec<Cause> {
        let expected = self.seen.iter().filter(|(name, _)| reaches(policies, name)).map(|(name, tags)| {
            let left = tags.keys().filter(|tag| !ours.contains(&(name.clone(), (*tag).clone()))).count();
            (name, left)
        });
        let expected: BTreeMap<&RepositoryName, usize> = expected.filter(|(_, left)| *left > 0).collect();
        let now = |name: &RepositoryName| listing.get(name).map_or(0, BTreeSet::len);
        let tags = (expected.values().sum(), listing.values().map(BTreeSet::len).sum());
        let repositories = (expected.len(), listing.keys().filter(|name| now(name) > 0).count());
        let shrunk = |(before, now): (usize, usize)| now * 100 < before * (100 - SHRINKAGE_PERCENT);
        let mut causes = Vec::new();
        if shrunk(tags) {
            causes.push(Cause::FewerTags { before: tags.0, now: tags.1 });
        }
        if shrunk(repositories) {
            causes.push(Cause::FewerRepositories { before: repositories.0, now: repositories.1 });
        }
        causes
    }

    /// Takes over what a pass saw, as the new baseline if all that is missing was `expected`. What is gone of `ours` is
    /// not missing, whatever becomes of the record of the runs that took it away.
    pub fn remember(
        &mut self,
        policies: &[Policy],
        inventory: &Inventory,
        ours: &BTreeSet<(RepositoryName, Tag)>,
        expected: bool,
        now: Timestamp,
    ) {
        let listing = inventory.listing();
        for (name, tag) in ours.iter().filter(|(name, tag)| !listing.get(name).is_some_and(|tags| tags.contains(tag))) {
            self.forget(name, tag);
        }
        if expected {
            self.learn(inventory, now);
            self.forget_gone(policies, inventory);
        } else {
            self.learn_additions(inventory, now);
        }
    }

    /// Takes over the manifests that `inventory` has read beside the storage, for whoever goes on in this process.
    pub fn remember_manifests(&mut self, inventory: &Inventory) {
        let read = inventory.repositories.values().filter(|_| inventory.store.is_some()).flat_map(Repository::read);
        let distinct: BTreeMap<&Digest, &Manifest> = read.collect();
        self.manifests =
            distinct.into_iter().take(MANIFESTS).map(|(digest, it)| (digest.clone(), it.clone())).collect();
    }

    /// Takes over what `inventory` shows: it is the new baseline. What the rules no longer reach stays as it was.
    pub fn learn(&mut self, inventory: &Inventory, now: Timestamp) {
        let before = self.seen.clone();
        self.seen.retain(|name, _| !inventory.repositories.contains_key(name));
        self.add(&before, inventory, now);
    }

    /// Takes over what is new in `inventory`, and goes on expecting what is missing from it.
    fn learn_additions(&mut self, inventory: &Inventory, now: Timestamp) {
        let before = self.seen.clone();
        self.add(&before, inventory, now);
    }

    fn add(&mut self, before: &BTreeMap<RepositoryName, BTreeMap<Tag, Seen>>, inventory: &Inventory, now: Timestamp) {
        for (name, repository) in &inventory.repositories {
            if repository.unreadable.is_none() {
                let tags = repository.tags.iter().filter(|(_, state)| !matches!(state, super::TagState::Removed(_)));
                let seen = tags.filter_map(|(tag, state)| {
                    let digest = state.digest()?.clone();
                    let seen = before.get(name).and_then(|seen| seen.get(tag)).filter(|seen| seen.digest == digest);
                    let since = seen.map_or(now, |seen| seen.since);
                    Some((tag.clone(), Seen { digest, since }))
                });
                self.seen.entry(name.clone()).or_default().extend(seen);
            } else if let Some(seen) = before.get(name) {
                self.seen.insert(name.clone(), seen.clone());
            }
            self.configs.extend(repository.configs.iter().map(|(digest, created)| (digest.clone(), created.clone())));
        }
    }

    /// Forgets repositories that are gone, and configs that no manifest of `inventory` names, so that memory does not
    /// outgrow the registry. `listing` is complete for what the rules reach.
    fn forget_gone(&mut self, policies: &[Policy], inventory: &Inventory) {
        self.seen.retain(|name, _| !reaches(policies, name) || inventory.repositories.contains_key(name));
        let named: BTreeSet<&Digest> = inventory
            .repositories
            .values()
            .flat_map(Repository::read)
            .flat_map(|(_, manifest)| manifest.blobs().map(|blob| &blob.digest))
            .collect();
        self.configs.retain(|digest, _| named.contains(digest));
    }

    /// Forgets a tag that this operator removed.
    pub fn forget(&mut self, repository: &RepositoryName, tag: &Tag) {
        if let Some(tags) = self.seen.get_mut(repository) {
            tags.remove(tag);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Deletes, Generation, Server, TagState};
    use super::*;

    fn inventory(tags: &[(&str, &str)]) -> Inventory {
        let tags =
            tags.iter().map(|(tag, content)| (tag.parse().unwrap(), TagState::At(Digest::of(content.as_bytes()))));
        let repository = Repository { tags: tags.collect(), ..Repository::default() };
        let server = Server { generation: Generation::V2, deletes: Deletes::DigestsOnly };
        Inventory::of_api(server, [("app".parse().unwrap(), repository)].into())
    }

    #[test]
    fn a_move_makes_a_tag_young_again() {
        let (app, tag): (RepositoryName, Tag) = ("app".parse().unwrap(), "v1".parse().unwrap());
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut memory = Memory::default();
        memory.learn(&inventory(&[("v1", "a")]), at(1));
        memory.learn(&inventory(&[("v1", "a")]), at(2));
        assert_eq!(memory.first_seen(&app, &tag, &Digest::of(b"a")), Some(at(1)));
        memory.learn(&inventory(&[("v1", "b")]), at(3));
        assert_eq!(memory.first_seen(&app, &tag, &Digest::of(b"b")), Some(at(3)));
        assert_eq!(memory.first_seen(&app, &tag, &Digest::of(b"a")), None);
        memory.learn(&inventory(&[("v1", "a")]), at(4));
        assert_eq!(memory.first_seen(&app, &tag, &Digest::of(b"a")), Some(at(4)));
    }

    #[test]
    fn memory_survives_being_written() {
        let mut memory = Memory::default();
        memory.learn(&inventory(&[("v1", "a")]), Timestamp::UNIX_EPOCH);
        let written = serde_json::to_string(&memory).unwrap();
        assert_eq!(serde_json::from_str::<Memory>(&written).unwrap(), memory);
    }
}
