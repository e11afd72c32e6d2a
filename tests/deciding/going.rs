//! What goes, as sets that can be compared.

use std::collections::BTreeSet;

use registry_retention::retention::Plan;

/// The tags that go, with their repository.
pub(crate) fn condemned(plan: &Plan) -> BTreeSet<(String, String)> {
    let going = plan.tags().filter(|(_, it)| it.verdict.is_condemned());
    going.map(|(repository, it)| (repository.to_string(), it.tag.to_string())).collect()
}

/// How many tags that are nobody's companion go.
pub(crate) fn ordinary_condemned(plan: &Plan) -> usize {
    plan.tags().filter(|(_, it)| it.verdict.is_condemned() && !it.companion).count()
}

/// The manifests that go, with their repository.
pub(crate) fn deleted(plan: &Plan) -> BTreeSet<(String, String)> {
    let repositories = plan.repositories.iter();
    repositories
        .flat_map(|repository| {
            repository.deletions.iter().map(|deletion| (repository.name.to_string(), deletion.digest.to_string()))
        })
        .collect()
}
