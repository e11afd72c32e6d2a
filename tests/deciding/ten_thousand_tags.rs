use registry_retention::retention::{InUse, Mandate, Plan, Removal, decide};

use crate::large::{in_use, many_repositories, now, one_repository, policies};

fn removed(plan: &Plan, how: &Removal) -> usize {
    plan.tags().filter(|(_, it)| it.removal.as_ref() == Some(how)).count()
}

/// Image `n` is `n + 100` hours old, so 558 tags are within the month of 720 hours. Of the versions `1.minor.patch`
/// (each tenth image has a signature and no tag) three of each of 90 minors are the newest: none of them is that young.
#[test]
fn ten_thousand_tags_of_one_repository_are_decided_one_by_one() {
    let plan = decide(&one_repository(10_000), &policies(), &InUse::default(), Mandate::default(), now());
    let totals = plan.totals();
    assert_eq!((totals.tags, totals.kept, totals.condemned), (9_000, 558 + 3 * 90, 9_000 - 558 - 3 * 90));
    assert_eq!(removed(&plan, &Removal::WithManifest), totals.condemned);
    assert_eq!(totals.manifests, totals.condemned);
    assert_eq!(plan.by_reason()["CompanionOfKept"], 1_000);
}

/// Fifty builds of four tags each, all within the month; without that, the hundred most recent tags are those of 25
/// builds, and what goes is an index and its one tagged child of each other build.
#[test]
fn aliases_and_children_of_fifty_repositories_go_together_or_not_at_all() {
    let plan = decide(&many_repositories(50, 200), &policies(), &InUse::default(), Mandate::default(), now());
    assert_eq!(plan.totals().tags, 10_000);
    assert_eq!(plan.totals().condemned, 0);
    let mut strict = policies();
    strict[0].rules.truncate(1);
    if let registry_retention::retention::Effect::KeepIf(criteria) = &mut strict[0].rules[0].effect {
        criteria.created_within = None;
    }
    let plan = decide(&many_repositories(50, 200), &strict, &InUse::default(), Mandate::default(), now());
    assert_eq!(plan.totals().kept, 50 * 100);
    assert_eq!(plan.totals().manifests, 50 * 25 * 2);
    assert_eq!(removed(&plan, &Removal::WithManifest), 50 * 100);
}

/// They use a thousand tags by name, and the same images by digest; a tenth of those are signed and have no tag.
#[test]
fn ten_thousand_tags_are_decided_on_beside_a_thousand_workloads() {
    let plan = decide(&one_repository(10_000), &policies(), &in_use(), Mandate::default(), now());
    let without = decide(&one_repository(10_000), &policies(), &InUse::default(), Mandate::default(), now());
    assert!(plan.by_reason()["InUse"] >= 900, "{:?}", plan.by_reason());
    assert!(plan.totals().condemned < without.totals().condemned);
}
