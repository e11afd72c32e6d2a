//! What each rule says of the tags that it selects in one repository, and what that comes to for one of them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::age::{AgeDoubt, Created, pushed_or_created};
use super::policy::{Criteria, Effect, NewestVersions, Role, Rule, RuleId};
use super::pushed::Pushed;
use super::verdict::{AskedBy, Condemned, Criterion, Kept, Verdict};
use super::version::{Line, TagVersion};
use crate::oci::Tag;

/// A tag as the rules see it.
pub(super) struct Candidate<'a> {
    pub(super) tag: &'a Tag,
    pub(super) created: Created,
    pub(super) pushed: Pushed,
    /// Removed already; it takes no place from a tag that is there.
    pub(super) gone: bool,
    /// Whether it takes a place in a ranking by time.
    pub(super) ranks: bool,
}

impl Candidate<'_> {
    fn created(&self) -> Result<Timestamp, AgeDoubt> {
        match self.created {
            Created::At(at) => Ok(at),
            Created::Unknown(doubt) => Err(AgeDoubt::Created(doubt)),
        }
    }

    fn pushed(&self) -> Result<Timestamp, AgeDoubt> {
        match self.pushed {
            Pushed::At(at) => Ok(at),
            Pushed::Unknown(doubt) => Err(AgeDoubt::Pushed(doubt)),
        }
    }

    fn ranked_by(&self) -> Result<Timestamp, AgeDoubt> {
        pushed_or_created(self.pushed, self.created)
    }
}

/// What one rule says of one tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Says {
    Keep(Criterion),
    AgeUnknown(AgeDoubt),
    NotAVersion,
    /// It would let it go, if this run were of its resource.
    NotNow,
    Go,
    Delete,
}

impl Says {
    /// As it counts for a resource of this `role`.
    pub(super) fn of(self, role: Role) -> Self {
        match (role, self) {
            (Role::Keeps, Self::Go | Self::Delete) => Self::NotNow,
            (_, says) => says,
        }
    }
}

impl fmt::Display for Says {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep(criterion) => write!(f, "keeps it: {criterion}"),
            Self::AgeUnknown(doubt) => write!(f, "cannot tell its age: {doubt}"),
            Self::NotAVersion => f.write_str("keeps it, since it is no version"),
            Self::NotNow => f.write_str("lets it go, but this run is not of that resource"),
            Self::Go => f.write_str("lets it go: no criterion holds"),
            Self::Delete => f.write_str("deletes it"),
        }
    }
}

