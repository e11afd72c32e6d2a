//! The deletions of a final plan, before garbage is collected: by a process of the registry's own that nobody else can
//! reach, while nobody may write.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use futures::{StreamExt as _, stream};

use super::error::Several;
use super::private::{Home, Private};
use super::reading::Reading;
use super::tell::seconds;
use super::{Collector, CollectorError, Registry};
use crate::collection::garbage::{Account, FinalPlan, Generation, Outcome, Pruned, Removals, placeholder};
use crate::oci::{Digest, RepositoryName, Tag, Tombstone};
use crate::pruning::Operation;
use crate::registry::{Deletes, Reference, RegistryError, Resolved};
use crate::retention::{Store, StoredTag};

/// How many tags are asked for at a time; the client itself holds its requests to what a registry takes.
const ASKED: usize = 8;

/// In how many repositories is deleted at a time.
const REPOSITORIES: usize = 4;

/// The deletions of a final plan.
#[derive(Clone, Copy, Debug)]
pub struct Frozen<'a> {
    /// The plan. What it keeps is wanted as well.
    pub plan: &'a FinalPlan,
    /// The registry's own configuration file, as text.
    pub configuration: &'a str,
    /// A folder in which a socket and a configuration may lie for a while.
    pub scratch: &'a Path,
}

/// What was deleted.
#[derive(Debug)]
pub(super) struct Done {
    home: Home,
    /// What has to be in the storage now.
    expected: Store,
    /// The tags that were to go.
    taken: BTreeSet<(RepositoryName, Tag)>,
    /// Those that could not be removed for want of space.
    left: BTreeSet<(RepositoryName, Tag)>,
}

impl Collector<'_> {
    /// Deletes what the plan condemns and nothing needs. `None` if there is nothing to delete.
    pub(super) async fn prune(&mut self, account: &mut Account) -> Result<Option<Done>, CollectorError> {
        let Some(frozen) = self.frozen else { return Ok(None) };
        let began = Instant::now();
        let Reading { store, graph } = self.read().await?;
        let tags_deletable = self.registry.release.generation == Generation::V3;
        let removals = Removals::of(frozen.plan, &store, &graph, self.wanted, tags_deletable);
        let Removals { operations, skipped } = &removals;
        account.pruned = Some(Pruned { skipped: *skipped, ..Pruned::default() });
        account.seconds.pruning = seconds(began);
        let Some((name, _)) = operations.first() else { return Ok(None) };
        // What would end the run after the deletions ends it before them.
        let expected = Reading { store: removals.without(store.clone()), graph };
        self.kept(&expected, account)?;
        (self.tell)("deleting what the plan condemns");
        let home = Home::make(self.registry, frozen.configuration, frozen.scratch)?;
        let private = self.unless_stopped(home.start()).await??;
        let progress = Mutex::new(Progress::default());
        locked(&progress).pruned.skipped = *skipped;
        let proved = self.unless_stopped(proved(&private, &store, name, tags_deletable)).await.flatten();
        let mut done = proved;
        if done.is_ok() {
            account.outcome = Outcome::Incomplete;
            done = self.unless_stopped(carry_out(&private, operations, tags_deletable, &progress)).await.flatten();
        }
        let ended = private.end().await;
        let Progress { pruned, left } = progress.into_inner().unwrap_or_else(PoisonError::into_inner);
        account.pruned = Some(pruned);
        account.seconds.pruning = seconds(began);
        done?;
        ended?;
        let tags = |(name, operation): &(RepositoryName, Operation)| {
            let name = name.clone();
            operation.tags().to_vec().into_iter().map(move |tag| (name.clone(), tag))
        };
        let taken = operations.iter().flat_map(tags).filter(|tag| !left.contains(tag)).collect();
        Ok(Some(Done { home, expected: expected.store, taken, left }))
    }
}

