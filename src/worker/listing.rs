//! Which tags a repository has: what the registry lists, and what the storage shows.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};

use super::CONCURRENCY;
use super::error::{WorkError, is_of_content};
use super::observe::Observer;
use super::observed::Observed;
use crate::oci::{Digest, Manifest, RepositoryName, Tag};
use crate::registry::{Reference, RegistryError};
use crate::retention::{Memory, Store, StoredTag};

/// The tags of a repository, before any of them is read.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// What the registry lists.
    pub(super) tags: BTreeSet<Tag>,
    /// What only the storage shows: it is there if it answers.
    pub(super) hidden: BTreeSet<Tag>,
    /// Those of `tags` that need not be asked for, since the storage tells what they are at.
    pub(super) known: BTreeMap<Tag, Digest>,
    /// Manifests that need not be asked for: the storage shows that they are there, and they were read before.
    pub(super) remembered: BTreeMap<Digest, Manifest>,
}

impl Listed {
    /// Relies on what `store` shows of tags that were written before it was read, and for manifests that are there on
    /// `memory`. Whatever is deleted is read again right before.
    pub(super) fn relying_on(mut self, name: &RepositoryName, store: &Store, memory: &Memory) -> Self {
        let Some(stored) = store.repositories.get(name) else { return self };
        let there = stored.revisions.iter().filter(|(digest, link)| link.is_sound && store.blobs.contains_key(digest));
        let remembered = there.filter_map(|(digest, _)| Some((digest.clone(), memory.manifest(digest)?.clone())));
        self.remembered = remembered.collect();
        let known = stored.tags.iter().filter_map(|(tag, stored)| match stored {
            StoredTag::At { digest, pushed } if *pushed < store.began => Some((tag, digest)),
            StoredTag::At { .. } | StoredTag::Broken => None,
        });
        let listed = known.filter(|(tag, _)| self.tags.contains(*tag));
        self.known = listed.map(|(tag, digest)| (tag.clone(), digest.clone())).collect();
        self
    }
}

impl Observer<'_> {
    /// The tags, or why the list cannot be read. A list that hides a tag is an error, unless the storage shows that tag.
    /// What `before` knows to be gone is not asked for again.
    pub(super) async fn list(
        &self,
        name: &RepositoryName,
        before: Option<&Observed>,
    ) -> Result<Result<Listed, String>, WorkError> {
        match self.client.tags(name).await {
            Ok(tags) => {
                let tags: BTreeSet<Tag> = tags.into_iter().collect();
                let hidden = self.only_stored(name, &tags, before);
                let shown = tags.union(&hidden).cloned().collect();
                self.refuse_hidden(name, &shown).await?;
                Ok(Ok(Listed { tags, hidden, ..Listed::default() }))
            }
            Err(error) if is_of_content(&error) => Ok(Err(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    /// The tags that the storage shows and the registry does not list; none that a run of ours removed.
    fn only_stored(&self, name: &RepositoryName, listed: &BTreeSet<Tag>, before: Option<&Observed>) -> BTreeSet<Tag> {
        let removed = self.open.tags_of(name);
        let may_be_there = |tag: &Tag| before.is_none_or(|before| before.repository.tags.contains_key(tag));
        let stored = self.store.and_then(|store| store.repositories.get(name));
        let whole = stored.into_iter().flat_map(|stored| &stored.tags).filter(|(_, it)| **it != StoredTag::Broken);
        let hidden = whole.map(|(tag, _)| tag).filter(|tag| !listed.contains(*tag) && !removed.contains_key(*tag));
        hidden.filter(|tag| may_be_there(tag)).cloned().collect()
    }

    /// A tag that was there before, that is protected by its very name or in use, is asked for when it is not listed. If
    /// it answers, and a second list still lacks it, the list hides tags, and no digest is safe to delete.
    async fn refuse_hidden(&self, name: &RepositoryName, listed: &BTreeSet<Tag>) -> Result<(), WorkError> {
        let removed = self.open.tags_of(name);
        let protected = self.policies.iter().flat_map(|policy| policy.protected.literals());
        let protected = protected.filter_map(|text| text.parse::<Tag>().ok()).filter(|tag| !listed.contains(tag));
        let used = self.in_use.tags_of(name).filter(|tag| !listed.contains(tag)).cloned();
        let seen = self.memory.unlisted(name, listed).cloned();
        let asked: BTreeSet<Tag> = seen.chain(protected).chain(used).filter(|tag| !removed.contains_key(tag)).collect();
        let answers = stream::iter(asked)
            .map(|tag| async move {
                let there = self.client.manifest(name, Reference::Tag(&tag)).await?.is_some();
                Ok::<_, RegistryError>(there.then_some(tag))
            })
            .buffer_unordered(CONCURRENCY)
            .try_collect::<Vec<Option<Tag>>>()
            .await?;
        let answered: Vec<Tag> = answers.into_iter().flatten().collect();
        if answered.is_empty() {
            return Ok(());
        }
        let again: BTreeSet<Tag> = self.client.tags(name).await?.into_iter().collect();
        match answered.into_iter().find(|tag| !again.contains(tag)) {
            Some(tag) => Err(WorkError::HiddenTag { repository: name.clone(), tag }),
            None => Ok(()),
        }
    }
}
