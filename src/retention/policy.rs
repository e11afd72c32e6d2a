use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;
use semver::VersionReq;
use serde::Serialize;

use super::pattern::{Globs, Regexes};

/// One resource, compiled: what is left of a `RegistryRetention` once every pattern and duration in it is known to
/// be good.
#[derive(Clone, Debug)]
pub struct Policy {
    /// `namespace/name`, or `name` where there is no namespace.
    pub name: Arc<str>,
    /// Whether its rules let anything go in this run.
    pub role: Role,
    /// In the order written; the order decides nothing.
    pub rules: Vec<Rule>,
    /// Tags that are never deleted, whatever the rules say.
    pub protected: Globs,
    /// Nothing more recent than this is deleted; zero turns it off.
    pub minimum_age: SignedDuration,
    /// How long manifests that nothing reaches are left; `None`: for ever.
    pub untagged: Option<SignedDuration>,
    /// What a plan may not exceed without a person's word.
    pub limits: Limits,
    /// The admin's statement that the registry's tag lists hide nothing.
    pub complete_tag_lists: bool,
}

/// What a resource has a say in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// This run carries it out: its rules let tags go, and keep them.
    Condemns,
    /// It is not its turn, or nobody enforces it: its rules only keep. Its protections, minimum age and limits hold as
    /// ever.
    Keeps,
}

/// One rule: what it selects, and what becomes of it.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name and its resource's.
    pub id: RuleId,
    /// The repositories that it reaches.
    pub repositories: RepositorySelector,
    /// The tags that it selects there.
    pub tags: TagSelector,
    /// What becomes of them.
    pub effect: Effect,
}

/// A rule's name, with its resource's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RuleId {
    /// The resource.
    pub policy: Arc<str>,
    /// The rule in it.
    pub rule: Arc<str>,
}

/// Globs over repository names.
#[derive(Clone, Debug)]
pub struct RepositorySelector {
    /// At least one must match.
    pub include: Globs,
    /// None may match.
    pub exclude: Globs,
}

/// Globs and regexes over tags.
#[derive(Clone, Debug)]
pub struct TagSelector {
    /// At least one of these,
    pub include: Globs,
    /// or of these must match;
    pub include_regex: Regexes,
    /// none of these
    pub exclude: Globs,
    /// nor of these may.
    pub exclude_regex: Regexes,
}

/// What becomes of the tags that a rule selects.
#[derive(Clone, Debug)]
pub enum Effect {
    /// All are kept.
    Keep,
    /// All go.
    Delete,
    /// Those that any criterion keeps are kept; the others go.
    KeepIf(Criteria),
}

/// The criteria of one rule. One that is absent keeps nothing.
#[derive(Clone, Debug, Default)]
pub struct Criteria {
    /// This many most recent tags of each repository.
    pub most_recently_pushed: Option<usize>,
    /// Those pushed within this time.
    pub pushed_within: Option<SignedDuration>,
    /// Those created within this time.
    pub created_within: Option<SignedDuration>,
    /// The newest versions.
    pub newest_versions: Option<NewestVersions>,
}

impl Criteria {
    /// Whether there is no criterion at all.
    pub fn is_empty(&self) -> bool {
        self.most_recently_pushed.is_none()
            && self.pushed_within.is_none()
            && self.created_within.is_none()
            && self.newest_versions.is_none()
    }
}

/// Which versions are the newest.
#[derive(Clone, Debug)]
pub struct NewestVersions {
    /// How many of each line.
    pub count: usize,
    /// How many leading numbers make a line: none, major, or major and minor.
    pub leading_numbers: usize,
    /// Only versions in this range are counted and kept.
    pub range: Option<VersionReq>,
    /// Whether prereleases are counted and kept.
    pub prereleases: bool,
}

/// What a plan may not exceed without a person's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Of all tags in the repositories that the rules reach, in percent.
    pub max_delete_percent: u32,
    /// Tags in one plan.
    pub max_deletions: usize,
    /// Tags that remain in each repository.
    pub min_tags_per_repository: usize,
}

impl Policy {
    /// The same, with a say only in what is kept.
    #[must_use]
    pub fn keeps_only(self) -> Self {
        Self { role: Role::Keeps, ..self }
    }

    /// Whether its rules let anything go in this run.
    pub fn condemns(&self) -> bool {
        self.role == Role::Condemns
    }
}

/// How long manifests that nothing reaches are left in `repository`: as long as the most patient of those whose rules
/// reach it says. One that says nothing leaves them for ever, or a field that goes missing would make a plan larger.
pub(super) fn untagged_for(policies: &[Policy], repository: &str) -> Option<SignedDuration> {
    let reaches = |policy: &&Policy| policy.rules.iter().any(|rule| rule.repositories.matches(repository));
    let reaching: Vec<&Policy> = policies.iter().filter(reaches).collect();
    let ages: Option<Vec<SignedDuration>> = reaching.iter().map(|policy| policy.untagged).collect();
    ages?.into_iter().max().filter(|_| reaching.iter().any(|policy| policy.condemns()))
}

impl Limits {
    /// The stricter of each.
    pub fn strictest(policies: &[Policy]) -> Self {
        policies.iter().map(|policy| policy.limits).fold(Self::NONE, |a, b| Self {
            max_delete_percent: a.max_delete_percent.min(b.max_delete_percent),
            max_deletions: a.max_deletions.min(b.max_deletions),
            min_tags_per_repository: a.min_tags_per_repository.max(b.min_tags_per_repository),
        })
    }

    const NONE: Self = Self { max_delete_percent: 100, max_deletions: usize::MAX, min_tags_per_repository: 0 };
}

impl RepositorySelector {
    /// Whether the repository is selected.
    pub fn matches(&self, repository: &str) -> bool {
        self.include.matches(repository) && !self.exclude.matches(repository)
    }
}

impl TagSelector {
    /// Whether the tag is selected.
    pub fn matches(&self, tag: &str) -> bool {
        (self.include.matches(tag) || self.include_regex.matches(tag))
            && !self.exclude.matches(tag)
            && !self.exclude_regex.matches(tag)
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {} of {}", self.rule, self.policy)
    }
}
