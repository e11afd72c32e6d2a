//! The verdict on each tag by itself: selection, protections, rules, ages. What tags mean for one another comes after.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::age::{AgeSource, Created, pushed_or_created};
use super::approval::Entry;
use super::inventory::{Inventory, Repository, Subject, TagState};
use super::plan::{Removal, TagPlan};
use super::policy::{Policy, RuleId};
use super::push_times::{PushTimes, RepositoryPushes};
use super::pushed::{PushDoubt, Pushed};
use super::rules::{Candidate, Says, evaluate, kept_by_rule, unkept};
use super::space::size_of;
use super::uses::Uses;
use super::verdict::{Condemned, Kept, Verdict};
use super::young::{Ages, too_young};
use crate::oci::{Digest, RepositoryName, Tag};

/// One tag on its way to a verdict.
pub(super) struct Judged<'a> {
    pub(super) tag: &'a Tag,
    pub(super) state: &'a TagState,
    pub(super) subject: Subject<'a>,
    pub(super) created: Created,
    pub(super) pushed: Pushed,
    pub(super) selected_by: Vec<RuleId>,
    pub(super) verdict: Verdict,
}

impl Judged<'_> {
    pub(super) fn digest(&self) -> Option<&Digest> {
        self.state.digest()
    }

    pub(super) fn is_companion(&self) -> bool {
        self.subject != Subject::None
    }

    pub(super) fn keep(&mut self, why: Kept) {
        self.verdict = Verdict::Kept(why);
    }

    pub(super) fn keep_unless_in(&mut self, stored: &BTreeSet<Entry>, repository: &RepositoryName) {
        let digest = match &self.verdict {
            Verdict::Kept(_) => return,
            Verdict::Condemned(Condemned::DanglingOfOurs { digest }) => Some(digest),
            Verdict::Condemned(_) => self.digest(),
        };
        let entry = |digest: &Digest| Entry {
            repository: repository.clone(),
            tag: Some(self.tag.clone()),
            digest: digest.clone(),
        };
        if !digest.is_some_and(|digest| stored.contains(&entry(digest))) {
            self.keep(Kept::NotInPlan);
        }
    }

    pub(super) fn into_plan(self, repository: &Repository, removal: Option<Removal>) -> TagPlan {
        TagPlan {
            tag: self.tag.clone(),
            digest: self.digest().cloned(),
            created: self.created.at().map(Created::At),
            pushed: self.pushed.at(),
            age_source: AgeSource::of(self.pushed, self.created),
            size_bytes: self.digest().map_or(0, |digest| size_of(repository, digest)),
            companion: self.is_companion(),
            selected_by: self.selected_by,
            verdict: self.verdict,
            removal,
        }
    }
}

/// The verdict of the rules and protections on each tag by itself; what tags mean for one another comes after.
pub(super) fn judge<'a>(
    name: &RepositoryName,
    repository: &'a Repository,
    policies: &[Policy],
    uses: &Uses<'_>,
    pushes: &RepositoryPushes<'_>,
    now: Timestamp,
) -> Vec<Judged<'a>> {
    let keys = repository.companion_keys();
    let grounds = Grounds::new(name, (repository, &keys), policies, pushes, now);
    repository.tags.iter().map(|(tag, state)| grounds.judge(tag, state, uses)).collect()
}

/// What each rule that selects `tag` of the repository says of it, for whoever asks why.
pub fn opinions(
    inventory: &Inventory,
    name: &RepositoryName,
    policies: &[Policy],
    tag: &Tag,
    now: Timestamp,
) -> Vec<(RuleId, String)> {
    let Some(repository) = inventory.repositories.get(name) else { return Vec::new() };
    let keys = repository.companion_keys();
    let pushes = PushTimes::new(inventory, now).of(name, repository);
    let grounds = Grounds::new(name, (repository, &keys), policies, &pushes, now);
    let said = grounds.said.get(tag).map_or([].as_slice(), Vec::as_slice);
    said.iter().map(|(rule, says)| (rule.clone(), says.to_string())).collect()
}

/// All that the verdict on one tag by itself depends on.
struct Grounds<'a, 'p> {
    repository: &'a Repository,
    keys: &'p BTreeMap<String, &'a Digest>,
    policies: &'p [Policy],
    pushes: &'p RepositoryPushes<'p>,
    now: Timestamp,
    minimum_age: SignedDuration,
    ages: BTreeMap<&'a Tag, (Created, Pushed)>,
    said: BTreeMap<&'a Tag, Vec<(RuleId, Says)>>,
    unreadable: Option<Kept>,
}

