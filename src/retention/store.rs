use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::inventory::Listing;
use crate::oci::{Digest, RepositoryName, Tag};

/// What the storage of a registry showed to somebody who read it beside the registry: what no API tells.
///
/// Reading takes a while, and the registry goes on meanwhile. Whatever has a time after [`began`](Self::began) may be seen
/// or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// When the reading began, by the clock of who read.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Every repository that has anything, also one without tags.
    pub repositories: BTreeMap<RepositoryName, StoredRepository>,
    /// The size of every blob, in bytes: layers, configs and manifests.
    pub blobs: BTreeMap<Digest, u64>,
    /// Of the filesystem, where the store is on one.
    pub capacity: Option<Capacity>,
    /// What does not belong to Distribution's layout, or could not be read.
    pub oddities: Oddities,
}

impl Store {
    /// One in which nothing is stored yet.
    pub fn empty(at: Timestamp) -> Self {
        Self {
            began: at,
            ended: at,
            repositories: BTreeMap::new(),
            blobs: BTreeMap::new(),
            capacity: None,
            oddities: Oddities::default(),
        }
    }

    /// Whether this can be the storage of a registry that lists these tags: where none of them is stored here, it is
    /// another one's.
    pub fn may_be_of(&self, listing: &Listing) -> bool {
        listing.values().all(BTreeSet::is_empty) || self.has_any_of(listing)
    }

    fn has_any_of(&self, listing: &Listing) -> bool {
        listing.iter().any(|(name, tags)| {
            let stored = self.repositories.get(name);
            stored.is_some_and(|stored| tags.iter().any(|tag| stored.tags.contains_key(tag)))
        })
    }
}

/// What the storage shows of one repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredRepository {
    /// Every tag, also such as the API does not list.
    pub tags: BTreeMap<Tag, StoredTag>,
    /// Every manifest that the repository links, tagged or not.
    pub revisions: BTreeMap<Digest, StoredLink>,
    /// Uploads that began and did not end.
    pub uploads: Vec<OpenUpload>,
}

/// A tag as it is stored, `_manifests/tags/<tag>/current/link`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredTag {
    /// It links this manifest.
    At {
        /// The manifest.
        digest: Digest,
        /// When the link was written: the last push of this tag, even if nothing changed by it.
        pushed: Timestamp,
    },
    /// Its link is missing, empty or no digest.
    Broken,
}

/// A link to a manifest, `_manifests/revisions/<algorithm>/<hex>/link`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredLink {
    /// When it was written: the last push of that manifest, under whatever tag.
    pub pushed: Timestamp,
    /// Whether it has any content. An empty one is what a full disk leaves; the registry answers as if it were not there.
    pub is_sound: bool,
}

/// An upload that began and did not end, `_uploads/<id>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenUpload {
    /// Its name.
    pub id: String,
    /// When anything in it was written last.
    pub active: Timestamp,
    /// What it takes, in bytes.
    pub bytes: u64,
}

/// How much a filesystem holds, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// In all.
    pub total: u64,
    /// What the registry may still write.
    pub free: u64,
}

/// What does not belong where it lies, or could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// How many there are.
    pub count: usize,
    /// Some of them: the path, and what is wrong with it.
    pub examples: Vec<String>,
}