/// Proves that the process is nobody else's, that it deletes, and that it serves what was read.
async fn proved(
    private: &Private,
    store: &Store,
    name: &RepositoryName,
    tags_deletable: bool,
) -> Result<(), CollectorError> {
    let failed = |why: RegistryError| CollectorError::Private(why.to_string());
    let server = private.client.probe(name).await.map_err(failed)?;
    let expected = if tags_deletable { Deletes::TagsAndDigests } else { Deletes::DigestsOnly };
    if server.deletes != expected {
        return Err(CollectorError::Private("it does not delete, or not as its version does".to_owned()));
    }
    let tags = store.repositories.iter().flat_map(|(name, repository)| {
        repository.tags.iter().filter_map(move |(tag, stored)| match stored {
            StoredTag::At { digest, .. } => Some((name, tag, digest)),
            StoredTag::Broken => None,
        })
    });
    let mut answers = stream::iter(tags)
        .map(|(name, tag, digest)| async move { (name, tag, private.client.resolve(name, tag, digest).await) })
        .buffer_unordered(ASKED);
    let mut others = BTreeSet::new();
    while let Some((name, tag, answer)) = answers.next().await {
        match answer.map_err(failed)? {
            Resolved::Unchanged => {}
            Resolved::Moved(_) => drop(others.insert(format!("{name}:{tag} is at another manifest there"))),
            Resolved::Missing => drop(others.insert(format!("{name}:{tag} is missing there"))),
        }
    }
    if !others.is_empty() {
        return Err(CollectorError::Elsewhere(Several::of(others)));
    }
    private.must_be_alone()
}

/// What was deleted so far, and what could not be for want of space.
#[derive(Debug, Default)]
struct Progress {
    pruned: Pruned,
    left: BTreeSet<(RepositoryName, Tag)>,
}

impl Progress {
    fn done(&mut self, operation: &Operation) {
        self.pruned.tags += operation.tags().len() as u64;
        self.pruned.manifests += u64::from(matches!(operation, Operation::Delete { .. }));
    }

    fn left(&mut self, name: &RepositoryName, operation: &Operation) {
        self.left.extend(operation.tags().iter().map(|tag| (name.clone(), tag.clone())));
        self.pruned.skipped += 1;
    }
}

/// Carries the operations out, in a few repositories at a time. What the store takes no write for is left; whatever else
/// fails ends it, once what was begun is through.
async fn carry_out(
    private: &Private,
    operations: &[(RepositoryName, Operation)],
    tags_deletable: bool,
    progress: &Mutex<Progress>,
) -> Result<(), CollectorError> {
    // What stores something comes last in the order.
    let writes = operations.partition_point(|(_, operation)| !operation.writes(tags_deletable));
    let (deletes, writes) = operations.split_at(writes);
    let has_failed = &AtomicBool::new(false);
    let results: Vec<Result<(), CollectorError>> =
        stream::iter(deletes.chunk_by(|(one, _), (other, _)| one == other).map(|repository| async move {
            for (name, operation) in repository {
                if has_failed.load(Ordering::Relaxed) {
                    break;
                }
                act(private, name, operation).await.map_err(|why| {
                    has_failed.store(true, Ordering::Relaxed);
                    not_deleted(name, operation, why)
                })?;
                locked(progress).done(operation);
            }
            Ok(())
        }))
        .buffer_unordered(REPOSITORIES)
        .collect()
        .await;
    results.into_iter().collect::<Result<(), _>>()?;
    let mut takes_writes = None;
    for (name, operation) in writes {
        let failed = |why| not_deleted(name, operation, why);
        let may_write = match takes_writes {
            Some(known) => known,
            None => private.client.has_room(name).await.map_err(failed)?,
        };
        let is_put = may_write && put_placeholder(private, name, operation).await.map_err(failed)?;
        takes_writes = Some(is_put);
        if is_put {
            act(private, name, operation).await.map_err(failed)?;
            locked(progress).done(operation);
        } else {
            locked(progress).left(name, operation);
        }
    }
    Ok(())
}

