//! What the verdicts mean for one another: tags share digests, indexes need their children, companions follow their
//! subject. Verdicts only ever change from condemned to kept here, so it ends, and order does not matter.

use std::collections::{BTreeMap, BTreeSet};

use super::deletions::deletions;
use super::inventory::{Repository, Subject, TagState};
use super::judge::{Judged, newest_condemned};
use super::plan::{Deletion, DigestDeletion, Removal, UntaggedPlan};
use super::powers::Powers;
use super::setting::Setting;
use super::untagged::Untagged;
use super::verdict::Kept;
use crate::oci::{Digest, Tag};

/// What is done in one repository.
pub(super) struct Settled {
    /// For each judged tag, in the same order.
    pub(super) removals: Vec<Option<Removal>>,
    /// By digest.
    pub(super) deletions: Vec<Deletion>,
    /// By digest.
    pub(super) untagged: Vec<UntaggedPlan>,
}

/// The manifests that go.
#[derive(Default)]
struct Going {
    /// Those that tags are at.
    tagged: BTreeSet<Digest>,
    /// The untagged ones, for what they are or with an index.
    untagged: BTreeSet<Digest>,
    /// Those of these that go with an index.
    following: BTreeSet<Digest>,
}

impl Going {
    fn contains(&self, digest: &Digest) -> bool {
        self.tagged.contains(digest) || self.untagged.contains(digest)
    }
}

/// Settles the verdicts of one repository until nothing changes any more.
pub(super) fn settle(setting: &Setting<'_>, judged: &mut [Judged<'_>], powers: Powers, minimum_tags: usize) -> Settled {
    let untagged = Untagged::new(setting);
    keep_ungrounded_companions(setting.repository, judged, &untagged);
    propagate(setting, judged, powers, &untagged);
    for index in newest_condemned(judged, minimum_tags) {
        judged[index].keep(Kept::MinimumTags { minimum: minimum_tags });
    }
    let going = propagate(setting, judged, powers, &untagged);
    let removals = judged
        .iter()
        .map(|it| match (it.verdict.is_condemned(), it.digest()) {
            (false, _) => None,
            (true, None) => Some(Removal::Dangling),
            (true, Some(digest)) if going.tagged.contains(digest) => Some(Removal::WithManifest),
            (true, Some(_)) => Some(Removal::TagOnly),
        })
        .collect();
    let deleted = going.tagged.union(&going.untagged).cloned().collect();
    Settled {
        removals,
        deletions: deletions(setting, judged, &deleted),
        untagged: untagged.into_plans(&going.tagged, &going.following),
    }
}

/// Keeps the companions whose chain of subjects does not end in an image that a rule condemns, or that we deleted. Two companions that
/// name one another would otherwise condemn one another.
fn keep_ungrounded_companions(repository: &Repository, judged: &mut [Judged<'_>], untagged: &Untagged<'_>) {
    let mut tags_of: BTreeMap<&Digest, Vec<&Judged<'_>>> = BTreeMap::new();
    for it in judged.iter() {
        if let Some(digest) = left_from(repository, it) {
            tags_of.entry(digest).or_default().push(it);
        }
    }
    let mut grounded: BTreeSet<Digest> = repository.deleted.clone();
    grounded.extend(untagged.going().cloned());
    grounded.extend(repository.orphans.iter().cloned());
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
        // What may go with an index may take its own companions along.
        let below = if untagged.is_known() { repository.reach(&more) } else { BTreeSet::new() };
        let below = below.into_iter().filter(|digest| !tags_of.contains_key(digest)).cloned().collect::<Vec<_>>();
        grounded.extend(below);
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

/// Carries "kept" along until nothing changes; returns the manifests that go then.
fn propagate(setting: &Setting<'_>, judged: &mut [Judged<'_>], powers: Powers, untagged: &Untagged<'_>) -> Going {
    let deleted_before = &setting.repository.deleted;
    loop {
        let going = match powers.digests {
            DigestDeletion::Allowed => deletable(setting, judged, untagged),
            DigestDeletion::ListsMayHideTags => Going::default(),
        };
        let holders =
            if powers.tags_alone { Holders::default() } else { Holders::of(setting, judged, &going, untagged) };
        let mut changed = false;
        for it in judged.iter_mut().filter(|it| it.verdict.is_condemned()) {
            let Some(digest) = it.state.digest() else { continue };
            let kept = match it.subject {
                Subject::Of(subject) if !going.contains(subject) && !deleted_before.contains(subject) => {
                    Some(Kept::CompanionOfKept { subject: Some(subject.clone()) })
                }
                _ if !powers.tags_alone && !going.tagged.contains(digest) => Some(holders.why_kept(digest)),
                _ => None,
            };
            if let Some(why) = kept {
                it.keep(why);
                changed = true;
            }
        }
        if !changed {
            return going;
        }
    }
}

/// The manifests whose tags are all condemned and that nothing kept needs, and nothing in use, tagged or not. Where the
/// storage was read, untagged manifests that stay are known, and need as much; and some go along.
fn deletable(setting: &Setting<'_>, judged: &[Judged<'_>], untagged: &Untagged<'_>) -> Going {
    let Setting { repository, uses, .. } = *setting;
    let kept = judged.iter().filter(|it| !it.verdict.is_condemned()).filter_map(Judged::digest);
    let needed = repository.reach(kept.chain(uses.manifests()));
    let condemned = judged.iter().filter(|it| it.verdict.is_condemned()).filter_map(|it| left_from(repository, it));
    let mut tagged: BTreeSet<Digest> = condemned.filter(|digest| !needed.contains(digest)).cloned().collect();
    loop {
        let following = untagged.following(&tagged);
        let needed = repository.reach(untagged.staying(&tagged, &following));
        let before = tagged.len();
        tagged.retain(|digest| !needed.contains(digest));
        if tagged.len() == before {
            let following: BTreeSet<Digest> = following.into_iter().cloned().collect();
            let untagged = untagged.going().cloned().chain(following.iter().cloned()).collect();
            return Going { tagged, untagged, following };
        }
    }
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
    fn of(setting: &Setting<'_>, judged: &[Judged<'_>], going: &Going, untagged: &Untagged<'_>) -> Self {
        let Setting { repository, uses, .. } = *setting;
        let mut holders = Self::default();
        for it in judged.iter().filter(|it| !it.verdict.is_condemned()) {
            let Some(digest) = it.state.digest() else { continue };
            holders.by_tag.entry(digest.clone()).or_insert_with(|| it.tag.clone());
            holders.hold_below(repository, digest, || it.tag.to_string());
        }
        for digest in uses.manifests() {
            holders.hold_below(repository, digest, || digest.short().to_owned());
        }
        let following = going.following.iter().collect();
        for digest in untagged.staying(&going.tagged, &following) {
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
