//! How much space things take, as far as manifests tell: blobs are shared, so each counts once.

use std::collections::{BTreeMap, HashSet};

use super::inventory::{ManifestState, Repository};
use super::plan::Deletion;
use crate::oci::{Digest, Manifest};

/// The bytes of everything that `digest` needs, each blob once.
pub(super) fn size_of(repository: &Repository, digest: &Digest) -> u64 {
    let mut sizes: BTreeMap<&Digest, u64> = BTreeMap::new();
    for reached in repository.reach([digest]) {
        if let Some(manifest) = repository.manifest(reached) {
            sizes.extend(contents(reached, manifest));
        }
    }
    sizes.values().sum()
}

/// A manifest and its blobs, with their sizes in bytes.
fn contents<'a>(digest: &'a Digest, manifest: &'a Manifest) -> impl Iterator<Item = (&'a Digest, u64)> {
    std::iter::once((digest, manifest.size)).chain(manifest.blobs().map(|blob| (&blob.digest, blob.size)))
}

/// What a collection would free, over all repositories: a blob is free only when no manifest that stays has it.
pub(super) struct Space<'a> {
    taken: HashSet<&'a Digest>,
}

impl<'a> Space<'a> {
    /// `repositories`: each with what is deleted there.
    pub(super) fn new<'d>(repositories: impl Iterator<Item = (&'a Repository, &'d [Deletion])>) -> Self {
        let mut taken = HashSet::new();
        for (repository, deletions) in repositories {
            let deleted: HashSet<&Digest> = deletions.iter().map(|deletion| &deletion.digest).collect();
            let stays = repository.read().filter(|(digest, _)| !deleted.contains(digest));
            taken.extend(stays.flat_map(|(digest, manifest)| contents(digest, manifest)).map(|(digest, _)| digest));
        }
        Self { taken }
    }

    /// The bytes that are freed by `deletions` in `repository` and were not counted before.
    pub(super) fn freed(&mut self, repository: &'a Repository, deletions: &[Deletion]) -> u64 {
        let mut bytes = 0;
        for deletion in deletions {
            let Some((digest, ManifestState::Read(manifest))) = repository.manifests.get_key_value(&deletion.digest)
            else {
                continue;
            };
            for (digest, size) in contents(digest, manifest) {
                if self.taken.insert(digest) {
                    bytes += size;
                }
            }
        }
        bytes
    }
}
