//! What the verdicts mean for one another: tags share digests, indexes need their children, companions follow their
//! subject. Verdicts only ever change from condemned to kept here, so it ends, and order does not matter.

use std::collections::{BTreeMap, BTreeSet};

use super::inventory::{Repository, Subject, TagState};
use super::judge::{Judged, newest_condemned};
use super::plan::{Deletion, DigestDeletion, Removal};
use super::powers::Powers;
use super::uses::Uses;
use super::verdict::Kept;
use crate::oci::{Digest, Manifest, Tag};

/// What is done in one repository.
pub(super) struct Settled {
    /// For each judged tag, in the same order.
    pub(super) removals: Vec<Option<Removal>>,
    /// By digest.
    pub(super) deletions: Vec<Deletion>,
}

/// Settles the verdicts of one repository until nothing changes any more.
pub(super) fn settle(
    repository: &Repository,
    judged: &mut [Judged<'_>],
    uses: &Uses<'_>,
    powers: Powers,
    minimum_tags: usize,
) -> Settled {
    keep_ungrounded_companions(repository, judged);
    propagate(repository, judged, uses, powers);
    for index in newest_condemned(judged, minimum_tags) {
        judged[index].keep(Kept::MinimumTags { minimum: minimum_tags });
    }
    let deleted = propagate(repository, judged, uses, powers);
    let removals = judged
        .iter()
        .map(|it| match (it.verdict.is_condemned(), it.digest()) {
            (false, _) => None,
            (true, None) => Some(Removal::Dangling),
            (true, Some(digest)) if deleted.contains(digest) => Some(Removal::WithManifest),
            (true, Some(_)) => Some(Removal::TagOnly),
        })
        .collect();
    Settled { removals, deletions: deletions(repository, judged, &deleted) }
}

/// Keeps the companions whose chain of subjects does not end in an image that a rule condemns, or that we deleted. Two companions that
/// name one another would otherwise condemn one another.
fn keep_ungrounded_companions(repository: &Repository, judged: &mut [Judged<'_>]) {
    let mut tags_of: BTreeMap<&Digest, Vec<&Judged<'_>>> = BTreeMap::new();
    for it in judged.iter() {
        if let Some(digest) = left_from(repository, it) {
            tags_of.entry(digest).or_default().push(it);
        }
    }
    let mut grounded: BTreeSet<Digest> = repository.deleted.clone();
    loop {
        let goes = |it: &&Judged<'_>| match it.subject {
            Subject::None => it.verdict.is_condemned(),
            Subject::Of(subject) => it.verdict.is_condemned() && grounded.contains(subject),
            Subject::Unknown => false,
        };
        let more: Vec<Digest> = tags_of
            .iter()
            .filter(|(digest, tags)| !grounded.contains(**digest) && tags.iter().all(&goes))
            .map(|(digest, _)| (*digest).clone())
            .collect();
        if more.is_empty() {
            break;
        }
        grounded.extend(more);
    }
    for it in judged.iter_mut() {
        // One that dangles has nothing left to lose.
        if let Subject::Of(subject) = it.subject
            && it.digest().is_some()
            && it.verdict.is_condemned()
            && !grounded.contains(subject)
        {
            it.keep(Kept::CompanionOfKept { subject: Some(subject.clone()) });
        }
    }
}

/// Carries "kept" along until nothing changes; returns the manifests that are deleted then.
fn propagate(repository: &Repository, judged: &mut [Judged<'_>], uses: &Uses<'_>, powers: Powers) -> BTreeSet<Digest> {
    loop {
        let deleted = deletable(repository, judged, uses, powers.digests);
        let holders = if powers.tags_alone { Holders::default() } else { Holders::of(repository, judged, uses) };
        let mut changed = false;
        for it in judged.iter_mut().filter(|it| it.verdict.is_condemned()) {
            let Some(digest) = it.state.digest() else { continue };
            let kept = match it.subject {
                Subject::Of(subject) if !deleted.contains(subject) && !repository.deleted.contains(subject) => {
                    Some(Kept::CompanionOfKept { subject: Some(subject.clone()) })
                }
                _ if !powers.tags_alone && !deleted.contains(digest) => Some(holders.why_kept(digest)),
                _ => None,
            };
            if let Some(why) = kept {
                it.keep(why);
                changed = true;
            }
        }
        if !changed {
            return deleted;
        }
    }
}

/// The manifests whose tags are all condemned and that nothing kept needs, and nothing in use, tagged or not.
fn deletable(
    repository: &Repository,
    judged: &[Judged<'_>],
    uses: &Uses<'_>,
    digests: DigestDeletion,
) -> BTreeSet<Digest> {
    if digests == DigestDeletion::ListsMayHideTags {
        return BTreeSet::new();
    }
    let kept = judged.iter().filter(|it| !it.verdict.is_condemned()).filter_map(Judged::digest);
    let needed = repository.reach(kept.chain(uses.manifests()));
    let condemned = judged.iter().filter(|it| it.verdict.is_condemned()).filter_map(|it| left_from(repository, it));
    condemned.filter(|digest| !needed.contains(digest)).cloned().collect()
}

/// What the tag points at, or pointed at before its removal was cut short, if that is still there.
fn left_from<'a>(repository: &Repository, judged: &Judged<'a>) -> Option<&'a Digest> {
    match judged.state {
        TagState::Dangling { deleted: Some(digest) } => repository.manifest(digest).map(|_| digest),
        state => state.digest(),
    }
}

/// What holds manifests on a server that cannot delete a tag alone.
#[derive(Default)]
struct Holders {
    by_tag: BTreeMap<Digest, Tag>,
    by_index: BTreeMap<Digest, String>,
}

impl Holders {
    fn of(repository: &Repository, judged: &[Judged<'_>], uses: &Uses<'_>) -> Self {
        let mut holders = Self::default();
        for it in judged.iter().filter(|it| !it.verdict.is_condemned()) {
            let Some(digest) = it.state.digest() else { continue };
            holders.by_tag.entry(digest.clone()).or_insert_with(|| it.tag.clone());
            holders.hold_below(repository, digest, || it.tag.to_string());
        }
        for digest in uses.manifests() {
            holders.hold_below(repository, digest, || digest.short().to_owned());
        }
        holders
    }

    /// What an index needs is held by it.
    fn hold_below(&mut self, repository: &Repository, index: &Digest, name: impl Fn() -> String) {
        for child in repository.reach([index]).into_iter().filter(|child| *child != index) {
            self.by_index.entry(child.clone()).or_insert_with(&name);
        }
    }

    fn why_kept(&self, digest: &Digest) -> Kept {
        match (self.by_tag.get(digest), self.by_index.get(digest)) {
            (Some(sibling), _) => Kept::SharedDigest { sibling: sibling.clone() },
            (None, Some(index)) => Kept::ChildOfKeptIndex { index: index.clone() },
            // Only lists that may hide tags leave a digest that nothing known holds; 2.8 has none such.
            (None, None) => Kept::ChildOfKeptIndex { index: "that the tag list may hide".into() },
        }
    }
}

fn deletions(repository: &Repository, judged: &[Judged<'_>], deleted: &BTreeSet<Digest>) -> Vec<Deletion> {
    let mut tags: BTreeMap<&Digest, Vec<Tag>> = BTreeMap::new();
    for it in judged.iter().filter(|it| it.verdict.is_condemned()) {
        if let Some(digest) = it.state.digest() {
            tags.entry(digest).or_default().push(it.tag.clone());
        }
    }
    let tagged: BTreeSet<&Digest> = judged.iter().filter_map(|it| it.state.digest()).collect();
    let ranks = ranks(repository, judged, deleted);
    deleted
        .iter()
        .map(|digest| Deletion {
            digest: digest.clone(),
            tags: tags.remove(digest).unwrap_or_default(),
            rank: ranks.get(digest).copied().unwrap_or_default(),
            untagged_children: repository
                .reach([digest])
                .into_iter()
                .filter(|child| *child != digest && !tagged.contains(child))
                .count(),
        })
        .collect()
}

/// Layers of the deleted: whoever is needed or referred to comes after who needs or refers (Kahn's algorithm). What
/// is left in cycles, which no honest registry has, comes last.
fn ranks<'a>(
    repository: &'a Repository,
    judged: &'a [Judged<'_>],
    deleted: &'a BTreeSet<Digest>,
) -> BTreeMap<&'a Digest, usize> {
    let mut followers: BTreeMap<&Digest, BTreeSet<&Digest>> = BTreeMap::new();
    for digest in deleted {
        let children = repository.manifest(digest).into_iter().flat_map(Manifest::children);
        followers
            .entry(digest)
            .or_default()
            .extend(children.filter(|child| *child != digest && deleted.contains(*child)));
    }
    for it in judged {
        if let (Subject::Of(subject), Some(digest)) = (it.subject, it.state.digest())
            && subject != digest
            && deleted.contains(subject)
            && deleted.contains(digest)
        {
            followers.entry(subject).or_default().insert(digest);
        }
    }
    let mut waiting: BTreeMap<&Digest, usize> = deleted.iter().map(|digest| (digest, 0)).collect();
    for follower in followers.values().flatten() {
        *waiting.entry(follower).or_default() += 1;
    }
    let mut ranks = BTreeMap::new();
    for rank in 0.. {
        let ready: Vec<&Digest> = waiting.iter().filter(|(_, count)| **count == 0).map(|(digest, _)| *digest).collect();
        if ready.is_empty() {
            ranks.extend(waiting.into_keys().map(|digest| (digest, rank)));
            break;
        }
        for digest in ready {
            waiting.remove(digest);
            ranks.insert(digest, rank);
            for follower in followers.get(digest).into_iter().flatten() {
                if let Some(count) = waiting.get_mut(follower) {
                    *count -= 1;
                }
            }
        }
    }
    ranks
}
