use std::collections::BTreeSet;

use super::policy::{Effect, Limits, Policy, Rule};
use super::store::Store;
use crate::oci::{CompanionTag, RepositoryName, Tag};

/// What must be read of one repository before it can be decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wants {
    /// Whether any manifest must be read: only if some rule selects a tag here, or the storage was read. Then all of them, since a tag that no
    /// rule selects may share a digest with one that goes.
    pub manifests: bool,
    /// The tags whose creation time decides something.
    pub ages: BTreeSet<Tag>,
}

/// Whether any rule that can let something go reaches the repository.
pub fn reaches(policies: &[Policy], repository: &RepositoryName) -> bool {
    condemning(policies).any(|rule| rule.repositories.matches(repository.as_str()))
}

/// The repositories that the rules name without any wildcard, if all that can let something go do so: then no catalog is
/// needed.
pub fn named_repositories(policies: &[Policy]) -> Option<BTreeSet<RepositoryName>> {
    let rules = || condemning(policies);
    if !rules().all(|rule| rule.repositories.include.all_literal()) {
        return None;
    }
    rules().flat_map(|rule| rule.repositories.include.literals()).map(str::parse).collect::<Result<_, _>>().ok()
}

fn condemning(policies: &[Policy]) -> impl Iterator<Item = &Rule> {
    policies.iter().filter(|policy| policy.condemns()).flat_map(|policy| &policy.rules)
}

/// What must be read of `repository`, whose list shows `tags`. Where there is a `store`, it tells all ages but those that
/// `createdWithin` asks for.
pub fn wants(policies: &[Policy], repository: &RepositoryName, tags: &BTreeSet<Tag>, store: Option<&Store>) -> Wants {
    let ordinary: Vec<&Tag> = tags.iter().filter(|tag| CompanionTag::parse(tag).is_none()).collect();
    let limits = Limits::strictest(policies);
    let by_creation = store.is_none();
    let any_minimum_age = by_creation && policies.iter().any(|policy| !policy.minimum_age.is_zero());
    let mut selected = BTreeSet::new();
    let mut ages = BTreeSet::new();
    for rule in
        policies.iter().flat_map(|policy| &policy.rules).filter(|rule| rule.repositories.matches(repository.as_str()))
    {
        let asks_for_age = match &rule.effect {
            Effect::Keep => false,
            Effect::Delete => any_minimum_age,
            Effect::KeepIf(criteria) => {
                let ranked = by_creation && criteria.most_recently_pushed.is_some();
                any_minimum_age || ranked || criteria.created_within.is_some()
            }
        };
        for tag in ordinary.iter().filter(|tag| rule.tags.matches(tag.as_str())) {
            selected.insert((*tag).clone());
            if asks_for_age {
                ages.insert((*tag).clone());
            }
        }
    }
    // Where the rules could take all but a few, the newest of them are kept: that needs the ages of all.
    if by_creation && ordinary.len() - selected.len() < limits.min_tags_per_repository {
        ages.clone_from(&selected);
    }
    // The storage shows manifests that no tag reaches; what of them is needed takes all the others to tell.
    Wants { manifests: !selected.is_empty() || store.is_some(), ages }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(repositories: &str) -> Policy {
        let text = format!(
            "{{apiVersion: registry-retention.dev/v1alpha1, kind: RegistryRetention, metadata: {{name: t}}, spec: \
             {{registry: {{url: 'http://r.r'}}, protect: {{inUse: {{scope: None}}}}, rules: [{{name: a, repositories: \
             {{include: ['{repositories}']}}, tags: {{include: ['*']}}, action: Delete}}]}}}}"
        );
        Policy::compile(&crate::api::read_resources(&text).unwrap()[0]).unwrap()
    }

    #[test]
    fn a_resource_that_only_keeps_reaches_nothing() {
        let (app, other): (RepositoryName, RepositoryName) = ("app".parse().unwrap(), "other".parse().unwrap());
        let both = [policy("app"), policy("**")];
        assert!(reaches(&both, &app) && reaches(&both, &other));
        assert_eq!(named_repositories(&both), None);
        let [one, all] = both;
        let one_keeps = [one.clone().keeps_only(), all.clone()];
        assert!(reaches(&one_keeps, &app));
        let all_keeps = [one, all.keeps_only()];
        assert!(reaches(&all_keeps, &app) && !reaches(&all_keeps, &other));
        assert_eq!(named_repositories(&all_keeps), Some([app].into()));
        assert_eq!(named_repositories(&all_keeps.map(Policy::keeps_only)), Some(BTreeSet::new()));
    }
}
