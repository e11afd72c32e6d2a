//! A plan in numbers.

use super::text::{Table, bytes, count};
use crate::api::{Mode, RuleStatus};
use crate::cli::source::Group;
use crate::retention::{Deletes, Generation, Kept, Plan, Policy, Server, StoredPlan, Verdict};

/// Which registry, and whose rules.
pub(super) fn heading(group: &Group, server: Server) -> Vec<String> {
    let generation = match server.generation {
        Generation::V2 => "Distribution 2",
        Generation::V3 => "Distribution 3",
        Generation::Unknown => "unknown version",
    };
    let deletes = match server.deletes {
        Deletes::TagsAndDigests => "deletes single tags and manifests",
        Deletes::DigestsOnly => "deletes manifests with all their tags, no single tag",
        Deletes::Refused(_) => "deletes nothing",
    };
    let mode = |mode: Mode| match mode {
        Mode::DryRun => "DryRun",
        Mode::Enforce => "Enforce",
    };
    let suspended = |suspend: bool| if suspend { ", suspended" } else { "" };
    let resources: Vec<String> =
        group.resources.iter().map(|it| format!("{} ({}{})", it.name, mode(it.mode), suspended(it.suspend))).collect();
    vec![format!("{}: {generation}, {deletes}", group.endpoint), format!("Rules of {}", resources.join(", "))]
}

/// The counts of the whole plan, of its rules, and of its reasons.
pub(super) fn counts(plan: &Plan, policies: &[Policy]) -> Vec<String> {
    let totals = plan.totals();
    let companions = match totals.companions {
        0 => String::new(),
        companions => format!(" with {} of theirs", count(companions, "companion")),
    };
    let mut lines = vec![format!(
        "{} in {}: {} stay, {} go{companions}",
        count(totals.tags, "tag"),
        count(plan.repositories.len(), "repository"),
        totals.kept,
        totals.condemned
    )];
    if totals.manifests == 0 && totals.condemned > 0 {
        lines.push("No manifest is deleted, so no space comes back".to_owned());
    } else if totals.manifests > 0 {
        let deleted = if totals.manifests == 1 {
            "1 manifest is".to_owned()
        } else {
            format!("{} manifests are", totals.manifests)
        };
        lines.push(match &plan.collected {
            Some(_) => format!("{deleted} deleted"),
            None => format!(
                "{deleted} deleted; a garbage collection then gives back up to {} (less where repositories that no rule \
                 reaches share layers)",
                bytes(plan.reclaimable_bytes)
            ),
        });
    }
    lines.extend(rules(plan, policies).lines());
    let mut reasons = Table::new("  ", &[1], &["REASON", "TAGS"]);
    for (reason, tags) in plan.by_reason() {
        reasons.row([reason.to_owned(), tags.to_string()]);
    }
    if !plan.by_reason().is_empty() {
        lines.extend(reasons.lines());
    }
    lines.extend(dangling(plan));
    lines.extend(untagged(plan));
    lines.extend(super::storage::lines(plan));
    lines
}

fn rules(plan: &Plan, policies: &[Policy]) -> Table {
    let by_rule = plan.by_rule();
    rule_table(policies.iter().flat_map(|policy| &policy.rules).map(|rule| {
        let totals = by_rule.get(&rule.id).copied().unwrap_or_default();
        let number = |tags: usize| i64::try_from(tags).unwrap_or(i64::MAX);
        RuleStatus {
            name: format!("{}/{}", rule.id.policy, rule.id.rule),
            selected: number(totals.selected),
            kept: number(totals.kept),
            condemned: number(totals.condemned),
            // The table beside says it.
            bytes: None,
        }
    }))
}

/// Rules, with how many tags they select, how many of those stay, how many go, and, where that is known, what they set
/// free.
pub(in crate::cli) fn rule_table(rules: impl Iterator<Item = RuleStatus>) -> Table {
    let rules: Vec<RuleStatus> = rules.collect();
    let frees = rules.iter().any(|rule| rule.bytes.is_some());
    let header = ["RULE", "SELECTS", "STAY", "GO", if frees { "SETS FREE" } else { "" }, ""];
    let mut table = Table::new("  ", &[1, 2, 3, 4], if frees { &header } else { &header[..5] });
    for rule in rules {
        let remark = if rule.selected == 0 { "selects nothing" } else { "" };
        let [selected, kept, condemned] = [rule.selected, rule.kept, rule.condemned].map(|tags| tags.to_string());
        let size = rule.bytes.map(|size| bytes(u64::try_from(size).unwrap_or_default()));
        let counts = [rule.name, selected, kept, condemned];
        table.row(counts.into_iter().chain(size).chain([remark.to_owned()]));
    }
    table
}

fn dangling(plan: &Plan) -> Option<String> {
    let dangling = plan.tags().filter(|(_, tag)| tag.verdict == Verdict::Kept(Kept::Dangling)).count();
    (dangling > 0).then(|| {
        format!(
            "{} in the list but lead nowhere (Dangling); they block nothing and stay",
            if dangling == 1 { "1 tag stands".to_owned() } else { format!("{dangling} tags stand") }
        )
    })
}

fn untagged(plan: &Plan) -> Option<String> {
    let children: usize =
        plan.repositories.iter().flat_map(|it| &it.deletions).map(|deletion| deletion.untagged_children).sum();
    (children > 0).then(|| {
        format!(
            "{} of the indexes that go stay, untagged, with their space: over the API nobody can tell whether another \
             index names them",
            count(children, "manifest")
        )
    })
}

/// Why a plan waits.
pub(super) fn waiting(waiting: &StoredPlan, approved: usize) -> Vec<String> {
    let mut lines: Vec<String> = waiting.causes.iter().map(|cause| format!("Waiting: {cause}.")).collect();
    let rest = match approved {
        0 => String::new(),
        approved => format!(" Another {approved} can go without."),
    };
    lines.push(format!(
        "{} until someone accepts the plan {} (within 7 days).{rest} If all of that may go:",
        if waiting.entries.len() == 1 {
            "1 tag stays".to_owned()
        } else {
            format!("{} tags stay", waiting.entries.len())
        },
        waiting.hash
    ));
    lines
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::{V3, plan};
    use super::*;
    use crate::retention::{Cause, entries};

    #[test]
    fn a_plan_in_numbers() {
        let (plan, policies) = plan(V3, true, false);
        assert_eq!(
            counts(&plan, &policies),
            [
                "5 tags in 1 repository: 3 stay, 2 go",
                "1 manifest is deleted; a garbage collection then gives back up to 108 B (less where repositories that no \
                 rule reaches share layers)",
                "  RULE       SELECTS  STAY  GO",
                "  team/pr          4     2   2",
                "  team/typo        0     0   0  selects nothing",
                "  REASON        TAGS",
                "  AgeUnknown       1",
                "  KeptByRule       1",
                "  NoLongerKept     2",
                "  Unselected       1",
            ]
        );
    }

    #[test]
    fn a_plan_that_waits_says_why() {
        let (plan, _) = plan(V3, true, false);
        let stored =
            StoredPlan::new(entries(&plan), vec![Cause::MaxDeletions { condemned: 2, limit: 1 }], plan.made_at);
        assert_eq!(
            waiting(&stored, 1),
            [
                "Waiting: 2 tags would go, more than 1 (limits.maxDeletions).".to_owned(),
                format!(
                    "2 tags stay until someone accepts the plan {} (within 7 days). Another 1 can go without. If all of \
                     that may go:",
                    stored.hash
                ),
            ]
        );
    }
}