/// What `rule` says of each of `selected`, in their order.
pub(super) fn evaluate(rule: &Rule, selected: &[&Candidate<'_>], now: Timestamp) -> Vec<Says> {
    match &rule.effect {
        Effect::Keep => vec![Says::Keep(Criterion::Always); selected.len()],
        Effect::Delete => vec![Says::Delete; selected.len()],
        Effect::KeepIf(criteria) => judge_all(criteria, selected, now),
    }
}

/// A tag is kept if any criterion says so; else if any cannot tell; else it goes.
fn judge_all(criteria: &Criteria, selected: &[&Candidate<'_>], now: Timestamp) -> Vec<Says> {
    let recent = criteria.most_recently_pushed.map(|count| (count, rank_threshold(selected, count)));
    let versions = criteria.newest_versions.as_ref().map(|newest| newest_of(newest, selected));
    let judge = |candidate: &&Candidate<'_>| {
        let mut verdicts = Vec::with_capacity(4);
        if let Some((count, threshold)) = recent {
            verdicts.push(by_time(candidate.ranked_by(), threshold, || Criterion::MostRecent(count)));
        }
        if let Some(within) = criteria.pushed_within {
            verdicts.push(by_time(candidate.pushed(), now.checked_sub(within).ok(), || {
                Criterion::PushedWithin(age_text(within))
            }));
        }
        if let Some(within) = criteria.created_within {
            verdicts.push(by_time(candidate.created(), now.checked_sub(within).ok(), || {
                Criterion::CreatedWithin(age_text(within))
            }));
        }
        if let (Some(newest), Some(versions)) = (&criteria.newest_versions, &versions) {
            verdicts.push(match versions.get(candidate.tag) {
                None => Says::NotAVersion,
                Some(true) => Says::Keep(Criterion::NewestVersion(newest.count)),
                Some(false) => Says::Go,
            });
        }
        verdicts.into_iter().min_by_key(precedence).unwrap_or(Says::Keep(Criterion::Always))
    };
    selected.iter().map(judge).collect()
}

fn precedence(says: &Says) -> u8 {
    match says {
        Says::Keep(_) => 0,
        Says::AgeUnknown(_) => 1,
        Says::NotAVersion => 2,
        Says::NotNow | Says::Go | Says::Delete => 3,
    }
}

/// Kept if of the threshold or after it; with no threshold everything is kept.
fn by_time(
    time: Result<Timestamp, AgeDoubt>,
    threshold: Option<Timestamp>,
    criterion: impl FnOnce() -> Criterion,
) -> Says {
    match (time, threshold) {
        (Err(doubt), _) => Says::AgeUnknown(doubt),
        (Ok(at), Some(threshold)) if at < threshold => Says::Go,
        (Ok(_), _) => Says::Keep(criterion()),
    }
}

/// The time of the `count`-th most recent; `None` if there are no more than that. Unknown ages stand outside
/// the ranking, and whoever ties with the last one ranked is in.
fn rank_threshold(selected: &[&Candidate<'_>], count: usize) -> Option<Timestamp> {
    let mut times: Vec<Timestamp> = selected
        .iter()
        .filter(|candidate| candidate.ranks)
        .filter_map(|candidate| candidate.ranked_by().ok())
        .collect();
    times.sort_unstable_by_key(|at| Reverse(*at));
    times.get(count.saturating_sub(1)).copied()
}

/// Each tag that is a version, with whether it is among the newest of its line. Several tags of one version count as
/// one.
fn newest_of<'a>(newest: &NewestVersions, selected: &[&Candidate<'a>]) -> BTreeMap<&'a Tag, bool> {
    let versions: Vec<(&Candidate<'a>, TagVersion)> =
        selected.iter().filter_map(|candidate| Some((*candidate, TagVersion::parse(candidate.tag)?))).collect();
    let counts = |version: &TagVersion| {
        (newest.prereleases || !version.is_prerelease())
            && newest.range.as_ref().is_none_or(|range| version.is_in(range))
    };
    let mut lines: BTreeMap<Line, BTreeSet<&TagVersion>> = BTreeMap::new();
    for (_, version) in versions.iter().filter(|(candidate, version)| !candidate.gone && counts(version)) {
        lines.entry(version.line(newest.leading_numbers)).or_default().insert(version);
    }
    let oldest_kept: BTreeMap<&Line, &TagVersion> = lines
        .iter()
        .filter_map(|(line, members)| Some((line, *members.iter().rev().nth(newest.count.saturating_sub(1))?)))
        .collect();
    // A line with no more than `count` keeps them all.
    let is_kept = |version: &TagVersion| {
        counts(version)
            && oldest_kept.get(&version.line(newest.leading_numbers)).is_none_or(|oldest| version >= *oldest)
    };
    versions.iter().map(|(candidate, version)| (candidate.tag, is_kept(version))).collect()
}

/// The first rule that keeps the tag, certain ones before those that cannot tell.
pub(super) fn kept_by_rule(said: &[(RuleId, Says)]) -> Option<Kept> {
    let condemned_by_other = |keeper: &RuleId| {
        let goes = |says: &Says| matches!(says, Says::Go | Says::Delete);
        said.iter().any(|(rule, says)| rule.policy != keeper.policy && goes(says))
    };
    let certain = said.iter().find_map(|(rule, says)| match says {
        Says::Keep(criterion) if condemned_by_other(rule) => {
            Some(Kept::Elsewhere { rule: rule.clone(), criterion: criterion.clone() })
        }
        Says::Keep(criterion) => Some(Kept::ByRule { rule: rule.clone(), criterion: criterion.clone() }),
        _ => None,
    });
    certain.or_else(|| {
        said.iter().find_map(|(rule, says)| match says {
            Says::AgeUnknown(doubt) => Some(Kept::AgeUnknown { asked_by: AskedBy::Rule(rule.clone()), doubt: *doubt }),
            Says::NotAVersion => Some(Kept::NotAVersion { rule: rule.clone() }),
            _ => None,
        })
    })
}

/// What becomes of a tag that nothing keeps: only those rules condemn it that this run carries out.
pub(super) fn unkept(said: &[(RuleId, Says)]) -> Verdict {
    let those = |what: Says| said.iter().filter(move |(_, says)| *says == what).map(|(rule, _)| rule.clone());
    if let Some(rule) = those(Says::Delete).next() {
        return Verdict::Condemned(Condemned::DeleteAction { rule });
    }
    let rules: Vec<RuleId> = those(Says::Go).collect();
    match (rules.is_empty(), those(Says::NotNow).next()) {
        (true, Some(rule)) => Verdict::Kept(Kept::OtherRun { rule }),
        _ => Verdict::Condemned(Condemned::NoLongerKept { rules }),
    }
}

/// A duration as people write it in a resource: whole days as `30d`, else hours.
pub(super) fn age_text(age: SignedDuration) -> String {
    match age.as_hours() {
        hours if hours > 0 && hours % 24 == 0 => format!("{}d", hours / 24),
        hours => format!("{hours}h"),
    }
}
