//! A stored plan in words.

use crate::cli::show::text::{Table, bytes, count};
use crate::cli::show::{given_back, rule_table, staying};
use crate::controller::record::{PlanRecord, TagRecord};

/// Those tags that go, by repository, with the reason, and the others as counts; `wide` shows all, with digests.
pub(super) fn lines(record: &PlanRecord, wide: bool) -> Vec<String> {
    let header = &record.header;
    let mut lines = vec![format!("Registry {}", header.registry)];
    lines.extend(header.causes.iter().map(|cause| format!("Waiting: {cause}.")));
    for tags in record.tags.chunk_by(|a, b| a.repository == b.repository) {
        let shown: Vec<&TagRecord> = tags.iter().filter(|tag| wide || tag.condemned).collect();
        if let Some(first) = shown.first() {
            lines.push(String::new());
            let going = tags.iter().filter(|tag| tag.condemned).count();
            let freed = header.repositories.get(&first.repository);
            let freed = freed.map(|size| format!(", up to {}", bytes(*size))).unwrap_or_default();
            lines.push(format!("{}: {going} of {} go{freed}", first.repository, count(tags.len(), "tag")));
            lines.extend(table(&shown, wide).lines());
            if !wide && going < tags.len() {
                let kept = tags.iter().filter(|tag| !tag.condemned).map(|tag| tag.reason.as_str());
                lines.push(format!("  stay: {}", staying(kept)));
            }
        }
    }
    lines.push(String::new());
    lines.extend(numbers(record));
    lines
}

fn table(tags: &[&TagRecord], wide: bool) -> Table {
    let verdict = |tag: &TagRecord| if tag.condemned { "delete" } else { "keep" }.to_owned();
    if !wide {
        let mut table = Table::new("  ", &[3], &["TAG", "VERDICT", "REASON", "SIZE", "WHY"]);
        for tag in tags {
            let TagRecord { reason, message, size_bytes, .. } = tag;
            table.row([tag.name(), verdict(tag), reason.clone(), bytes(*size_bytes), message.clone()]);
        }
        return table;
    }
    let mut table = Table::new("  ", &[3], &["TAG", "VERDICT", "REASON", "SIZE", "DIGEST", "WHY"]);
    for tag in tags {
        let TagRecord { reason, message, size_bytes, .. } = tag;
        let digest = tag.digest.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        table.row([tag.name(), verdict(tag), reason.clone(), bytes(*size_bytes), digest, message.clone()]);
    }
    table
}

/// The counts of the whole plan; where the record is a part of it, that is said.
fn numbers(record: &PlanRecord) -> Vec<String> {
    let counts = &record.header.counts;
    let going = record.tags.iter().filter(|tag| tag.condemned).count();
    let is_part = going == record.tags.len() && counts.kept > 0;
    let mut lines = Vec::new();
    if is_part {
        lines.push(format!("This is {}, companions included, of the whole plan:", count(going, "tag")));
    }
    lines.push(format!(
        "{} tags in {} repositories: {} stay, {} go",
        counts.tags, counts.repositories, counts.kept, counts.condemned
    ));
    match (&record.header.collected, u64::try_from(counts.reclaimable_bytes)) {
        _ if is_part => {}
        (Some(collected), _) => lines.extend(given_back(collected)),
        (None, Ok(size @ 1..)) => lines.push(format!("A garbage collection then gives back up to {}", bytes(size))),
        _ => {}
    }
    lines.extend(rule_table(record.header.rules.iter().cloned()).lines());
    if !counts.kept_by_reason.is_empty() {
        let mut table = Table::new("  ", &[1], &["STAY BECAUSE", "TAGS"]);
        for (reason, tags) in &counts.kept_by_reason {
            table.row([reason.clone(), tags.to_string()]);
        }
        lines.extend(table.lines());
    }
    lines
}
