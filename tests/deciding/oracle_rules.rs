//! The oracle's reading of the rules: whether the rules and protections alone let an ordinary tag go.
//! Straight from the sentences of the design; slow, and without any code of the crate.

use jiff::Timestamp;
use registry_retention::oci::{Content, Digest, Tag};
use registry_retention::retention::{ManifestState, Repository, TagState};

use crate::oracle_pushes::Push;
use crate::policies::{CriteriaWords, EffectWords, PolicyWords, RuleWords, VersionsWords};
use crate::versions::known_version;

/// An ordinary tag and when its image was created; unknown is `None`.
pub(crate) struct Ordinary<'a> {
    pub(crate) tag: &'a Tag,
    pub(crate) created: Option<Timestamp>,
    pub(crate) push: Push,
    /// Removed already: no longer one of the tags among which it would be ranked.
    pub(crate) gone: bool,
}

/// "A tag that no rule of any resource selects is kept. A tag is condemned only if some rule selects it, no rule that
/// selects it keeps it, and nothing protects it." "Only a rule of a resource whose run is due condemns; the others only
/// keep."
pub(crate) fn rules_let_go(
    it: &Ordinary<'_>,
    all: &[Ordinary<'_>],
    (name, repository): (&str, &Repository),
    policies: &[PolicyWords],
    now: Timestamp,
) -> bool {
    let rules: Vec<&RuleWords> = policies.iter().flat_map(|policy| &policy.rules).collect();
    let selecting: Vec<&&RuleWords> = rules.iter().filter(|rule| selects(rule, name, it.tag)).collect();
    let kept_by_rule = selecting.iter().any(|rule| {
        let others: Vec<&Ordinary<'_>> =
            all.iter().filter(|other| !other.gone && selects(rule, name, other.tag)).collect();
        match &rule.effect {
            EffectWords::Keep => true,
            EffectWords::Delete => false,
            EffectWords::KeepIf(criteria) => criteria_keep(criteria, it, &others, now),
        }
    });
    let protected = policies.iter().any(|policy| any_glob(&policy.protect, it.tag.as_str()));
    let due = policies.iter().filter(|policy| !policy.only_keeps).flat_map(|policy| &policy.rules);
    let condemned_by_rule = due.into_iter().any(|rule| selects(rule, name, it.tag));
    condemned_by_rule && !it.push.newer && !kept_by_rule && !protected && old_enough(it, repository, policies, now)
}

impl Ordinary<'_> {
    /// "`pushedWithin` and `mostRecentlyPushedCount` use push times. Without storage, the rank falls back on creation
    /// times."
    pub(crate) fn ranked_by(&self) -> Option<Timestamp> {
        if self.push.unread { self.created } else { self.push.at }
    }
}

/// With the storage, the push must be older. Without: "`minimumAge` needs both the creation and the first time seen at this digest to be older"; `0h` turns it off. What a run
/// removed was old enough then.
fn old_enough(it: &Ordinary<'_>, repository: &Repository, policies: &[PolicyWords], now: Timestamp) -> bool {
    policies.iter().map(|policy| policy.minimum_age_hours).filter(|hours| *hours > 0).all(|hours| {
        let is_older = |time: Option<&Timestamp>| time.is_some_and(|time| hours_ago(*time, now) >= seconds(hours));
        if !it.push.unread {
            return is_older(it.push.at.as_ref());
        }
        is_older(it.created.as_ref()) && (it.gone || is_older(repository.first_seen.get(it.tag)))
    })
}

fn seconds(hours: i64) -> i64 {
    hours * 3600
}

fn hours_ago(time: Timestamp, now: Timestamp) -> i64 {
    now.as_second() - time.as_second()
}

fn selects(rule: &RuleWords, repository: &str, tag: &Tag) -> bool {
    let tag = tag.as_str();
    any_glob(&rule.repositories, repository)
        && !any_glob(&rule.not_repositories, repository)
        && (any_glob(&rule.tags, tag) || any_regex(&rule.tags_regex, tag))
        && !any_glob(&rule.not_tags, tag)
        && !any_regex(&rule.not_tags_regex, tag)
}

