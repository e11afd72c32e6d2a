use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;
use semver::VersionReq;

use super::pattern::{Globs, PatternError, Regexes};
use super::policy::{
    Criteria, Effect, Limits, NewestVersions, Policy, RepositorySelector, Role, Rule, RuleId, TagSelector,
};
use crate::api;

/// A field of a resource that no schema can judge and that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct InvalidField {
    /// Its path, such as `spec.rules[0].tags.include`.
    pub field: String,
    /// What is wrong, and how it is put right.
    pub why: String,
}

impl Policy {
    /// Compiles a resource that its schema has admitted.
    ///
    /// # Errors
    ///
    /// Every field that is wrong, in the order of the resource.
    pub fn compile(resource: &api::RegistryRetention) -> Result<Self, Vec<InvalidField>> {
        let name = resource.metadata.name.as_deref().unwrap_or_default();
        let name: Arc<str> = match resource.metadata.namespace.as_deref() {
            Some(namespace) => format!("{namespace}/{name}").into(),
            None => name.into(),
        };
        let spec = &resource.spec;
        let mut faults = Faults::default();
        let rules: Vec<Option<Rule>> =
            spec.rules.iter().enumerate().map(|(index, rule)| compile_rule(&name, index, rule, &mut faults)).collect();
        let protected = faults.pattern("spec.protect.tags", Globs::compile(&spec.protect.tags));
        let limits = Limits {
            max_delete_percent: count(spec.limits.max_delete_percent),
            max_deletions: count(spec.limits.max_deletions),
            min_tags_per_repository: count(spec.limits.min_tags_per_repository),
        };
        match (protected, rules.into_iter().collect::<Option<Vec<Rule>>>()) {
            (Some(protected), Some(rules)) if faults.0.is_empty() => Ok(Self {
                name,
                role: Role::Condemns,
                rules,
                protected,
                minimum_age: spec.protect.minimum_age.duration(),
                untagged: spec.untagged.as_ref().map(|untagged| untagged.older_than.duration()),
                limits,
                complete_tag_lists: spec.registry.complete_tag_lists,
            }),
            _ => Err(faults.0),
        }
    }
}

#[derive(Default)]
struct Faults(Vec<InvalidField>);

impl Faults {
    fn add(&mut self, field: impl fmt::Display, why: impl fmt::Display) {
        self.0.push(InvalidField { field: field.to_string(), why: why.to_string() });
    }

    fn pattern<T>(&mut self, field: impl fmt::Display, compiled: Result<T, PatternError>) -> Option<T> {
        compiled.map_err(|error| self.add(field, error)).ok()
    }
}

/// A bounded, never negative number of the schema; what lies outside keeps the most.
fn count<T: TryFrom<i32> + Default>(number: i32) -> T {
    T::try_from(number).unwrap_or_default()
}

fn compile_rule(policy: &Arc<str>, index: usize, rule: &api::Rule, faults: &mut Faults) -> Option<Rule> {
    let at = format!("spec.rules[{index}]");
    let repositories = RepositorySelector {
        include: faults
            .pattern(format_args!("{at}.repositories.include"), Globs::compile(&rule.repositories.include))?,
        exclude: faults
            .pattern(format_args!("{at}.repositories.exclude"), Globs::compile(&rule.repositories.exclude))?,
    };
    let tags = TagSelector {
        include: faults.pattern(format_args!("{at}.tags.include"), Globs::compile(&rule.tags.include))?,
        include_regex: faults
            .pattern(format_args!("{at}.tags.includeRegex"), Regexes::compile(&rule.tags.include_regex))?,
        exclude: faults.pattern(format_args!("{at}.tags.exclude"), Globs::compile(&rule.tags.exclude))?,
        exclude_regex: faults
            .pattern(format_args!("{at}.tags.excludeRegex"), Regexes::compile(&rule.tags.exclude_regex))?,
    };
    let effect = match (&rule.action, &rule.keep) {
        (Some(api::Action::Keep), None) => Effect::Keep,
        (Some(api::Action::Delete), None) => Effect::Delete,
        (None, Some(keep)) => Effect::KeepIf(compile_criteria(&at, keep, faults)?),
        _ => {
            faults.add(&at, "say either keep or action");
            return None;
        }
    };
    Some(Rule {
        id: RuleId { policy: Arc::clone(policy), rule: rule.name.as_str().into() },
        repositories,
        tags,
        effect,
    })
}

