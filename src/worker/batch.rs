use std::collections::BTreeSet;
use std::sync::Arc;

use super::observed::Observed;
use crate::oci::{Digest, RepositoryName, Tag};
use crate::pruning::{Operation, Watch};
use crate::retention::{InUse, RepositoryPlan, Server, Subject, TagState, Users};

/// One batch in one repository.
pub(super) struct Batch<'a> {
    pub(super) name: &'a RepositoryName,
    pub(super) server: Server,
    /// What workloads use, as it was known when they were asked last.
    pub(super) in_use: Arc<InUse>,
    pub(super) observed: Observed,
    pub(super) plan: RepositoryPlan,
    pub(super) watch: Watch,
    /// Tags that are new, or point elsewhere, since the repository was read.
    changed: BTreeSet<Tag>,
    /// What the last deletion took away, to be put back under a tag that it cut.
    pub(super) last_deleted: Option<Digest>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(
        name: &'a RepositoryName,
        server: Server,
        in_use: Arc<InUse>,
        observed: Observed,
        plan: RepositoryPlan,
    ) -> Self {
        let watch = Watch::new(observed.repository.listed().cloned().collect());
        Self { name, server, in_use, observed, plan, watch, changed: BTreeSet::new(), last_deleted: None }
    }

    /// A tag that appeared or moved since the repository was read, and needs what the operation takes away: the
    /// manifest that it deletes, or the image to which that, or the tag, belongs.
    pub(super) fn needed_by_newcomer(&self, operation: &Operation) -> Option<Tag> {
        let repository = &self.observed.repository;
        let mut taken = self.subjects(operation.digest());
        if matches!(operation, Operation::Delete { .. }) {
            taken.insert(operation.digest());
        }
        let needs = |tag: &&Tag| {
            let at = repository.tags.get(*tag).and_then(TagState::digest);
            at.is_some_and(|at| !repository.reach([at]).is_disjoint(&taken))
        };
        self.changed.iter().find(needs).cloned()
    }

    /// Who uses what the operation takes away. A manifest's tags may have gone before it; they count as its own.
    pub(super) fn user_of(&self, operation: &Operation) -> Option<&Users> {
        let digest = operation.digest();
        let tags = match operation {
            Operation::Untag { tag, .. } | Operation::Entomb { tag, .. } | Operation::FinishTombstone { tag, .. } => {
                std::slice::from_ref(tag)
            }
            Operation::Delete { .. } => {
                let deletion = self.plan.deletions.iter().find(|deletion| deletion.digest == *digest);
                deletion.map_or([].as_slice(), |deletion| &deletion.tags)
            }
            Operation::Restore { .. } | Operation::ClearDangling { .. } => return None,
        };
        let user = |tag, digest| self.in_use.user_of(self.name, tag, digest, &self.observed.repository);
        user(None, Some(digest)).or_else(|| tags.iter().find_map(|tag| user(Some(tag), None)))
    }

    /// What the tags of `digest` belong to, and what that belongs to in turn.
    fn subjects<'b>(&'b self, digest: &'b Digest) -> BTreeSet<&'b Digest> {
        let repository = &self.observed.repository;
        let is_companion = self.plan.tags.iter().any(|it| it.companion && it.digest.as_ref() == Some(digest));
        if self.changed.is_empty() || !is_companion {
            return BTreeSet::new();
        }
        let keys = repository.companion_keys();
        let mut subjects = BTreeSet::new();
        let mut open = vec![digest];
        while let Some(digest) = open.pop() {
            for (tag, state) in repository.tags.iter().filter(|(_, state)| state.digest() == Some(digest)) {
                if let Subject::Of(subject) = repository.subject_of(tag, state, &keys)
                    && subjects.insert(subject)
                {
                    open.push(subject);
                }
            }
        }
        subjects
    }

    /// Where the tag pointed when the repository was read.
    pub(super) fn pointed_at(&self, tag: &Tag) -> Option<&Digest> {
        self.observed.repository.tags.get(tag).and_then(TagState::digest)
    }

    pub(super) fn change(&mut self, tags: &[Tag]) {
        self.changed.extend(tags.iter().cloned());
    }

    /// Whether the plan of the moment lets the tag go.
    pub(super) fn condemns(&self, tag: &Tag) -> bool {
        self.plan.tags.iter().any(|planned| planned.tag == *tag && planned.verdict.is_condemned())
    }
}
