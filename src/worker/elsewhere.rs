//! What repositories need that no rule reaches: a blob that they share is not set free.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};

use super::CONCURRENCY;
use super::observe::Observer;
use super::observed::parsed;
use crate::oci::{Digest, RepositoryName};
use crate::registry::Reference;
use crate::retention::{Elsewhere, ManifestState, Repository, Store, marks};

impl Observer<'_> {
    /// Reads each manifest once that `store` links beyond `reached`. One that cannot be read, for want of a right or
    /// whatever else, leaves its repositories unread: only figures depend on them.
    pub(super) async fn elsewhere(&self, store: &Store, reached: &BTreeMap<RepositoryName, Repository>) -> Elsewhere {
        let mut elsewhere = Elsewhere::default();
        let mut linked_by: BTreeMap<Digest, Vec<RepositoryName>> = BTreeMap::new();
        for (name, stored) in store.repositories.iter().filter(|(name, _)| !reached.contains_key(*name)) {
            elsewhere.repositories.insert(name.clone());
            for (digest, _) in stored.revisions.iter().filter(|(_, link)| link.is_sound) {
                linked_by.entry(digest.clone()).or_default().push(name.clone());
            }
        }
        for repository in reached.values() {
            for (digest, manifest) in repository.read() {
                if linked_by.remove(digest).is_some() {
                    elsewhere.marked.extend(marks(digest, manifest).cloned());
                }
            }
        }
        let mut answers = stream::iter(linked_by)
            .map(|(digest, names)| async move {
                let state = self.anywhere(&digest, &names).await;
                (digest, names, state)
            })
            .buffer_unordered(CONCURRENCY);
        while let Some((digest, names, state)) = answers.next().await {
            self.progress.read();
            match state {
                ManifestState::Read(manifest) => elsewhere.marked.extend(marks(&digest, &manifest).cloned()),
                ManifestState::Missing => {}
                ManifestState::Unreadable(_) => {
                    elsewhere.repositories.retain(|name| !names.contains(name));
                }
            }
        }
        drop(answers);
        elsewhere
    }

    /// The manifest, from the first repository that has it; what is named by its digest is the same in all.
    async fn anywhere(&self, digest: &Digest, names: &[RepositoryName]) -> ManifestState {
        let mut found = ManifestState::Missing;
        for name in names {
            match self.client.manifest(name, Reference::Digest(digest)).await {
                Ok(Some(fetched)) => return parsed(&fetched),
                Ok(None) => {}
                Err(error) => found = ManifestState::Unreadable(error.to_string()),
            }
        }
        found
    }
}
