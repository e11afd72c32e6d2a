//! What the storage tells beside tags: untagged manifests, and what a collection would free.

use super::table::staying;
use super::text::{Table, bytes, count};
use crate::controller::record::CollectedBytes;
use crate::retention::Plan;

/// The lines about it; none where nobody read the storage.
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    let Some(collected) = &plan.collected else { return Vec::new() };
    let mut lines = given_back(&collected.into());
    let mut table = Table::new("  ", &[1], &["RULE", "SETS FREE"]);
    for of_rule in &collected.rules {
        table.row([format!("{}/{}", of_rule.rule.policy, of_rule.rule.rule), bytes(of_rule.bytes)]);
    }
    if !collected.rules.is_empty() {
        lines.extend(table.lines());
    }
    lines.extend(untagged(plan, collected.untagged_bytes));
    lines
}

/// What a collection gives back once the plan is done.
pub(in crate::cli) fn given_back(collected: &CollectedBytes) -> Vec<String> {
    let CollectedBytes { is_exact, total, unreferenced, .. } = *collected;
    let bound = if is_exact { "" } else { "at most " };
    let mut lines = vec![format!(
        "A garbage collection then gives back {bound}{}: {} that this plan sets free, {} that nothing needs already",
        bytes(total),
        bytes(total.saturating_sub(unreferenced)),
        bytes(unreferenced)
    )];
    if !is_exact {
        lines.push("  (some manifests could not be read: they may need some of it)".to_owned());
    }
    lines
}

fn untagged(plan: &Plan, size: u64) -> Option<String> {
    let all = plan.untagged().count();
    let kept: Vec<&str> =
        plan.untagged().filter(|(_, it)| !it.verdict.is_condemned()).map(|(_, it)| it.verdict.code()).collect();
    let stay = match kept.len() {
        0 => "none stays".to_owned(),
        stay => format!("{stay} stay ({})", staying(kept.into_iter())),
    };
    let going = plan.untagged().filter(|(_, it)| it.verdict.is_condemned()).count();
    (all > 0).then(|| format!("{} take {}: {going} go, {stay}", count(all, "untagged manifest"), bytes(size)))
}
