//! What a run has on record: opened before anything is done, settled once nothing is left behind; and what a run
//! before this one left behind.

use std::collections::BTreeSet;

use super::error::WorkError;
use super::journal::Journal;
use super::observed::Observed;
use super::prune::{Pruner, Run};
use crate::oci::{Digest, RepositoryName, Tombstone};
use crate::pruning::{Intent, Operation};
use crate::retention::{RepositoryPlan, Subject, TagState};

impl<J: Journal> Pruner<'_, J> {
    /// Records a whole batch at once: one durable write instead of hundreds.
    pub(super) async fn intend(
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

    /// Settles what was seen to have left nothing behind: manifests that are gone and, once this is `finished`,
    /// whatever else was begun. Not earlier: a tag may dangle, a manifest may have to be put back, and a companion is
    /// known to go only as long as it is known that we deleted its subject.
    pub(super) async fn settle(
        &mut self,
        name: &RepositoryName,
        observed: &Observed,
        plan: &RepositoryPlan,
        finished: bool,
    ) -> Result<(), WorkError> {
        let repository = &observed.repository;
        let keys = repository.companion_keys();
        let condemned = plan.tags.iter().filter(|it| it.verdict.is_condemned());
        let waiting = condemned.filter_map(|it| Some((&it.tag, repository.tags.get(&it.tag)?)));
        let unfinished: BTreeSet<Digest> = waiting
            .filter_map(|(tag, state)| match (state, repository.subject_of(tag, state, &keys)) {
                (TagState::Removed(_), _) => None,
                (_, Subject::Of(subject)) => Some(subject.clone()),
                _ => None,
            })
            .chain(repository.tags.values().filter_map(|state| match state {
                TagState::Dangling { deleted: Some(digest) } | TagState::Entombed { original: digest, .. } => {
                    Some(digest.clone())
                }
                _ => None,
            }))
            .chain(plan.deletions.iter().map(|deletion| deletion.digest.clone()))
            .collect();
        let finished = finished && repository.unreadable.is_none();
        let open: BTreeSet<Digest> = self.journal.open_intents().digests_of(name).into_iter().cloned().collect();
        let settled = |digest: &&Digest| finished || repository.deleted.contains(*digest);
        let settled: Vec<&Digest> = open.difference(&unfinished).filter(settled).collect();
        for digest in settled {
            self.journal.settle(name, digest).await?;
        }
        Ok(())
    }

    /// The tombstones of what is open from before this run.
    pub(super) fn tombstones_of_others(&self) -> Vec<(RepositoryName, Digest)> {
        let tombstone = |intent: &Intent| {
            let digest = match &intent.operation {
                Operation::Entomb { tag, digest } | Operation::ClearDangling { tag, digest } => {
                    let (run, original) = (intent.run.clone(), digest.clone());
                    Digest::of(&Tombstone { run, tag: tag.clone(), original }.to_bytes())
                }
                Operation::FinishTombstone { tombstone, .. } | Operation::Restore { tombstone, .. } => {
                    tombstone.clone()
                }
                Operation::Untag { .. } | Operation::Delete { .. } => return None,
            };
            Some((intent.repository.clone(), digest))
        };
        self.journal.open_intents().iter().filter_map(tombstone).collect()
    }

    /// Removes tombstones of earlier runs that no tag stands on any more: only their record tells of them.
    pub(super) async fn remove_tombstones(
        &self,
        name: &RepositoryName,
        observed: &Observed,
        run: &Run,
    ) -> Result<(), WorkError> {
        let of_here: Vec<_> = run.tombstones.iter().filter(|(repository, _)| repository == name).collect();
        for (_, tombstone) in of_here {
            let stands =
                |state: &TagState| matches!(state, TagState::Entombed { tombstone: it, .. } if it == tombstone);
            if !observed.repository.tags.values().any(stands) {
                self.client.delete_manifest(name, tombstone).await?;
            }
        }
        Ok(())
    }
}
