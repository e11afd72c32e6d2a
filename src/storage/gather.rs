use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Entry;
use crate::oci::{Digest, RepositoryName};
use crate::retention::{Capacity, Oddities, OpenUpload, Store, StoredLink, StoredRepository, StoredTag};

/// How many oddities are told of, out of however many there are.
pub(super) const EXAMPLES: usize = 20;

/// What is known of a reading only at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// When it ended.
    pub ended: Timestamp,
    /// Of the filesystem, where the store is on one.
    pub capacity: Option<Capacity>,
    /// What does not belong where it lies.
    pub oddities: Oddities,
}

/// How many entries of each kind there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Repositories that have anything.
    pub repositories: u64,
    /// Tags, the broken ones too.
    pub tags: u64,
    /// Links to manifests.
    pub revisions: u64,
    /// Uploads that did not end, or parts of them.
    pub uploads: u64,
    /// Blobs.
    pub blobs: u64,
    /// What the blobs take, in bytes.
    pub bytes: u64,
}

impl Tally {
    /// Counts one more.
    pub fn count(&mut self, entry: &Entry) {
        match entry {
            Entry::Repository(_) => self.repositories += 1,
            Entry::Tag(..) => self.tags += 1,
            Entry::Revision(..) => self.revisions += 1,
            Entry::Upload(..) => self.uploads += 1,
            Entry::Blob(_, bytes) => {
                self.blobs += 1;
                self.bytes = self.bytes.saturating_add(*bytes);
            }
        }
    }
}

/// Makes a [`Store`] of entries, whatever their order.
#[derive(Debug)]
pub(super) struct Gatherer {
    began: Timestamp,
    repositories: BTreeMap<RepositoryName, StoredRepository>,
    blobs: BTreeMap<Digest, u64>,
}

impl Gatherer {
    /// For a reading that began then.
    pub(super) fn new(began: Timestamp) -> Self {
        Self { began, repositories: BTreeMap::new(), blobs: BTreeMap::new() }
    }

    /// Takes one more. Of what comes twice, since it changed meanwhile, the later and the larger counts.
    pub(super) fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Repository(name) => drop(self.repository(name)),
            Entry::Tag(name, tag, stored) => {
                let tags = &mut self.repository(name).tags;
                if tags.get(&tag).is_none_or(|known| pushed(known) <= pushed(&stored)) {
                    tags.insert(tag, stored);
                }
            }
            Entry::Revision(name, digest, link) => {
                let revisions = &mut self.repository(name).revisions;
                if revisions.get(&digest).is_none_or(|known: &StoredLink| known.pushed <= link.pushed) {
                    revisions.insert(digest, link);
                }
            }
            Entry::Upload(name, part) => {
                let uploads = &mut self.repository(name).uploads;
                match uploads.iter_mut().find(|upload: &&mut OpenUpload| upload.id == part.id) {
                    Some(upload) => {
                        upload.active = upload.active.max(part.active);
                        upload.bytes = upload.bytes.saturating_add(part.bytes);
                    }
                    None => uploads.push(part),
                }
            }
            Entry::Blob(digest, bytes) => {
                let known = self.blobs.entry(digest).or_default();
                *known = bytes.max(*known);
            }
        }
    }

    fn repository(&mut self, name: RepositoryName) -> &mut StoredRepository {
        self.repositories.entry(name).or_default()
    }

    /// The store.
    pub(super) fn end(mut self, ending: Ending) -> Store {
        for repository in self.repositories.values_mut() {
            repository.uploads.sort_by(|one, other| one.id.cmp(&other.id));
        }
        let Ending { ended, capacity, mut oddities } = ending;
        oddities.examples.sort();
        Store { began: self.began, ended, repositories: self.repositories, blobs: self.blobs, capacity, oddities }
    }
}

/// When a tag was pushed; a broken one counts as older than any other.
fn pushed(tag: &StoredTag) -> Option<Timestamp> {
    match tag {
        StoredTag::At { pushed, .. } => Some(*pushed),
        StoredTag::Broken => None,
    }
}

/// Notes what does not belong where it lies.
pub(super) fn note(oddities: &mut Oddities, example: impl FnOnce() -> String) {
    oddities.count += 1;
    if oddities.examples.len() < EXAMPLES {
        oddities.examples.push(example());
    }
}

/// Adds what somebody else noted.
pub(super) fn join(oddities: &mut Oddities, more: Oddities) {
    oddities.count += more.count;
    let room = EXAMPLES.saturating_sub(oddities.examples.len());
    oddities.examples.extend(more.examples.into_iter().take(room));
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::samples;
    use super::*;

    #[test]
    fn the_order_of_entries_changes_nothing() {
        let ending = Ending { ended: Timestamp::UNIX_EPOCH, capacity: None, oddities: Oddities::default() };
        let gather = |entries: Vec<Entry>| {
            let mut gatherer = Gatherer::new(Timestamp::UNIX_EPOCH);
            for entry in entries {
                gatherer.add(entry);
            }
            gatherer.end(ending.clone())
        };
        let mut entries = samples();
        // A tag that has only its history on the one page of a list, and its link on the next.
        let Entry::Tag(name, tag, _) = entries[1].clone() else { panic!("a tag") };
        entries.push(Entry::Tag(name, tag.clone(), StoredTag::Broken));
        let store = gather(entries.clone());
        entries.reverse();
        assert_eq!(gather(entries), store);
        let repository = &store.repositories.values().next().unwrap();
        assert!(matches!(repository.tags[&tag], StoredTag::At { .. }));
        assert_eq!((repository.tags.len(), repository.revisions.len(), repository.uploads.len()), (2, 2, 1));
    }

    #[test]
    fn the_parts_of_an_upload_are_one_upload() {
        let mut gatherer = Gatherer::new(Timestamp::UNIX_EPOCH);
        for (second, bytes) in [(5, 20), (9, 0), (7, 100)] {
            let active = Timestamp::from_second(second).unwrap();
            let part = OpenUpload { id: "1".into(), active, bytes };
            gatherer.add(Entry::Upload("a".parse().unwrap(), part));
        }
        let ending = Ending { ended: Timestamp::UNIX_EPOCH, capacity: None, oddities: Oddities::default() };
        let store = gatherer.end(ending);
        let active = Timestamp::from_second(9).unwrap();
        let whole = OpenUpload { id: "1".into(), active, bytes: 120 };
        assert_eq!(store.repositories.values().next().unwrap().uploads, [whole]);
    }
}
