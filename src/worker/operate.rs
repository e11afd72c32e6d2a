//! One operation: what it depends on is read right before it, and then it is done or left.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::batch::Batch;
use super::error::WorkError;
use super::journal::Journal;
use super::prune::{Pruner, Run};
use super::report::Outcome;
use crate::oci::{Digest, RepositoryName, Tag, Tombstone};
use crate::pruning::{Operation, Resolution, Skip, check};
use crate::registry::{Deleted, Problem, Reference, RegistryError, Resolved};

impl<J: Journal> Pruner<'_, J> {
    pub(super) async fn carry_out(
        &mut self,
        operation: &Operation,
        batch: &mut Batch<'_>,
        run: &mut Run,
    ) -> Result<Outcome, WorkError> {
        if let Err(skip) = self.may(operation, batch, run).await? {
            return Ok(Outcome::Skipped(skip));
        }
        match self.act(operation, batch).await {
            Ok(deleted) => {
                self.took_away(operation, batch);
                Ok(if deleted == Deleted::Now { Outcome::Done } else { Outcome::Already })
            }
            Err(error) if error.is_server_error() => {
                run.writes_failed = true;
                // Its tags may dangle now: they are to be fetched, not asked whether they have moved.
                batch.observed.repository.manifests.remove(operation.digest());
                Ok(Outcome::Failed(error.to_string()))
            }
            Err(error) if matches!(error.problem(), Problem::Unexpected { .. }) => {
                Ok(Outcome::Failed(error.to_string()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Reads what the operation depends on, right before it, and checks that it still may be carried out.
    async fn may(
        &mut self,
        operation: &Operation,
        batch: &mut Batch<'_>,
        run: &mut Run,
    ) -> Result<Result<(), Skip>, WorkError> {
        let deletes_manifest = matches!(operation, Operation::Delete { .. });
        if deletes_manifest {
            self.look_around(batch, run).await?;
        }
        let mut resolved: BTreeMap<Tag, Resolution> = BTreeMap::new();
        for (tag, expected) in operation.expects() {
            let now = self.resolution(batch.name, tag, expected).await?;
            if matches!(&now, Resolution::At(digest) if Some(digest) != expected) {
                let observer = self.observer(&batch.in_use);
                observer.absorb(batch.name, vec![tag.clone()], &mut batch.observed).await?;
                batch.change(std::slice::from_ref(tag));
            }
            resolved.insert(tag.clone(), now);
        }
        if let Some(tag) = batch.needed_by_newcomer(operation) {
            return Ok(Err(Skip::NeededByNewTag { tag }));
        }
        if let Err(skip) = check(operation, &resolved) {
            return Ok(Err(skip));
        }
        if operation.writes(batch.server.deletes_tags())
            && let Err(skip) = self.may_write(batch.name, run).await?
        {
            return Ok(Err(skip));
        }
        self.ask_workloads(batch).await?;
        Ok(match batch.user_of(operation) {
            Some(users) => Err(Skip::InUse { user: users.to_string() }),
            None => Ok(()),
        })
    }

    /// Asks what is in use now, and reads what of it is not known yet.
    async fn ask_workloads(&self, batch: &mut Batch<'_>) -> Result<(), WorkError> {
        let in_use = self.in_use.in_use()?;
        if !Arc::ptr_eq(&in_use, &batch.in_use) {
            self.observer(&in_use).absorb_used(batch.name, &mut batch.observed).await?;
            batch.in_use = in_use;
        }
        Ok(())
    }

    /// What the tag points at now. One that should point at nothing is asked for outright: a registry that is asked
    /// whether a tag still is at a digest says so (304) without looking whether the manifest is there.
    async fn resolution(
        &self,
        name: &RepositoryName,
        tag: &Tag,
        expected: Option<&Digest>,
    ) -> Result<Resolution, RegistryError> {
        let Some(expected) = expected else {
            let fetched = self.client.manifest(name, Reference::Tag(tag)).await?;
            return Ok(fetched.map_or(Resolution::Missing, |fetched| Resolution::At(fetched.digest)));
        };
        Ok(match self.client.resolve(name, tag, expected).await? {
            Resolved::Unchanged => Resolution::At(expected.clone()),
            Resolved::Missing => Resolution::Missing,
            Resolved::Moved(fetched) => Resolution::At(fetched.digest),
        })
    }

    /// Nothing is written to a store that failed on a write, or that was not seen to take one.
    pub(super) async fn may_write(&self, name: &RepositoryName, run: &mut Run) -> Result<Result<(), Skip>, WorkError> {
        if run.writes_failed {
            return Ok(Err(Skip::WritesFailed));
        }
        let has_room = match run.has_room {
            Some(known) => known,
            None => self.client.has_room(name).await?,
        };
        run.has_room = Some(has_room);
        Ok(if has_room { Ok(()) } else { Err(Skip::NoRoom) })
    }

    async fn act(&self, operation: &Operation, batch: &Batch<'_>) -> Result<Deleted, RegistryError> {
        let name = batch.name;
        match operation {
            Operation::Untag { tag, .. } => self.client.delete_tag(name, tag).await,
            Operation::Delete { digest, .. } => self.client.delete_manifest(name, digest).await,
            Operation::FinishTombstone { tombstone, .. } => self.client.delete_manifest(name, tombstone).await,
            Operation::ClearDangling { tag, .. } if batch.server.deletes_tags() => {
                self.client.delete_tag(name, tag).await
            }
            Operation::ClearDangling { tag, digest } | Operation::Entomb { tag, digest } => {
                self.entomb(name, tag, digest).await
            }
            Operation::Restore { tag, tombstone, original } => self.restore(batch, tag, tombstone, original).await,
        }
    }

    /// Puts a tombstone under the tag and deletes it by its own digest, which takes the tag along.
    async fn entomb(&self, name: &RepositoryName, tag: &Tag, digest: &Digest) -> Result<Deleted, RegistryError> {
        let run = self.journal.open_intents().entombing_run(name, tag).unwrap_or(self.plan.hash.short());
        let tombstone = Tombstone { run: run.to_owned(), tag: tag.clone(), original: digest.clone() };
        let bytes = Bytes::from(tombstone.to_bytes());
        let own = Digest::of(&bytes);
        self.client.put_manifest(name, Reference::Tag(tag), Tombstone::MEDIA_TYPE, bytes).await?;
        self.client.delete_manifest(name, &own).await
    }

    /// Whatever the operation was to take away is gone.
    fn took_away(&mut self, operation: &Operation, batch: &mut Batch<'_>) {
        for tag in operation.tags() {
            batch.watch.removed(tag);
            self.memory.forget(batch.name, tag);
        }
        if let Operation::Delete { digest, .. } = operation {
            batch.last_deleted = Some(digest.clone());
            batch.observed.repository.manifests.remove(digest);
            batch.observed.repository.deleted.insert(digest.clone());
        }
    }
}
