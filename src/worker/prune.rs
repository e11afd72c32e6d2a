use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use jiff::Timestamp;

use super::error::WorkError;
use super::journal::Journal;
use super::observe::{Observed, Observer};
use super::progress::Progress;
use super::report::{Outcome, Report};
use crate::oci::{Digest, RepositoryName, Tag, Tombstone};
use crate::pruning::{Intent, Operation, Resolution, Skip, Watch, check, operations};
use crate::registry::{Client, Deleted, Problem, Reference, RegistryError, Resolved};
use crate::retention::{
    Deletes, Inventory, Mandate, Memory, Policy, RepositoryPlan, Server, StoredPlan, TagState, decide,
};

/// After so many operations the whole repository is read again and decided on anew.
const BATCH: usize = 200;

/// Carries a stored plan out over the open registry.
///
/// Repository by repository and batch by batch, everything is read and decided again: what goes is what stands in the
/// stored plan *and* in the decision of the moment. Right before each operation its tags are resolved once more.
pub struct Pruner<'a, J> {
    /// The registry.
    pub client: &'a Client,
    /// Whose rules decide.
    pub policies: &'a [Policy],
    /// What earlier passes saw; what goes is forgotten.
    pub memory: &'a mut Memory,
    /// Where intents are recorded.
    pub journal: &'a mut J,
    /// The upper bound of what goes.
    pub plan: &'a StoredPlan,
    /// Whether single tags may be removed from 2.8 by way of a placeholder.
    pub tombstones: bool,
    /// The one `now` of the pass.
    pub now: Timestamp,
    /// Who watches.
    pub progress: &'a dyn Progress,
}

/// Operations that only take away come first in all repositories; those that must store something come after.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    TakeAway,
    Store,
}

/// What a run has learned on its way.
#[derive(Default)]
pub(super) struct Run {
    pub(super) report: Report,
    /// A write failed with a server error, so nothing more is stored.
    pub(super) writes_failed: bool,
    /// Whether the store was seen to take a write.
    has_room: Option<bool>,
    servers: BTreeMap<RepositoryName, Server>,
}

/// One batch in one repository.
pub(super) struct Batch<'a> {
    pub(super) name: &'a RepositoryName,
    server: Server,
    pub(super) observed: Observed,
    plan: RepositoryPlan,
    pub(super) watch: Watch,
    /// Tags that are new, or point elsewhere, since the repository was read.
    changed: BTreeSet<Tag>,
    /// What the last deletion took away, to be put back under a tag that it cut.
    pub(super) last_deleted: Option<Digest>,
}

