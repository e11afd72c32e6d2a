//! What the storage tells beside tags: untagged manifests, and what a collection would free.

use super::table::staying;
use super::text::{Table, bytes, count};
use crate::retention::Plan;

/// The lines about it; none where nobody read the storage.
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    let Some(collected) = &plan.collected else { return Vec::new() };
    let bound = if collected.is_exact { "" } else { "at most " };
    let freed = collected.total_bytes.saturating_sub(collected.unreferenced_bytes);
    let mut lines = vec![format!(
        "A garbage collection then gives back {bound}{}: {} that this plan sets free, {} that nothing needs already",
        bytes(collected.total_bytes),
        bytes(freed),
        bytes(collected.unreferenced_bytes)
    )];
    if !collected.is_exact {
        lines.push("  (some manifests could not be read: they may need some of it)".to_owned());
    }
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