fn compile_criteria(at: &str, keep: &api::Keep, faults: &mut Faults) -> Option<Criteria> {
    let newest_versions = match &keep.newest_versions {
        Some(newest) => Some(compile_versions(at, newest, faults)?),
        None => None,
    };
    let criteria = Criteria {
        most_recently_pushed: keep.most_recently_pushed_count.map(count),
        pushed_within: keep.pushed_within.as_ref().map(api::Age::duration),
        created_within: keep.created_within.as_ref().map(api::Age::duration),
        newest_versions,
    };
    let none = Some(SignedDuration::ZERO);
    if criteria.created_within == none || criteria.pushed_within == none || criteria.is_empty() {
        faults.add(format_args!("{at}.keep"), "say at least one criterion that keeps something, or action: Delete");
        return None;
    }
    Some(criteria)
}

fn compile_versions(at: &str, newest: &api::NewestVersions, faults: &mut Faults) -> Option<NewestVersions> {
    let range = match newest.range.as_deref().map(str::parse::<VersionReq>) {
        None => None,
        Some(Ok(range)) => Some(range),
        Some(Err(why)) => {
            let field = format_args!("{at}.keep.newestVersions.range").to_string();
            faults.add(field, format_args!("{why}; write it like \">=2.0.0, <3.0.0\""));
            return None;
        }
    };
    let leading_numbers = match newest.per {
        None => 0,
        Some(api::Per::Major) => 1,
        Some(api::Per::Minor) => 2,
    };
    let prereleases = newest.prereleases == api::Prereleases::Include;
    Some(NewestVersions { count: count(newest.count), leading_numbers, range, prereleases })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(rule: &str) -> api::RegistryRetention {
        let text = format!(
            "{{apiVersion: registry-retention.dev/v1alpha1, kind: RegistryRetention, metadata: {{name: team, namespace: ns}}, \
             spec: {{registry: {{url: 'http://r.r:5000'}}, protect: {{inUse: {{scope: None}}}}, rules: [{rule}]}}}}"
        );
        api::read_resources(&text).unwrap_or_else(|errors| panic!("{errors:?}")).remove(0)
    }

    #[test]
    fn a_whole_resource_compiles() {
        let policy = Policy::compile(&resource(
            "{name: a, repositories: {include: ['apps/**'], exclude: [apps/base]}, tags: {includeRegex: ['pr-[0-9]+']}, \
             keep: {mostRecentlyPushedCount: 3, pushedWithin: 2w, createdWithin: 30d, newestVersions: {count: 2, per: Minor, range: '>=2'}}}",
        ))
        .unwrap();
        assert_eq!(&*policy.name, "ns/team");
        assert_eq!(policy.minimum_age, SignedDuration::from_hours(24));
        assert_eq!(policy.limits, Limits { max_delete_percent: 50, max_deletions: 10_000, min_tags_per_repository: 1 });
        let rule = &policy.rules[0];
        assert_eq!(rule.id.to_string(), "rule a of ns/team");
        assert!(rule.repositories.matches("apps/shop") && !rule.repositories.matches("apps/base"));
        assert!(rule.tags.matches("pr-12") && !rule.tags.matches("xpr-12"));
        let Effect::KeepIf(criteria) = &rule.effect else { panic!("{rule:?}") };
        assert_eq!(
            (criteria.most_recently_pushed, criteria.pushed_within, criteria.created_within),
            (Some(3), Some(SignedDuration::from_hours(336)), Some(SignedDuration::from_hours(720)))
        );
        assert_eq!(
            criteria.newest_versions.as_ref().map(|newest| (newest.count, newest.leading_numbers)),
            Some((2, 2))
        );
    }

    #[test]
    fn what_no_schema_can_judge_is_named() {
        let table = [
            (
                "{name: a, repositories: {include: ['a[']}, tags: {include: ['*']}, action: Keep}",
                "spec.rules[0].repositories.include: \"a[\"",
            ),
            (
                "{name: a, repositories: {include: [a]}, tags: {includeRegex: ['(']}, action: Keep}",
                "spec.rules[0].tags.includeRegex: \"(\"",
            ),
            (
                "{name: a, repositories: {include: [a]}, tags: {include: ['*']}, keep: {newestVersions: {count: 1, range: 'two'}}}",
                "spec.rules[0].keep.newestVersions.range: ",
            ),
        ];
        for (rule, expected) in table {
            let text = format!(
                "{{apiVersion: registry-retention.dev/v1alpha1, kind: RegistryRetention, metadata: {{name: t}}, \
                 spec: {{registry: {{url: 'http://r.r:5000'}}, protect: {{inUse: {{scope: None}}}}, rules: [{rule}]}}}}"
            );
            match api::read_resources(&text) {
                Ok(resources) => {
                    let faults = Policy::compile(&resources[0]).unwrap_err();
                    assert!(faults[0].to_string().starts_with(expected), "{faults:?}");
                }
                // The schema caught it before: as good.
                Err(errors) => assert!(
                    errors[0]
                        .to_string()
                        .contains(expected.split(": \"").next().unwrap_or(expected).trim_end_matches(": ")),
                    "{errors:?}"
                ),
            }
        }
    }
}
