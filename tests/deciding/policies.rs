//! Policies as plain words, which the oracle reads for itself, and the compiled ones that `decide` gets.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::cases::REGEXES;
use jiff::SignedDuration;
use registry_retention::retention::{
    Criteria, Effect, Globs, Limits, NewestVersions, Policy, Regexes, RepositorySelector, Role, Rule, RuleId,
    TagSelector,
};

/// A resource in plain words.
#[derive(Clone, Debug)]
pub(crate) struct PolicyWords {
    pub(crate) name: String,
    pub(crate) rules: Vec<RuleWords>,
    pub(crate) protect: Vec<&'static str>,
    pub(crate) minimum_age_hours: i64,
    pub(crate) minimum_tags: usize,
    pub(crate) untagged_hours: Option<i64>,
    pub(crate) complete_tag_lists: bool,
    /// This run is not its own: it has no say in what goes.
    pub(crate) only_keeps: bool,
}

/// A rule in plain words.
#[derive(Clone, Debug)]
pub(crate) struct RuleWords {
    pub(crate) name: String,
    pub(crate) repositories: Vec<&'static str>,
    pub(crate) not_repositories: Vec<&'static str>,
    pub(crate) tags: Vec<&'static str>,
    pub(crate) tags_regex: Vec<&'static str>,
    pub(crate) not_tags: Vec<&'static str>,
    pub(crate) not_tags_regex: Vec<&'static str>,
    pub(crate) effect: EffectWords,
}

/// What a rule does with the tags that it selects.
#[derive(Clone, Debug)]
pub(crate) enum EffectWords {
    Keep,
    Delete,
    KeepIf(CriteriaWords),
}

/// At least one of them is set.
#[derive(Clone, Debug, Default)]
pub(crate) struct CriteriaWords {
    pub(crate) most_recent: Option<usize>,
    pub(crate) pushed_within_hours: Option<i64>,
    pub(crate) created_within_hours: Option<i64>,
    pub(crate) versions: Option<VersionsWords>,
}

/// The range is either none or `>=1.1.0`.
#[derive(Clone, Debug)]
pub(crate) struct VersionsWords {
    pub(crate) count: usize,
    pub(crate) leading_numbers: usize,
    pub(crate) only_from_1_1_0: bool,
    pub(crate) prereleases: bool,
}

thread_local! {
    /// Thousands of cases use the same few patterns, and to compile one takes longer than to decide.
    static COMPILED: RefCell<HashMap<Vec<&'static str>, (Globs, Regexes)>> = RefCell::default();
}

fn compiled(patterns: &[&'static str]) -> (Globs, Regexes) {
    COMPILED.with_borrow_mut(|known| {
        let compile = || {
            let texts: Vec<String> = patterns.iter().map(ToString::to_string).collect();
            let is_regex = patterns.iter().any(|pattern| REGEXES.contains(pattern));
            let (globs, regexes): (&[String], &[String]) = if is_regex { (&[], &texts) } else { (&texts, &[]) };
            (Globs::compile(globs).expect("globs"), Regexes::compile(regexes).expect("regexes"))
        };
        known.entry(patterns.to_vec()).or_insert_with(compile).clone()
    })
}

fn globs(patterns: &[&'static str]) -> Globs {
    compiled(patterns).0
}

fn regexes(patterns: &[&'static str]) -> Regexes {
    compiled(patterns).1
}

/// Compiles them all.
pub(crate) fn compile(policies: &[PolicyWords]) -> Vec<Policy> {
    policies.iter().map(PolicyWords::compile).collect()
}

impl PolicyWords {
    fn compile(&self) -> Policy {
        let name: Arc<str> = self.name.as_str().into();
        Policy {
            rules: self.rules.iter().map(|rule| rule.compile(&name)).collect(),
            protected: globs(&self.protect),
            minimum_age: SignedDuration::from_hours(self.minimum_age_hours),
            untagged: self.untagged_hours.map(SignedDuration::from_hours),
            limits: Limits {
                max_delete_percent: 50,
                max_deletions: 10_000,
                min_tags_per_repository: self.minimum_tags,
            },
            complete_tag_lists: self.complete_tag_lists,
            role: if self.only_keeps { Role::Keeps } else { Role::Condemns },
            name,
        }
    }
}

impl RuleWords {
    fn compile(&self, policy: &Arc<str>) -> Rule {
        Rule {
            id: RuleId { policy: Arc::clone(policy), rule: self.name.as_str().into() },
            repositories: RepositorySelector {
                include: globs(&self.repositories),
                exclude: globs(&self.not_repositories),
            },
            tags: TagSelector {
                include: globs(&self.tags),
                include_regex: regexes(&self.tags_regex),
                exclude: globs(&self.not_tags),
                exclude_regex: regexes(&self.not_tags_regex),
            },
            effect: match &self.effect {
                EffectWords::Keep => Effect::Keep,
                EffectWords::Delete => Effect::Delete,
                EffectWords::KeepIf(criteria) => Effect::KeepIf(criteria.compile()),
            },
        }
    }
}

impl CriteriaWords {
    fn compile(&self) -> Criteria {
        Criteria {
            most_recently_pushed: self.most_recent,
            pushed_within: self.pushed_within_hours.map(SignedDuration::from_hours),
            created_within: self.created_within_hours.map(SignedDuration::from_hours),
            newest_versions: self.versions.as_ref().map(|versions| NewestVersions {
                count: versions.count,
                leading_numbers: versions.leading_numbers,
                range: versions.only_from_1_1_0.then(|| ">=1.1.0".parse().expect("a range")),
                prereleases: versions.prereleases,
            }),
        }
    }
}
