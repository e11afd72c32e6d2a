//! Manifests that no tag reaches, which only the storage shows; and those that go with an index, since nothing else
//! names them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::inventory::{ManifestState, TagState};
use super::plan::UntaggedPlan;
use super::policy::untagged_for;
use super::rules::age_text;
use super::setting::Setting;
use super::space::size_of;
use super::store::StoredTag;
use super::verdict::{AskedBy, Condemned, Kept, Verdict};
use crate::oci::Digest;

/// The untagged manifests of one repository. Without a store there are none to be seen.
pub(super) struct Untagged<'a> {
    setting: &'a Setting<'a>,
    minimum_age: SignedDuration,
    unreadable: Option<Kept>,
    /// Each manifest that is known, with those that name it.
    named_by: BTreeMap<&'a Digest, Vec<&'a Digest>>,
    /// What any tag is at, by the registry.
    tagged: BTreeSet<&'a Digest>,
    /// What tags reach that only the storage shows.
    only_stored: BTreeSet<&'a Digest>,
    verdicts: BTreeMap<&'a Digest, Verdict>,
}

impl<'a> Untagged<'a> {
    pub(super) fn new(setting: &'a Setting<'a>) -> Self {
        let repository = setting.repository;
        let mut it = Self {
            setting,
            minimum_age: setting.policies.iter().map(|policy| policy.minimum_age).max().unwrap_or_default(),
            unreadable: repository.first_unreadable().map(|(what, why)| Kept::Unreadable { what, why: why.to_owned() }),
            named_by: BTreeMap::new(),
            tagged: repository.tags.values().flat_map(roots).collect(),
            only_stored: BTreeSet::new(),
            verdicts: BTreeMap::new(),
        };
        let Some(stored) = setting.pushes.stored() else { return it };
        for (digest, manifest) in repository.read() {
            for child in manifest.children() {
                it.named_by.entry(child).or_default().push(digest);
            }
        }
        let only_stored = stored.tags.iter().filter_map(|(tag, link)| match (link, repository.tags.get(tag)) {
            (StoredTag::At { digest, .. }, state) if state.and_then(TagState::digest) != Some(digest) => Some(digest),
            _ => None,
        });
        it.only_stored = repository.reach(only_stored);
        let mut reached = repository.reach(it.tagged.iter().copied());
        reached.extend(&it.only_stored);
        let unreached: Vec<&Digest> =
            repository.read().map(|(digest, _)| digest).filter(|it| !reached.contains(it)).collect();
        let is_pushed_to = it.setting.is_pushed_to(&unreached);
        for digest in unreached.into_iter().filter(|digest| setting.pushes.is_linked(digest)) {
            let verdict = it.alone(digest, is_pushed_to);
            it.verdicts.insert(digest, verdict);
        }
        it.hold();
        it
    }

    /// Whether there is anything to see at all.
    pub(super) fn is_known(&self) -> bool {
        self.setting.pushes.stored().is_some()
    }

    /// Whether the manifest goes for being untagged.
    pub(super) fn goes(&self, digest: &Digest) -> bool {
        self.verdicts.get(digest).is_some_and(Verdict::is_condemned)
    }