fn locked(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_deleted(name: &RepositoryName, operation: &Operation, why: RegistryError) -> CollectorError {
    CollectorError::NotDeleted { operation: format!("{operation} in {name}"), why: Box::new(why) }
}

/// Puts a placeholder under the tag; `false` if the server fails at it, as it does on a full disk.
async fn put_placeholder(
    private: &Private,
    name: &RepositoryName,
    operation: &Operation,
) -> Result<bool, RegistryError> {
    let (Operation::Entomb { tag, digest } | Operation::ClearDangling { tag, digest }) = operation else {
        return Ok(true);
    };
    let bytes = Bytes::from(placeholder(tag, digest).to_bytes());
    match private.client.put_manifest(name, Reference::Tag(tag), Tombstone::MEDIA_TYPE, bytes).await {
        Ok(()) => Ok(true),
        Err(why) if why.is_server_error() => Ok(false),
        Err(why) => Err(why),
    }
}

/// What is gone already is as good as deleted.
async fn act(private: &Private, name: &RepositoryName, operation: &Operation) -> Result<(), RegistryError> {
    let client = &private.client;
    let done = match operation {
        Operation::Untag { tag, .. } => client.delete_tag(name, tag).await,
        Operation::Delete { digest, .. } => client.delete_manifest(name, digest).await,
        Operation::FinishTombstone { tombstone, .. } | Operation::Restore { tombstone, .. } => {
            client.delete_manifest(name, tombstone).await
        }
        // By the placeholder, which takes the tag along.
        Operation::Entomb { tag, digest } | Operation::ClearDangling { tag, digest } => {
            let digest = Digest::of(&placeholder(tag, digest).to_bytes());
            client.delete_manifest(name, &digest).await
        }
    };
    done.map(drop)
}

impl Done {
    /// The program with which garbage is collected: on the very storage in which was deleted.
    pub(super) fn registry(&self) -> &Registry {
        &self.home.registry
    }

    /// Whether all that was to go is gone, all else is there, and nobody wrote.
    pub(super) fn check(&self, now: &Store) -> Result<(), CollectorError> {
        let tags = |store: &Store| -> BTreeMap<(RepositoryName, Tag), StoredTag> {
            let of = store.repositories.iter().flat_map(|(name, repository)| {
                repository.tags.iter().map(move |(tag, stored)| ((name.clone(), tag.clone()), stored.clone()))
            });
            of.filter(|(tag, _)| !self.left.contains(tag)).collect()
        };
        let (then, now_tags) = (tags(&self.expected), tags(now));
        let shown = |(name, tag): &(RepositoryName, Tag)| format!("{name}:{tag}");
        let remain = Several::of(self.taken.iter().filter(|tag| now_tags.contains_key(tag)).map(shown));
        let lost_tags = then.keys().filter(|tag| !now_tags.contains_key(tag)).map(shown);
        let lost_links = self.expected.repositories.iter().flat_map(|(name, repository)| {
            let there = now.repositories.get(name);
            let is_there =
                move |digest: &Digest| there.and_then(|it| it.revisions.get(digest)).is_some_and(|it| it.is_sound);
            let sound = repository.revisions.iter().filter(|(_, link)| link.is_sound);
            sound.filter(move |(digest, _)| !is_there(digest)).map(move |(digest, _)| format!("{name}@{digest}"))
        });
        let lost = Several::of(lost_tags.chain(lost_links));
        let written =
            Several::of(now_tags.iter().filter(|(tag, at)| then.get(tag) != Some(at)).map(|(tag, _)| shown(tag)));
        match (lost.is_empty(), remain.is_empty(), written.is_empty()) {
            (false, ..) => Err(CollectorError::Cut(lost)),
            (_, false, _) => Err(CollectorError::Remain(remain)),
            (.., false) => Err(CollectorError::Written(written)),
            _ => Ok(()),
        }
    }
}
