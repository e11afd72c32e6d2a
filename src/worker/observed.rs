use std::collections::{BTreeMap, BTreeSet};

use super::error::{WorkError, is_of_content};
use crate::oci::{Digest, Manifest, Tag};
use crate::pruning::SavedManifest;
use crate::registry::{Fetched, RegistryError};
use crate::retention::{ManifestState, Repository, TagState};

/// A repository as it was read, with the bytes of those manifests that may have to be put back.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// What deciding sees.
    pub repository: Repository,
    /// By digest; only such as were asked for.
    pub saved: BTreeMap<Digest, SavedManifest>,
}

impl Observed {
    /// What `tag` pointed at, and what that was.
    pub(super) fn known_at(&self, tag: &Tag) -> Option<(&Digest, &Manifest)> {
        match self.repository.tags.get(tag)? {
            TagState::At(digest) => Some((digest, self.repository.manifest(digest)?)),
            _ => None,
        }
    }

    /// Takes in what a tag answered. `deleted`: what a run of ours may have deleted from under it.
    pub(super) fn put_tag(
        &mut self,
        tag: Tag,
        answer: Result<Option<Fetched>, RegistryError>,
        deleted: Option<Digest>,
        save: &BTreeSet<Digest>,
    ) -> Result<(), WorkError> {
        let fetched = match answer {
            Ok(Some(fetched)) => fetched,
            Ok(None) => {
                self.repository.tags.insert(tag, TagState::Dangling { deleted });
                return Ok(());
            }
            Err(error) if is_of_content(&error) => {
                self.repository.tags.insert(tag, TagState::Unreadable(error.to_string()));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        self.save(&fetched, save);
        match parsed(&fetched) {
            ManifestState::Read(manifest) => self.put_manifest(tag, fetched.digest, manifest),
            state => {
                self.repository.tags.insert(tag, TagState::At(fetched.digest.clone()));
                self.repository.manifests.insert(fetched.digest, state);
            }
        }
        Ok(())
    }

    pub(super) fn put_manifest(&mut self, tag: Tag, digest: Digest, manifest: Manifest) {
        let state = match &manifest.tombstone {
            Some(tombstone) if tombstone.tag == tag => {
                TagState::Entombed { tombstone: digest.clone(), original: tombstone.original.clone() }
            }
            _ => TagState::At(digest.clone()),
        };
        self.repository.tags.insert(tag, state);
        self.repository.manifests.insert(digest, ManifestState::Read(manifest));
    }

    pub(super) fn save(&mut self, fetched: &Fetched, wanted: &BTreeSet<Digest>) {
        if wanted.contains(&fetched.digest) {
            self.saved.insert(fetched.digest.clone(), saved(fetched));
        }
    }
}

pub(super) fn saved(fetched: &Fetched) -> SavedManifest {
    SavedManifest { media_type: fetched.content_type.clone(), bytes: fetched.body.to_vec() }
}

pub(super) fn parsed(fetched: &Fetched) -> ManifestState {
    match Manifest::parse(&fetched.content_type, &fetched.body) {
        Ok(manifest) => ManifestState::Read(manifest),
        Err(why) => ManifestState::Unreadable(why.to_string()),
    }
}