    /// Those that go for being untagged.
    pub(super) fn going(&self) -> impl Iterator<Item = &'a Digest> {
        self.verdicts.iter().filter(|(_, verdict)| verdict.is_condemned()).map(|(digest, _)| *digest)
    }

    /// What stays if `deleted` and `following` go.
    pub(super) fn staying<'s>(
        &'s self,
        deleted: &'s BTreeSet<Digest>,
        following: &'s BTreeSet<&'a Digest>,
    ) -> impl Iterator<Item = &'a Digest> {
        let all = self.setting.repository.read().map(|(digest, _)| digest).filter(|_| self.is_known());
        all.filter(|digest| !deleted.contains(*digest) && !following.contains(digest) && !self.goes(digest))
    }

    /// The untagged manifests below `deleted`, or below what a run of ours deleted, that go with it: nothing that stays
    /// names them, nobody uses them, and they are old enough.
    pub(super) fn following(&self, deleted: &BTreeSet<Digest>) -> BTreeSet<&'a Digest> {
        if !self.is_known() || self.unreadable.is_some() {
            return BTreeSet::new();
        }
        let mut following: BTreeSet<&Digest> =
            self.below(deleted).into_iter().filter(|digest| self.why_not_following(digest).is_none()).collect();
        loop {
            let goes = |it: &Digest| deleted.contains(it) || following.contains(it) || self.goes(it);
            let left: BTreeSet<&Digest> =
                following.iter().copied().filter(|digest| self.namers(digest).all(goes)).collect();
            if left.len() == following.len() {
                return left;
            }
            following = left;
        }
    }

    /// What becomes of each, if `deleted` and `following` go. Where nobody read the storage, nothing is said of those few
    /// that happen to be known.
    pub(super) fn into_plans(self, deleted: &BTreeSet<Digest>, following: &BTreeSet<Digest>) -> Vec<UntaggedPlan> {
        if !self.is_known() {
            return Vec::new();
        }
        let mut verdicts = self.verdicts.clone();
        for digest in self.below(deleted) {
            if following.contains(digest) {
                verdicts.insert(digest, Verdict::Condemned(Condemned::PartOfDeletedIndex));
            } else if !verdicts.contains_key(digest) {
                let stays = |it: &&Digest| !deleted.contains(*it) && !following.contains(*it) && !self.goes(it);
                let index = self
                    .namers(digest)
                    .find(stays)
                    .map_or_else(|| "that is not known".to_owned(), |it| it.short().to_owned());
                let kept = self.unreadable.clone().or_else(|| self.why_not_following(digest));
                verdicts.insert(digest, Verdict::Kept(kept.unwrap_or(Kept::PartOfKeptIndex { index })));
            }
        }
        let plan = |(digest, verdict): (&Digest, Verdict)| UntaggedPlan {
            digest: digest.clone(),
            pushed: self.setting.pushes.revision(digest).at(),
            size_bytes: size_of(self.setting.repository, digest),
            verdict,
        };
        verdicts.into_iter().map(plan).collect()
    }

    /// The manifests below `deleted`, or left by what a run of ours deleted, that no tag is at.
    fn below(&self, deleted: &BTreeSet<Digest>) -> BTreeSet<&'a Digest> {
        let repository = self.setting.repository;
        let known = deleted.iter().filter_map(|digest| repository.manifests.get_key_value(digest)).map(|(it, _)| it);
        let mut below = repository.reach(known.chain(&repository.orphans));
        let is_there = |digest: &Digest| repository.manifest(digest).is_some();
        below.retain(|it| !deleted.contains(*it) && !self.tagged.contains(it) && is_there(it));
        below
    }

    fn namers(&self, digest: &Digest) -> impl Iterator<Item = &'a Digest> {
        self.named_by.get(digest).into_iter().flatten().copied()
    }

    /// The verdict on an untagged manifest by itself.
    fn alone(&self, digest: &Digest, is_pushed_to: bool) -> Verdict {
        let Setting { name, policies, .. } = self.setting;
        if let Some(kept) = self.unreadable.clone().or_else(|| self.setting.used(digest)) {
            return Verdict::Kept(kept);
        }
        let Some(older_than) = untagged_for(policies, name.as_str()) else {
            return Verdict::Kept(Kept::UntaggedLeft);
        };
        let (least, asked_by) = if older_than < self.minimum_age {
            (self.minimum_age, AskedBy::MinimumAge)
        } else {
            (older_than, AskedBy::Untagged)
        };
        if let Some(kept) = self.setting.young(digest, least, asked_by) {
            return Verdict::Kept(kept);
        }
        if is_pushed_to {
            return Verdict::Kept(Kept::PushInProgress);
        }
        if self.setting.is_within(digest) {
            Verdict::Condemned(Condemned::Untagged { older_than: age_text(least) })
        } else {
            Verdict::Kept(Kept::NotInPlan)
        }
    }

    /// Why a manifest does not go with the index that names it, apart from what else names it.
    fn why_not_following(&self, digest: &Digest) -> Option<Kept> {
        let asks = !self.minimum_age.is_zero() || !self.setting.pushes.is_linked(digest);
        let young = || asks.then(|| self.setting.young(digest, self.minimum_age, AskedBy::MinimumAge)).flatten();
        let moved = || self.only_stored.contains(digest).then_some(Kept::NewerThanInventory);
        let planned = || (!self.setting.is_within(digest)).then_some(Kept::NotInPlan);
        self.setting.used(digest).or_else(moved).or_else(young).or_else(planned)
    }

    /// What stays holds what it names, and its referrers.
    fn hold(&mut self) {
        loop {
            let going: Vec<&Digest> = self.going().collect();
            let held: Vec<(&Digest, Kept)> =
                going.into_iter().filter_map(|digest| Some((digest, self.holder(digest)?))).collect();
            if held.is_empty() {
                return;
            }
            self.verdicts.extend(held.into_iter().map(|(digest, kept)| (digest, Verdict::Kept(kept))));
        }
    }

    fn holder(&self, digest: &Digest) -> Option<Kept> {
        if let Some(index) = self.namers(digest).find(|index| !self.goes(index)) {
            return Some(Kept::PartOfKeptIndex { index: index.short().to_owned() });
        }
        let repository = self.setting.repository;
        let subject = repository.manifest(digest)?.subject.as_ref()?;
        match repository.manifests.get(subject) {
            _ if repository.deleted.contains(subject) || self.goes(subject) => None,
            Some(ManifestState::Missing) => None,
            Some(_) => Some(Kept::CompanionOfKept { subject: Some(subject.clone()) }),
            None => Some(Kept::CompanionOfKept { subject: None }),
        }
    }
}

/// What a tag is at, with what one of our tombstones is, and what a deletion of ours left.
fn roots(state: &TagState) -> impl Iterator<Item = &Digest> {
    let other = match state {
        TagState::Entombed { tombstone, .. } => Some(tombstone),
        TagState::Dangling { deleted } => deleted.as_ref(),
        _ => None,
    };
    state.digest().into_iter().chain(other)
}
