//! What a deletion cut that it should not have is put back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use super::batch::Batch;
use super::error::WorkError;
use super::journal::Journal;
use super::observed::{Observed, saved};
use super::prune::{Pruner, Run};
use super::report::Failure;
use crate::oci::{Digest, Manifest, RepositoryName, Tag};
use crate::pruning::SavedManifest;
use crate::registry::{Deleted, Reference, RegistryError};
use crate::retention::{ManifestState, RepositoryPlan};

impl<J: Journal> Pruner<'_, J> {
    /// Lists the tags again. New ones are read, with all that they need; one that the last deletion cut is put back.
    pub(super) async fn look_around(&mut self, batch: &mut Batch<'_>, run: &mut Run) -> Result<(), WorkError> {
        let mut listed: BTreeSet<Tag> = self.client.tags(batch.name).await?.into_iter().collect();
        let mut back = Vec::new();
        for tag in batch.watch.cut(&listed) {
            if !batch.condemns(&tag) && self.put_back(&tag, batch, run).await? {
                back.push(tag);
            }
        }
        let mut newcomers = batch.watch.newcomers(&listed);
        listed.extend(back.iter().cloned());
        newcomers.extend(back);
        batch.change(&newcomers);
        let in_use = Arc::clone(&batch.in_use);
        let observer = self.observer(&in_use);
        observer.absorb(batch.name, newcomers, &mut batch.observed).await?;
        batch.watch.accept(listed);
        Ok(())
    }

    /// Undoes a removal that was cut short: what stood under the tag stands there again, and the placeholder goes. Where
    /// the original is nowhere to be had, the placeholder stays, so that the tag does not vanish without a word.
    pub(super) async fn restore(
        &self,
        batch: &Batch<'_>,
        tag: &Tag,
        tombstone: &Digest,
        original: &Digest,
    ) -> Result<Deleted, RegistryError> {
        let there = self.client.manifest(batch.name, Reference::Digest(original)).await?;
        let saved =
            there.as_ref().map(saved).or_else(|| self.journal.open_intents().saved(batch.name, original).cloned());
        let Some(saved) = saved else { return Ok(Deleted::Already) };
        self.put(batch.name, Reference::Tag(tag), &saved).await?;
        self.client.delete_manifest(batch.name, tombstone).await
    }

    /// A kept tag disappeared between the listings before and after a deletion: somebody had just pointed it at the
    /// digest that was deleted. Only while it still is 404 do we put it back.
    async fn put_back(&self, tag: &Tag, batch: &Batch<'_>, run: &mut Run) -> Result<bool, WorkError> {
        let Some(digest) = &batch.last_deleted else { return Ok(false) };
        // Where it pointed before is gone too: then somebody deleted that, and not we the tag.
        if let Some(before) = batch.pointed_at(tag)
            && self.client.manifest(batch.name, Reference::Digest(before)).await?.is_none()
        {
            return Ok(false);
        }
        if self.client.manifest(batch.name, Reference::Tag(tag)).await?.is_some() {
            return Ok(true);
        }
        let place = (batch.name, Reference::Tag(tag), digest);
        self.put_again(place, &batch.observed.saved, (tag, format!("put tag {tag} back")), run).await
    }

    /// Puts back what a tag that stays needs and we deleted: somebody pushed an index, or moved a tag to one, while a
    /// child of it went. Whether anything was put back, so that all must be read again.
    pub(super) async fn mend(
        &self,
        name: &RepositoryName,
        observed: &Observed,
        plan: &RepositoryPlan,
        run: &mut Run,
    ) -> Result<bool, WorkError> {
        let repository = &observed.repository;
        let open = self.journal.open_intents();
        let mut missing: BTreeMap<&Digest, &Tag> = BTreeMap::new();
        for planned in plan.tags.iter().filter(|planned| !planned.verdict.is_condemned()) {
            let needed = repository.reach(planned.digest.as_ref());
            let lost = needed.into_iter().filter(|it| repository.manifests.get(*it) == Some(&ManifestState::Missing));
            missing.extend(lost.map(|digest| (digest, &planned.tag)));
        }
        missing.retain(|digest, _| !run.mended.contains(&(name.clone(), (*digest).clone())));
        if missing.is_empty() {
            return Ok(false);
        }
        let recorded = open.digests_of(name).into_iter().filter_map(|it| Some((it, open.saved(name, it)?)));
        let known: BTreeMap<Digest, SavedManifest> =
            recorded.chain(&observed.saved).map(|(digest, saved)| (digest.clone(), saved.clone())).collect();
        missing.retain(|digest, _| known.contains_key(*digest));
        let mut mended = false;
        for (digest, tag) in missing {
            run.mended.insert((name.clone(), digest.clone()));
            let place = (name, Reference::Digest(digest), digest);
            mended |= self.put_again(place, &known, (tag, format!("make tag {tag} whole")), run).await?;
        }
        Ok(mended)
    }

    /// Puts `digest` of `name` under the reference for the sake of `tag`, if the store takes a write; whether it did, and
    /// why not, is in the report.
    async fn put_again(
        &self,
        (name, reference, digest): (&RepositoryName, Reference<'_>, &Digest),
        known: &BTreeMap<Digest, SavedManifest>,
        (tag, operation): (&Tag, String),
        run: &mut Run,
    ) -> Result<bool, WorkError> {
        let why = match self.may_write(name, run).await? {
            Err(skip) => skip.to_string(),
            Ok(()) => match self.put_whole(name, known, reference, digest).await {
                Ok(()) => {
                    run.report.restored.push((name.clone(), tag.clone()));
                    return Ok(true);
                }
                Err(error) => {
                    run.writes_failed |= error.is_server_error();
                    error.to_string()
                }
            },
        };
        run.report.failed.push(Failure { repository: name.clone(), operation, why });
        Ok(false)
    }

    /// Puts `digest` under `reference`, after those of its children that this run deleted.
    async fn put_whole(
        &self,
        name: &RepositoryName,
        known: &BTreeMap<Digest, SavedManifest>,
        reference: Reference<'_>,
        digest: &Digest,
    ) -> Result<(), RegistryError> {
        let mut order: Vec<(&Digest, &SavedManifest)> = Vec::new();
        let mut open = vec![digest];
        while let Some((digest, saved)) = open.pop().and_then(|digest| known.get_key_value(digest)) {
            let children: Vec<Digest> = Manifest::parse(&saved.media_type, &saved.bytes)
                .map(|manifest| manifest.children().cloned().collect())
                .unwrap_or_default();
            if order.iter().all(|(known, _)| *known != digest) {
                order.push((digest, saved));
                open.extend(children.iter().filter_map(|child| known.get_key_value(child)).map(|(child, _)| child));
            }
        }
        for (child, saved) in order.iter().skip(1).rev() {
            if self.client.manifest(name, Reference::Digest(child)).await?.is_none() {
                self.put(name, Reference::Digest(child), saved).await?;
            }
        }
        match order.first() {
            Some((_, saved)) => self.put(name, reference, saved).await,
            None => Ok(()),
        }
    }

    async fn put(
        &self,
        name: &RepositoryName,
        reference: Reference<'_>,
        saved: &SavedManifest,
    ) -> Result<(), RegistryError> {
        self.client.put_manifest(name, reference, &saved.media_type, Bytes::from(saved.bytes.clone())).await
    }
}
