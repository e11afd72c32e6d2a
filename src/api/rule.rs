use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Age;
use super::text::{DNS_LABEL, MAX_GLOB, MAX_ITEMS, MAX_REGEX, PRINTABLE, REPOSITORY_GLOB, TAG_GLOB};

/// Selects tags, and says which of them to keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = kube::core::Rule::new("has(self.keep) || has(self.action)")
        .message("say what becomes of the selected tags: `keep` with at least one criterion, or `action: Delete` or \
                  `action: Keep`"),
    validation = kube::core::Rule::new("!(has(self.keep) && has(self.action))")
        .message("say either `keep` or `action`, not both"),
)]
pub struct Rule {
    /// The rule's name, unique among the rules of this resource, as reports show it: at most 63 lower-case letters,
    /// digits and '-'.
    #[schemars(length(max = 63), regex(pattern = DNS_LABEL.pattern))]
    pub name: String,
    /// The repositories in which this rule selects tags.
    pub repositories: Repositories,
    /// The tags that this rule selects there.
    pub tags: Tags,
    /// What makes a selected tag worth keeping: it is kept if any criterion says so, and condemned by this rule
    /// otherwise. Either this or `action`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Keep")]
    pub keep: Option<Keep>,
    /// What becomes of every selected tag: `Delete` condemns all of them, `Keep` keeps all of them. Either this or
    /// `keep`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Action")]
    pub action: Option<Action>,
}

/// Repositories by name: those that some `include` matches and no `exclude`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Repositories {
    /// Globs over whole repository names, without host: `apps/**`. `*` stays within a path component, `**` crosses.
    /// 1 to 64; `**` alone means all.
    #[schemars(length(min = 1, max = MAX_ITEMS), inner(length(max = MAX_GLOB), regex(pattern = REPOSITORY_GLOB.pattern)))]
    pub include: Vec<String>,
    /// Globs over whole repository names that are left out again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_ITEMS), inner(length(max = MAX_GLOB), regex(pattern = REPOSITORY_GLOB.pattern)))]
    pub exclude: Vec<String>,
}

/// Tags by name: those that some `include` or `includeRegex` matches, and no `exclude` and no `excludeRegex`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = kube::core::Rule::new(
    "(has(self.include) && size(self.include) > 0) || (has(self.includeRegex) && size(self.includeRegex) > 0)")
    .message("say which tags: at least one glob in `include` or one expression in `includeRegex`; `include: [\"*\"]` \
              means all"))]
pub struct Tags {
    /// Globs over whole tags: `pr-*`. `*` alone means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_ITEMS), inner(length(max = MAX_GLOB), regex(pattern = TAG_GLOB.pattern)))]
    pub include: Vec<String>,
    /// Globs over whole tags that are left out again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_ITEMS), inner(length(max = MAX_GLOB), regex(pattern = TAG_GLOB.pattern)))]
    pub exclude: Vec<String>,
    /// Regular expressions (RE2 syntax) that must match the whole tag: `[0-9a-f]{7,40}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_ITEMS), inner(length(max = MAX_REGEX), regex(pattern = PRINTABLE.pattern)))]
    pub include_regex: Vec<String>,
    /// Regular expressions (RE2 syntax) for whole tags that are left out again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MAX_ITEMS), inner(length(max = MAX_REGEX), regex(pattern = PRINTABLE.pattern)))]
    pub exclude_regex: Vec<String>,
}

/// Criteria of which any keeps a tag.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = kube::core::Rule::new(
    "has(self.mostRecentlyPushedCount) || has(self.pushedWithin) || has(self.createdWithin) || has(self.newestVersions)")
    .message("say at least one criterion: `mostRecentlyPushedCount`, `pushedWithin`, `createdWithin` or \
              `newestVersions`"))]
pub struct Keep {
    /// Keeps this many of the most recently pushed tags, per repository, among the tags that this rule selects. Tags
    /// whose time is unknown are kept and do not use up the count; ties at its end are all kept. 1 to 10000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i32", range(min = 1, max = 10_000))]
    pub most_recently_pushed_count: Option<i32>,
    /// Keeps tags that were pushed within this time before the run. Hours, days or weeks: `24h`, `30d`, `2w`; a day is 24
    /// hours. More than zero. Only the registry's storage tells when a tag was pushed; where it cannot be read, or tells
    /// nothing that can be believed, the tag is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Age")]
    #[x_kube(validation = kube::core::Rule::new("!self.matches('^0+[hdw]$')")
        .message("must be more than zero; leave it out to keep nothing by its push time"))]
    pub pushed_within: Option<Age>,
    /// Keeps tags whose image was created within this time before the run. Hours, days or weeks: `24h`, `30d`, `2w`; a
    /// day is 24 hours. More than zero. A tag whose image does not say when it was created is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Age")]
    #[x_kube(validation = kube::core::Rule::new("!self.matches('^0+[hdw]$')")
        .message("must be more than zero; leave it out to keep nothing by its age"))]
    pub created_within: Option<Age>,
    /// Keeps the tags of the newest versions, per repository, among the tags that this rule selects. A tag that is no
    /// version is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "NewestVersions")]
    pub newest_versions: Option<NewestVersions>,
}

/// How many versions to keep, of which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewestVersions {
    /// How many of the newest versions to keep. All tags of a version within the count are kept. 1 to 10000.
    #[schemars(range(min = 1, max = 10_000))]
    pub count: i32,
    /// Counts in each `Major` line (1.x, 2.x) or each `Minor` line (1.1.x, 1.2.x) by itself. Absent: in all versions
    /// together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Per")]
    pub per: Option<Per>,
    /// Only versions in this range are ranked and kept by this criterion: `>=2.0.0`, `>=1.2, <3`. Absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 256), regex(pattern = PRINTABLE.pattern))]
    pub range: Option<String>,
    /// Whether alpha, beta, rc, dev, snapshot and similar versions are ranked (`Include`), or neither ranked nor kept
    /// by this criterion (`Exclude`, the default).
    #[serde(default)]
    pub prereleases: Prereleases,
}

/// Lines of versions that are counted by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Per {
    /// Each first number by itself: 1.x, 2.x.
    Major,
    /// Each first two numbers by themselves: 1.1.x, 1.2.x.
    Minor,
}

/// What becomes of prereleases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum Prereleases {
    /// They are neither ranked nor kept by this criterion.
    #[default]
    Exclude,
    /// They are ranked like other versions, below the release that they lead to.
    Include,
}

/// What becomes of every tag that a rule selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Action {
    /// All of them are condemned, unless another rule keeps them or something protects them.
    Delete,
    /// All of them are kept, whatever other rules say.
    Keep,
}
