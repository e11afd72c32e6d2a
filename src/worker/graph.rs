//! What manifests name is read: children at any depth, what the storage links, and configs.

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt, TryStreamExt};

use super::CONCURRENCY;
use super::error::{WorkError, is_of_content};
use super::observe::Observer;
use super::observed::{Observed, parsed};
use crate::oci::{Content, Digest, MAX_MANIFEST_BYTES, Manifest, RepositoryName, Tag, created_of_config};
use crate::registry::{Fetched, Reference};
use crate::retention::{ManifestState, Repository};

impl Observer<'_> {
    /// Reads whatever the manifests that are known name, and what that names, until nothing new comes up.
    pub(super) async fn read_children(
        &self,
        name: &RepositoryName,
        observed: &mut Observed,
        save: &BTreeSet<Digest>,
    ) -> Result<(), WorkError> {
        loop {
            let repository = &mut observed.repository;
            let named: BTreeSet<Digest> = repository
                .read()
                .flat_map(|(_, manifest)| manifest.children())
                .filter(|child| !repository.manifests.contains_key(*child))
                .cloned()
                .collect();
            if named.is_empty() {
                let Repository { deleted, manifests, .. } = repository;
                deleted.retain(|digest| !matches!(manifests.get(digest), Some(ManifestState::Read(_))));
                return Ok(());
            }
            self.read_manifests(name, named, observed, save).await?;
        }
    }

    /// Reads these by their digests; the bytes of those in `save` are kept.
    pub(super) async fn read_manifests(
        &self,
        name: &RepositoryName,
        digests: impl IntoIterator<Item = Digest>,
        observed: &mut Observed,
        save: &BTreeSet<Digest>,
    ) -> Result<(), WorkError> {
        let states: Vec<(Digest, ManifestState, Option<Fetched>)> = stream::iter(digests)
            .map(|digest| async move {
                let (state, fetched) = match self.client.manifest(name, Reference::Digest(&digest)).await {
                    Ok(Some(fetched)) => (parsed(&fetched), Some(fetched).filter(|_| save.contains(&digest))),
                    Ok(None) => (ManifestState::Missing, None),
                    Err(error) if is_of_content(&error) => (ManifestState::Unreadable(error.to_string()), None),
                    Err(error) => return Err(WorkError::from(error)),
                };
                self.progress.read();
                Ok((digest, state, fetched))
            })
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await?;
        for (digest, state, fetched) in states {
            if let Some(fetched) = fetched {
                observed.save(&fetched, save);
            }
            observed.repository.manifests.insert(digest, state);
        }
        Ok(())
    }

    /// Everything that the storage links in the repository, with what that needs and what it refers to: only so can it be
    /// told what stays. What `before` has read need not be read again, for it never changes.
    pub(super) async fn read_revisions(
        &self,
        name: &RepositoryName,
        before: Option<&Observed>,
        observed: &mut Observed,
        save: &BTreeSet<Digest>,
    ) -> Result<(), WorkError> {
        let Some(store) = self.store else { return Ok(()) };
        let stored = store.repositories.get(name);
        let linked = stored.into_iter().flat_map(|stored| &stored.revisions).filter(|(_, link)| link.is_sound);
        let repository = &mut observed.repository;
        let mut unknown: BTreeSet<Digest> = linked.map(|(digest, _)| digest.clone()).collect();
        unknown.retain(|digest| !repository.knows(digest));
        if let Some(before) = before {
            let known = unknown.iter().filter_map(|digest| before.repository.manifests.get_key_value(digest));
            repository.manifests.extend(known.map(|(digest, state)| (digest.clone(), state.clone())));
            unknown.retain(|digest| !before.repository.manifests.contains_key(digest));
        }
        self.read_manifests(name, unknown, observed, save).await?;
        self.read_children(name, observed, save).await?;
        let repository = &observed.repository;
        let subjects = repository.read().filter_map(|(_, manifest)| manifest.subject.as_ref());
        let subjects: BTreeSet<Digest> = subjects.filter(|subject| !repository.knows(subject)).cloned().collect();
        self.read_manifests(name, subjects, observed, save).await?;
        self.read_children(name, observed, save).await
    }

    /// What the manifests had as children that a run of ours deleted, as far as their bytes are on record.
    pub(super) fn add_orphans(&self, name: &RepositoryName, observed: &mut Observed) {
        let saved = |digest: &Digest| observed.saved.get(digest).or_else(|| self.open.saved(name, digest));
        let deleted = observed.repository.deleted.iter().filter_map(saved);
        let manifests = deleted.filter_map(|saved| Manifest::parse(&saved.media_type, &saved.bytes).ok());
        let orphans: Vec<Digest> = manifests.flat_map(|it| it.children().cloned().collect::<Vec<_>>()).collect();
        observed.repository.orphans.extend(orphans);
    }

    /// The configs by which the age of `tags` is told, as far as they are not remembered. One that cannot be read tells
    /// nothing, and is asked for again next time.
    pub(super) async fn read_configs(
        &self,
        name: &RepositoryName,
        tags: &BTreeSet<Tag>,
        repository: &mut Repository,
    ) -> Result<(), WorkError> {
        let mut wanted: BTreeSet<Digest> = BTreeSet::new();
        for digest in tags.iter().filter_map(|tag| repository.tags.get(tag)?.digest()) {
            for manifest in repository.reach([digest]).into_iter().filter_map(|reached| repository.manifest(reached)) {
                if let (None, Content::Image { config, .. }) = (&manifest.created, &manifest.content) {
                    wanted.insert(config.digest.clone());
                }
            }
        }
        let known = wanted.iter().filter_map(|digest| Some((digest.clone(), self.memory.config(digest)?.clone())));
        repository.configs.extend(known.collect::<Vec<_>>());
        wanted.retain(|digest| !repository.configs.contains_key(digest));
        let read: Vec<Option<(Digest, Option<String>)>> = stream::iter(wanted)
            .map(|digest| async move {
                let body = match self.client.blob(name, &digest, MAX_MANIFEST_BYTES).await {
                    Ok(body) => body,
                    Err(error) if is_of_content(&error) => None,
                    Err(error) => return Err(WorkError::from(error)),
                };
                self.progress.read();
                Ok(body.map(|body| (digest, created_of_config(&body))))
            })
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await?;
        repository.configs.extend(read.into_iter().flatten());
        Ok(())
    }
}
