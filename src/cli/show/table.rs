//! One repository's part of a plan, tag by tag.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::text::{Table, ago, bytes, count};
use crate::retention::{Created, Removal, RepositoryPlan, RuleId, TagPlan};

/// The lines of one repository: those tags that go, by rule and name, and the others as counts. `wide` shows all, with
/// digests and creation times. Where nothing goes there is nothing to show but in `wide`.
pub(super) fn repository(repository: &RepositoryPlan, now: Timestamp, wide: bool) -> Vec<String> {
    let mut shown: Vec<&TagPlan> = repository.tags.iter().filter(|tag| wide || tag.verdict.is_condemned()).collect();
    if shown.is_empty() {
        return Vec::new();
    }
    let rule =
        |tag: &TagPlan| -> (bool, Option<RuleId>) { (tag.selected_by.is_empty(), tag.selected_by.first().cloned()) };
    shown.sort_by_cached_key(|tag| (rule(tag), tag.tag.clone()));
    let condemned = repository.tags.iter().filter(|tag| tag.verdict.is_condemned()).count();
    let mut lines = vec![format!(
        "{}: {condemned} of {} go, up to {}",
        repository.name,
        count(repository.tags.len(), "tag"),
        bytes(repository.reclaimable_bytes)
    )];
    lines.extend(if wide { wide_table(&shown, now) } else { table(&shown, now) }.lines());
    if !wide && condemned < repository.tags.len() {
        lines.push(format!("  stay: {}", staying(repository)));
    }
    lines
}

fn table(tags: &[&TagPlan], now: Timestamp) -> Table {
    let mut table = Table::new("  ", &[3, 4], &["TAG", "VERDICT", "REASON", "AGE", "SIZE", "WHY"]);
    for tag in tags {
        let age = tag.created.and_then(Created::at).map_or_else(|| "-".to_owned(), |at| ago(at, now));
        table.row([name(tag), verdict(tag), reason(tag), age, bytes(tag.size_bytes), why(tag)]);
    }
    table
}

fn wide_table(tags: &[&TagPlan], now: Timestamp) -> Table {
    let header = ["TAG", "VERDICT", "REASON", "AGE", "CREATED", "SIZE", "DIGEST", "RULES", "WHY"];
    let mut table = Table::new("  ", &[3, 5], &header);
    for tag in tags {
        let at = tag.created.and_then(Created::at);
        let rules: Vec<String> = tag.selected_by.iter().map(|rule| format!("{}/{}", rule.policy, rule.rule)).collect();
        table.row([
            name(tag),
            verdict(tag),
            reason(tag),
            at.map_or_else(|| "-".to_owned(), |at| ago(at, now)),
            at.map_or_else(|| "-".to_owned(), |at| format!("{at:.0}")),
            bytes(tag.size_bytes),
            tag.digest.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
            if rules.is_empty() { "-".to_owned() } else { rules.join(",") },
            why(tag),
        ]);
    }
    table
}

fn name(tag: &TagPlan) -> String {
    tag.tag.to_string()
}

fn verdict(tag: &TagPlan) -> String {
    if tag.verdict.is_condemned() { "delete" } else { "keep" }.to_owned()
}

fn why(tag: &TagPlan) -> String {
    let alone = if tag.removal == Some(Removal::TagOnly) { "; only the tag goes, its manifest stays" } else { "" };
    format!("{}{alone}", tag.verdict)
}

fn reason(tag: &TagPlan) -> String {
    tag.verdict.code().to_owned()
}

/// `5 KeptByRule, 1 Protected`.
fn staying(repository: &RepositoryPlan) -> String {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for tag in repository.tags.iter().filter(|tag| !tag.verdict.is_condemned()) {
        *reasons.entry(tag.verdict.code()).or_default() += 1;
    }
    reasons.iter().map(|(reason, tags)| format!("{tags} {reason}")).collect::<Vec<_>>().join(", ")
}