impl<'a, 'p> Grounds<'a, 'p> {
    fn new(
        name: &RepositoryName,
        (repository, keys): (&'a Repository, &'p BTreeMap<String, &'a Digest>),
        policies: &'p [Policy],
        pushes: &'p RepositoryPushes<'p>,
        now: Timestamp,
    ) -> Self {
        let mut by_digest: BTreeMap<&Digest, Created> = BTreeMap::new();
        let mut candidates: Vec<Candidate<'a>> = Vec::new();
        for (tag, state) in &repository.tags {
            let Some(digest) = state.digest() else { continue };
            let created = *by_digest.entry(digest).or_insert_with(|| repository.created(digest, now));
            if repository.subject_of(tag, state, keys) == Subject::None {
                candidates.push(Candidate {
                    tag,
                    created,
                    pushed: pushes.tag(tag, state),
                    gone: matches!(state, TagState::Removed(_)),
                    ranks: pushes.ranks(tag, state),
                });
            }
        }
        let mut said: BTreeMap<&'a Tag, Vec<(RuleId, Says)>> = BTreeMap::new();
        let rules = policies.iter().flat_map(|policy| policy.rules.iter().map(|rule| (policy.role, rule)));
        for (role, rule) in rules.filter(|(_, rule)| rule.repositories.matches(name.as_str())) {
            let selected: Vec<&Candidate<'a>> =
                candidates.iter().filter(|it| rule.tags.matches(it.tag.as_str())).collect();
            for (candidate, says) in selected.iter().zip(evaluate(rule, &selected, now)) {
                said.entry(candidate.tag).or_default().push((rule.id.clone(), says.of(role)));
            }
        }
        for said in said.values_mut() {
            said.sort();
        }
        Self {
            repository,
            keys,
            policies,
            pushes,
            now,
            minimum_age: policies.iter().map(|policy| policy.minimum_age).max().unwrap_or_default(),
            ages: candidates.iter().map(|it| (it.tag, (it.created, it.pushed))).collect(),
            said,
            unreadable: repository.first_unreadable().map(|(what, why)| Kept::Unreadable { what, why: why.to_owned() }),
        }
    }

    fn judge(&self, tag: &'a Tag, state: &'a TagState, uses: &Uses<'_>) -> Judged<'a> {
        let subject = self.repository.subject_of(tag, state, self.keys);
        let said = self.said.get(tag).map_or([].as_slice(), Vec::as_slice);
        let unknown = (Created::youngest(std::iter::empty()), Pushed::Unknown(PushDoubt::Unread));
        let (created, pushed) = self.ages.get(tag).copied().unwrap_or(unknown);
        let in_use = uses.user(tag, state.digest()).map(|users| Kept::InUse { user: users.to_string() });
        let verdict = match (state, subject) {
            (TagState::Dangling { deleted: Some(digest) }, _) => {
                Verdict::Condemned(Condemned::DanglingOfOurs { digest: digest.clone() })
            }
            (TagState::Dangling { deleted: None }, _) => Verdict::Kept(Kept::Dangling),
            (TagState::Unreadable(why), _) => {
                Verdict::Kept(Kept::Unreadable { what: format!("tag {tag}"), why: why.clone() })
            }
            (_, Subject::Unknown) => Verdict::Kept(Kept::CompanionOfKept { subject: None }),
            (_, Subject::Of(digest)) => match in_use {
                Some(kept) => Verdict::Kept(kept),
                // Whether its subject goes is settled later; until then it goes along.
                None => Verdict::Condemned(Condemned::CompanionOfDeleted { subject: digest.clone() }),
            },
            (_, Subject::None) => self.of_rules(tag, state, (created, pushed), said, in_use),
        };
        let mut judged = Judged {
            tag,
            state,
            subject,
            created,
            pushed,
            selected_by: said.iter().map(|(rule, _)| rule.clone()).collect(),
            verdict,
        };
        if let (true, Some(unreadable)) = (judged.verdict.is_condemned(), &self.unreadable) {
            judged.keep(unreadable.clone());
        }
        judged
    }

    /// The first decisive answer, in the order of the design: selection, protection, use, what is too new to be judged, rules, age.
    fn of_rules(
        &self,
        tag: &Tag,
        state: &TagState,
        (created, pushed): (Created, Pushed),
        said: &[(RuleId, Says)],
        in_use: Option<Kept>,
    ) -> Verdict {
        if said.is_empty() {
            return Verdict::Kept(Kept::Unselected);
        }
        let newer = || self.pushes.is_newer(tag, state).then_some(Kept::NewerThanInventory);
        let kept = self.protected(tag).or(in_use).or_else(newer).or_else(|| kept_by_rule(said));
        let first_seen = self.repository.first_seen.get(tag).copied();
        let ages = Ages { created, pushed, first_seen };
        let kept = kept.or_else(|| too_young(self.minimum_age, state, &ages, self.now));
        kept.map_or_else(|| unkept(said), Verdict::Kept)
    }

    /// The first resource by name whose first pattern by name matches: the order in which they came must not show.
    fn protected(&self, tag: &Tag) -> Option<Kept> {
        let protecting = self.policies.iter().filter_map(|policy| {
            let pattern = policy.protected.first_match(tag.as_str())?;
            Some((&policy.name, pattern))
        });
        let (policy, pattern) = protecting.min()?;
        Some(Kept::Protected { policy: Arc::clone(policy), pattern: pattern.to_owned() })
    }
}

/// The condemned tags that are to be kept so that `minimum` remain: the newest, those of unknown age first. A tag that
/// is removed already remains no more; its manifest may be kept last of all.
pub(super) fn newest_condemned(judged: &[Judged<'_>], minimum: usize) -> BTreeSet<usize> {
    let gone = |it: &Judged<'_>| matches!(it.state, TagState::Removed(_));
    let ordinary: Vec<(usize, &Judged<'_>)> =
        judged.iter().enumerate().filter(|(_, it)| !it.is_companion() && it.digest().is_some()).collect();
    let remaining = ordinary.iter().filter(|(_, it)| !it.verdict.is_condemned() && !gone(it)).count();
    let mut going: Vec<&(usize, &Judged<'_>)> = ordinary.iter().filter(|(_, it)| it.verdict.is_condemned()).collect();
    let time = |it: &Judged<'_>| pushed_or_created(it.pushed, it.created).ok();
    going.sort_by_key(|(_, it)| (gone(it), time(it).is_some(), Reverse(time(it)), Reverse(it.tag)));
    going.into_iter().take(minimum.saturating_sub(remaining)).map(|(index, _)| *index).collect()
}