/// "A tag is kept if ANY of them says so"; and one that cannot tell says so.
fn criteria_keep(criteria: &CriteriaWords, it: &Ordinary<'_>, selected: &[&Ordinary<'_>], now: Timestamp) -> bool {
    let recent = criteria.most_recent.is_some_and(|count| match it.ranked_by() {
        None => true,
        Some(at) => {
            let ranked = selected.iter().filter(|other| other.push.own);
            ranked.filter(|other| other.ranked_by().is_some_and(|other| other > at)).count() < count
        }
    });
    let pushed = criteria
        .pushed_within_hours
        .is_some_and(|hours| it.push.at.is_none_or(|at| hours_ago(at, now) <= seconds(hours)));
    let within = criteria
        .created_within_hours
        .is_some_and(|hours| it.created.is_none_or(|at| hours_ago(at, now) <= seconds(hours)));
    let newest = criteria.versions.as_ref().is_some_and(|versions| is_newest(versions, it, selected));
    recent || pushed || within || newest
}

/// Fewer than `count` different newer versions of its line are selected, or it is no version at all.
fn is_newest(words: &VersionsWords, it: &Ordinary<'_>, selected: &[&Ordinary<'_>]) -> bool {
    let Some(version) = known_version(it.tag.as_str()) else { return true };
    let counts = |version: &crate::versions::KnownVersion| {
        (version.release || words.prereleases) && (version.from_1_1_0 || !words.only_from_1_1_0)
    };
    let mut newer: Vec<_> = selected
        .iter()
        .filter_map(|other| known_version(other.tag.as_str()))
        .filter(|other| counts(other) && other.competes_with(&version, words.leading_numbers))
        .map(|other| other.rank())
        .filter(|other| *other > version.rank())
        .collect();
    newer.sort_unstable();
    newer.dedup();
    counts(&version) && newer.len() < words.count
}

/// "Annotation `org.opencontainers.image.created`, else the config's `created`; of an index, else its youngest
/// child's. A missing, ancient (before 1990) or future time is unknown."
pub(crate) fn created(repository: &Repository, digest: &Digest, now: Timestamp) -> Option<Timestamp> {
    let mut asked = vec![digest];
    let mut youngest = None;
    let mut at = 0;
    while let Some(digest) = asked.get(at).copied() {
        at += 1;
        let Some(ManifestState::Read(manifest)) = repository.manifests.get(digest) else { continue };
        let text = match (&manifest.created, &manifest.content) {
            (Some(text), _) => Some(text),
            (None, Content::Image { config, .. }) => repository.configs.get(&config.digest)?.as_ref(),
            (None, Content::Index { manifests }) => {
                for child in manifests {
                    if !asked.contains(&&child.digest) {
                        asked.push(&child.digest);
                    }
                }
                None
            }
        };
        let time = text.and_then(|text| text.parse::<Timestamp>().ok());
        let believed = time.filter(|time| *time <= now && time.to_string().as_str() >= "1990");
        youngest = youngest.max(believed);
    }
    youngest
}

/// The digest by which a tag is judged.
pub(crate) fn judged_by(state: &TagState) -> Option<&Digest> {
    match state {
        TagState::At(digest) | TagState::Removed(digest) => Some(digest),
        TagState::Entombed { original, .. } => Some(original),
        TagState::Dangling { .. } | TagState::Unreadable(_) | TagState::Unread => None,
    }
}

pub(crate) fn any_glob(patterns: &[&str], name: &str) -> bool {
    patterns.iter().any(|pattern| glob(pattern.as_bytes(), name.as_bytes()))
}

fn glob(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', b'*', rest @ ..], _) => (0..=name.len()).any(|taken| glob(rest, &name[taken..])),
        ([b'*', rest @ ..], _) => {
            (0..=name.len()).take_while(|taken| !name[..*taken].contains(&b'/')).any(|taken| glob(rest, &name[taken..]))
        }
        ([b'?', rest @ ..], [letter, others @ ..]) => *letter != b'/' && glob(rest, others),
        ([expected, rest @ ..], [letter, others @ ..]) => expected == letter && glob(rest, others),
        _ => false,
    }
}

fn any_regex(patterns: &[&str], name: &str) -> bool {
    patterns.iter().any(|pattern| match *pattern {
        "pr-[0-9]+" => name
            .strip_prefix("pr-")
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|letter| letter.is_ascii_digit())),
        "[0-9].*" => name.starts_with(|letter: char| letter.is_ascii_digit()),
        other => panic!("the oracle does not know {other}"),
    })
}
