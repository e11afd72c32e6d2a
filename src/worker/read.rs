//! One repository is read: what its tags point at, everything that needs, and the configs that tell an age.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};

use super::CONCURRENCY;
use super::error::WorkError;
use super::listing::Listed;
use super::observe::Observer;
use super::observed::{Observed, parsed};
use crate::oci::{Digest, RepositoryName, Tag};
use crate::registry::{Fetched, Reference, RegistryError, Resolved};
use crate::retention::{ManifestState, Repository, TagState, wants};

impl Observer<'_> {
    pub(super) async fn read(
        &self,
        name: &RepositoryName,
        listed: Result<Listed, String>,
        before: Option<&Observed>,
        save: &BTreeSet<Digest>,
    ) -> Result<Observed, WorkError> {
        let listed = match listed {
            Ok(listed) => listed,
            Err(why) => {
                let repository = Repository { unreadable: Some(why), ..Repository::default() };
                return Ok(Observed { repository, ..Observed::default() });
            }
        };
        // What a run of ours removed is judged as well, for its manifest is still to go.
        let removed = self.open.tags_of(name).into_keys();
        let judged = listed.tags.iter().chain(&listed.hidden).chain(removed).cloned().collect();
        let wants = wants(self.policies, name, &judged, self.store.map(|store| &**store));
        // What an earlier run began may concern tags that no rule selects, or leave none that one does.
        if !wants.manifests && self.open.digests_of(name).is_empty() {
            let tags = listed.tags.into_iter().map(|tag| (tag, TagState::Unread)).collect();
            return Ok(Observed { repository: Repository { tags, ..Repository::default() }, ..Observed::default() });
        }
        self.progress.reading(name, listed.tags.len());
        let mut observed = self.read_tags(name, listed, before, save).await?;
        if let Some(before) = before {
            observed.saved.extend(before.saved.iter().map(|(digest, saved)| (digest.clone(), saved.clone())));
            observed.repository.configs.clone_from(&before.repository.configs);
            observed.repository.deleted.clone_from(&before.repository.deleted);
            observed.repository.orphans.clone_from(&before.repository.orphans);
        }
        self.read_originals(name, &mut observed, save).await?;
        self.add_removed(name, &mut observed, save).await?;
        self.add_orphans(name, &mut observed);
        self.read_used(name, &mut observed, save).await?;
        self.read_children(name, &mut observed, save).await?;
        self.read_revisions(name, before, &mut observed, save).await?;
        self.read_configs(name, &wants.ages, &mut observed.repository).await?;
        observed.repository.first_seen = observed
            .repository
            .tags
            .iter()
            .filter_map(|(tag, state)| Some((tag.clone(), self.memory.first_seen(name, tag, state.digest()?)?)))
            .collect();
        Ok(observed)
    }

    async fn read_tags(
        &self,
        name: &RepositoryName,
        listed: Listed,
        before: Option<&Observed>,
        save: &BTreeSet<Digest>,
    ) -> Result<Observed, WorkError> {
        let taken_away = self.open.tags_of(name);
        let mut observed = Observed::default();
        let Listed { mut tags, hidden, known, remembered } = listed;
        let remembered = remembered.into_iter().map(|(digest, manifest)| (digest, ManifestState::Read(manifest)));
        observed.repository.manifests.extend(remembered);
        self.read_known(name, &known, &mut observed).await?;
        tags.retain(|tag| !observed.repository.tags.contains_key(tag));
        let mut answers = stream::iter(tags.into_iter().chain(hidden.iter().cloned()))
            .map(|tag| async move {
                let known = before.and_then(|before| before.known_at(&tag));
                let answer = match known {
                    None => self.client.manifest(name, Reference::Tag(&tag)).await,
                    Some((digest, manifest)) => match self.client.resolve(name, &tag, digest).await {
                        Ok(Resolved::Unchanged) => return (tag, Ok(Err((digest.clone(), manifest.clone())))),
                        Ok(Resolved::Moved(fetched)) => Ok(Some(fetched)),
                        Ok(Resolved::Missing) => Ok(None),
                        Err(error) => Err(error),
                    },
                };
                (tag, answer.map(Ok))
            })
            .buffer_unordered(CONCURRENCY);
        while let Some((tag, answer)) = answers.next().await {
            self.progress.read();
            match answer {
                Ok(Err((digest, manifest))) => observed.put_manifest(tag, digest, manifest),
                // It was removed since the storage was read.
                Ok(Ok(None)) if hidden.contains(&tag) => {}
                Ok(Ok(fetched)) => {
                    let deleted = taken_away.get(&tag).map(|digest| (*digest).clone());
                    observed.put_tag(tag, Ok(fetched), deleted, save)?;
                }
                Err(error) => observed.put_tag(tag, Err(error), None, save)?,
            }
        }
        drop(answers);
        Ok(observed)
    }

    /// Reads the tags that the storage tells what they are at, each manifest once and by its digest. One that is not
    /// there, or cannot be read, leaves its tags to be asked for.
    async fn read_known(
        &self,
        name: &RepositoryName,
        known: &BTreeMap<Tag, Digest>,
        observed: &mut Observed,
    ) -> Result<(), WorkError> {
        let unknown = known.values().filter(|digest| !observed.repository.manifests.contains_key(*digest));
        let unknown: BTreeSet<Digest> = unknown.cloned().collect();
        let mut read = Observed::default();
        self.read_manifests(name, unknown, &mut read, &BTreeSet::new()).await?;
        for (tag, digest) in known {
            let manifest = read.repository.manifest(digest).or_else(|| observed.repository.manifest(digest)).cloned();
            if let Some(manifest) = manifest {
                observed.put_manifest(tag.clone(), digest.clone(), manifest);
            }
        }
        Ok(())
    }

    /// What stood under a tag before one of our tombstones.
    async fn read_originals(
        &self,
        name: &RepositoryName,
        observed: &mut Observed,
        save: &BTreeSet<Digest>,
    ) -> Result<(), WorkError> {
        let tags = &observed.repository;
        let originals: Vec<Digest> = tags
            .tags
            .values()
            .filter_map(|state| match state {
                TagState::Entombed { original, .. } => Some(original.clone()),
                _ => None,
            })
            .collect();
        self.read_manifests(name, originals, observed, save).await
    }

    /// What workloads name here by digest, and no tag does: whatever it contains is in use as well.
    pub(super) async fn read_used(
        &self,
        name: &RepositoryName,
        observed: &mut Observed,
        save: &BTreeSet<Digest>,
    ) -> Result<(), WorkError> {
        let used = self.in_use.digests_of(name);
        let unknown: Vec<Digest> = used.filter(|digest| !observed.repository.knows(digest)).cloned().collect();
        self.read_manifests(name, unknown, observed, save).await
    }

    /// Tags that a run of ours removed, while their manifest is still there: it is to go, if nothing of now objects.
    async fn add_removed(
        &self,
        name: &RepositoryName,
        observed: &mut Observed,
        save: &BTreeSet<Digest>,
    ) -> Result<(), WorkError> {
        let open = self.open.digests_of(name).into_iter();
        let unknown: Vec<Digest> = open.filter(|digest| !observed.repository.knows(digest)).cloned().collect();
        let answers: Vec<(Digest, Option<Fetched>)> = stream::iter(unknown)
            .map(|digest| async move {
                let fetched = self.client.manifest(name, Reference::Digest(&digest)).await?;
                Ok::<_, RegistryError>((digest, fetched))
            })
            .buffer_unordered(CONCURRENCY)
            .try_collect()
            .await?;
        for (digest, fetched) in answers {
            match fetched {
                Some(fetched) => {
                    observed.save(&fetched, save);
                    observed.repository.manifests.insert(digest, parsed(&fetched));
                }
                None => {
                    observed.repository.deleted.insert(digest);
                }
            }
        }
        let Repository { tags, manifests, .. } = &mut observed.repository;
        for (tag, digest) in self.open.tags_of(name) {
            if !tags.contains_key(tag) && manifests.contains_key(digest) {
                tags.insert(tag.clone(), TagState::Removed(digest.clone()));
            }
        }
        Ok(())
    }
}