impl<J: Journal> Pruner<'_, J> {
    /// Does it all. An error of the registry stops the run, and is in the report; what is left, the next run finishes.
    ///
    /// # Errors
    ///
    /// Only if what must be recorded cannot be.
    pub async fn run(mut self) -> Result<Report, WorkError> {
        let mut run = Run::default();
        let open = self.journal.open_intents().repositories();
        let names: BTreeSet<RepositoryName> =
            self.plan.entries.iter().map(|entry| &entry.repository).chain(open).cloned().collect();
        let work =
            [Phase::TakeAway, Phase::Store].into_iter().flat_map(|phase| names.iter().map(move |it| (phase, it)));
        for (phase, name) in work {
            if self.progress.is_called_off() {
                run.report.stopped = Some("it was called off".to_owned());
                break;
            }
            match self.prune_repository(name, phase, &mut run).await {
                Ok(()) => {}
                Err(WorkError::Registry(error)) => {
                    run.report.stopped = Some(error.to_string());
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(run.report)
    }

    async fn prune_repository(&mut self, name: &RepositoryName, phase: Phase, run: &mut Run) -> Result<(), WorkError> {
        let Some(server) = self.server(name, run).await? else { return Ok(()) };
        let save: BTreeSet<Digest> = self.digests_of(name);
        let mut attempted: Vec<Operation> = Vec::new();
        let mut before: Option<Observed> = None;
        while !self.progress.is_called_off() {
            let observed = self.observer().repository(name, before.as_ref(), &save).await?;
            let plan = self.decide(name, &observed, server);
            let next: Vec<Operation> = operations(&observed.repository, &plan, server.deletes_tags())
                .into_iter()
                .filter(|operation| operation.writes(server.deletes_tags()) == (phase == Phase::Store))
                .filter(|operation| !attempted.contains(operation))
                .take(BATCH)
                .collect();
            if next.is_empty() {
                return self.settle_finished(name, &observed, phase).await;
            }
            self.intend(name, &next, &observed).await?;
            let watch = Watch::new(observed.repository.listed().cloned().collect());
            let mut batch = Batch { name, server, observed, plan, watch, changed: BTreeSet::new(), last_deleted: None };
            for operation in next {
                if self.progress.is_called_off() {
                    break;
                }
                let outcome = self.carry_out(&operation, &mut batch, run).await?;
                run.report.record(name, &operation, &outcome);
                self.progress.operated(name, &operation, &outcome);
                attempted.push(operation);
            }
            if batch.last_deleted.is_some() {
                self.look_around(&mut batch, run).await?;
            }
            before = Some(batch.observed);
        }
        Ok(())
    }

    /// What the server lets be deleted in this repository; `None` if nothing.
    async fn server(&self, name: &RepositoryName, run: &mut Run) -> Result<Option<Server>, WorkError> {
        let server = match run.servers.get(name) {
            Some(server) => *server,
            None => self.client.probe(name).await?,
        };
        let first = run.servers.insert(name.clone(), server).is_none();
        if let Deletes::Refused(refusal) = server.deletes {
            if first {
                run.report.refused.push((name.clone(), refusal));
            }
            return Ok(None);
        }
        Ok(Some(server))
    }

    fn observer(&self) -> Observer<'_> {
        Observer {
            client: self.client,
            policies: self.policies,
            memory: self.memory,
            open: self.journal.open_intents(),
            progress: self.progress,
        }
    }

    /// The decision of the moment, within the stored plan.
    fn decide(&self, name: &RepositoryName, observed: &Observed, server: Server) -> RepositoryPlan {
        let inventory = Inventory { server, repositories: [(name.clone(), observed.repository.clone())].into() };
        let mandate = Mandate { tombstones: self.tombstones, within: Some(&self.plan.entries) };
        let mut plan = decide(&inventory, self.policies, mandate, self.now);
        plan.repositories.remove(0)
    }

    fn digests_of(&self, name: &RepositoryName) -> BTreeSet<Digest> {
        let planned = self.plan.entries.iter().filter(|entry| entry.repository == *name).map(|entry| &entry.digest);
        planned.chain(self.journal.open_intents().digests_of(name)).cloned().collect()
    }

    /// Records a whole batch at once: one durable write instead of hundreds.
    async fn intend(
        &mut self,
        name: &RepositoryName,
        next: &[Operation],
        observed: &Observed,
    ) -> Result<(), WorkError> {
        let open = self.journal.open_intents();
        let intents: Vec<Intent> = next
            .iter()
            .map(|operation| {
                let digest = operation.digest();
                let run = operation.tags().first().and_then(|tag| open.entombing_run(name, tag));
                Intent {
                    run: run.unwrap_or(self.plan.hash.short()).to_owned(),
                    repository: name.clone(),
                    operation: operation.clone(),
                    manifest: observed.saved.get(digest).or_else(|| open.saved(name, digest)).cloned(),
                }
            })
            .collect();
        Ok(self.journal.intend(&intents).await?)
    }

    async fn carry_out(
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
                self.settle(operation, batch).await?;
                Ok(if deleted == Deleted::Now { Outcome::Done } else { Outcome::Already })
            }
            Err(error) if error.is_server_error() => {
                run.writes_failed = true;
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
        for (tag, expected) in expectations(operation) {
            let now = match self.client.resolve(batch.name, tag, expected).await? {
                Resolved::Unchanged => Resolution::At(expected.clone()),
                Resolved::Missing => Resolution::Missing,
                Resolved::Moved(fetched) => Resolution::At(fetched.digest),
            };
            if matches!(&now, Resolution::At(digest) if digest != expected) {
                self.observer().absorb(batch.name, vec![tag.clone()], &mut batch.observed).await?;
                batch.changed.insert(tag.clone());
            }
            resolved.insert(tag.clone(), now);
        }
        if deletes_manifest && let Some(tag) = batch.needed_by_newcomer(operation.digest()) {
            return Ok(Err(Skip::NeededByNewTag { tag }));
        }
        if let Err(skip) = check(operation, &resolved) {
            return Ok(Err(skip));
        }
        if operation.writes(batch.server.deletes_tags()) { self.may_write(batch.name, run).await } else { Ok(Ok(())) }
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
            Operation::Restore { tag, tombstone, original } => {
                if let Some(fetched) = self.client.manifest(name, Reference::Digest(original)).await? {
                    self.client.put_manifest(name, Reference::Tag(tag), &fetched.content_type, fetched.body).await?;
                }
                self.client.delete_manifest(name, tombstone).await
            }
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

    /// Whatever the operation was to take away is gone: out of memory, and out of the journal unless its manifest is
    /// still to go.
    async fn settle(&mut self, operation: &Operation, batch: &mut Batch<'_>) -> Result<(), WorkError> {
        for tag in operation.tags() {
            batch.watch.removed(tag);
            self.memory.forget(batch.name, tag);
        }
        let manifest_goes = batch.plan.deletions.iter().any(|deletion| deletion.digest == *operation.digest());
        if matches!(operation, Operation::Delete { .. }) {
            batch.last_deleted = Some(operation.digest().clone());
            batch.observed.repository.manifests.remove(operation.digest());
        } else if manifest_goes {
            return Ok(());
        }
        Ok(self.journal.settle(batch.name, operation.digest()).await?)
    }

    /// Nothing is left to do: intents whose tags and manifests are all accounted for are settled.
    async fn settle_finished(
        &mut self,
        name: &RepositoryName,
        observed: &Observed,
        phase: Phase,
    ) -> Result<(), WorkError> {
        let unfinished: BTreeSet<Digest> = observed
            .repository
            .tags
            .values()
            .filter_map(|state| match state {
                TagState::Dangling { deleted: Some(digest) } | TagState::Entombed { original: digest, .. } => {
                    Some(digest.clone())
                }
                _ => None,
            })
            .collect();
        let open: BTreeSet<Digest> = self.journal.open_intents().digests_of(name).into_iter().cloned().collect();
        for digest in open.difference(&unfinished).filter(|_| phase == Phase::Store) {
            self.journal.settle(name, digest).await?;
        }
        Ok(())
    }
}

impl Batch<'_> {
    /// A tag that appeared or moved since the repository was read, and needs `digest`.
    fn needed_by_newcomer(&self, digest: &Digest) -> Option<Tag> {
        let repository = &self.observed.repository;
        let needs = |tag: &&Tag| {
            let at = repository.tags.get(*tag).and_then(TagState::digest);
            at.is_some_and(|at| repository.reach([at]).contains(digest))
        };
        self.changed.iter().find(needs).cloned()
    }

    pub(super) fn change(&mut self, tags: &[Tag]) {
        self.changed.extend(tags.iter().cloned());
    }

    /// Whether the plan of the moment lets the tag go.
    pub(super) fn condemns(&self, tag: &Tag) -> bool {
        self.plan.tags.iter().any(|planned| planned.tag == *tag && planned.verdict.is_condemned())
    }
}

/// What each tag of the operation must point at.
fn expectations(operation: &Operation) -> Vec<(&Tag, &Digest)> {
    match operation {
        Operation::Untag { tag, digest }
        | Operation::Entomb { tag, digest }
        | Operation::ClearDangling { tag, digest } => {
            vec![(tag, digest)]
        }
        Operation::FinishTombstone { tag, tombstone, .. } | Operation::Restore { tag, tombstone, .. } => {
            vec![(tag, tombstone)]
        }
        Operation::Delete { digest, tags } => tags.iter().map(|tag| (tag, digest)).collect(),
    }
}
