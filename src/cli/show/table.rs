//! One repository's part of a plan, tag by tag.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::text::{Table, ago, bytes, count};
use crate::retention::{Created, Removal, RepositoryPlan, RuleId, TagPlan, UntaggedPlan, Verdict};

/// The lines of one repository: those tags that go, by rule and name, and the others as counts. `wide` shows all, with
/// digests and creation times. Where nothing goes there is nothing to show but in `wide`.
pub(super) fn repository(repository: &RepositoryPlan, now: Timestamp, wide: bool) -> Vec<String> {
    let mut shown: Vec<&TagPlan> = repository.tags.iter().filter(|tag| wide || tag.verdict.is_condemned()).collect();
    let untagged: Vec<&UntaggedPlan> =
        repository.untagged.iter().filter(|it| wide || it.verdict.is_condemned()).collect();
    if shown.is_empty() && untagged.is_empty() {
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
        let kept = repository.tags.iter().filter(|tag| !tag.verdict.is_condemned());
        lines.push(format!("  stay: {}", staying(kept.map(|tag| tag.verdict.code()))));
    }
    if !untagged.is_empty() {
        lines.extend(untagged_table(&untagged, now).lines());
    }
    lines
}

fn untagged_table(untagged: &[&UntaggedPlan], now: Timestamp) -> Table {
    let mut table = Table::new("  ", &[3, 4], &["UNTAGGED", "VERDICT", "REASON", "AGE", "SIZE", "WHY"]);
    for it in untagged {
        let age = it.pushed.map_or_else(|| "-".to_owned(), |at| ago(at, now));
        let (verdict, reason) = (verdict(&it.verdict), it.verdict.code().to_owned());
        table.row([it.digest.to_string(), verdict, reason, age, bytes(it.size_bytes), it.verdict.to_string()]);
    }
    table
}

fn table(tags: &[&TagPlan], now: Timestamp) -> Table {
    let mut table = Table::new("  ", &[3, 4], &["TAG", "VERDICT", "REASON", "AGE", "SIZE", "WHY"]);
    for tag in tags {
        table.row([name(tag), verdict(&tag.verdict), reason(tag), age(tag, now), bytes(tag.size_bytes), why(tag)]);
    }
    table
}

fn wide_table(tags: &[&TagPlan], now: Timestamp) -> Table {
    let header = ["TAG", "VERDICT", "REASON", "AGE", "CREATED", "PUSHED", "SIZE", "DIGEST", "RULES", "WHY"];
    let mut table = Table::new("  ", &[3, 6], &header);
    for tag in tags {
        let shown = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| format!("{at:.0}"));
        let rules: Vec<String> = tag.selected_by.iter().map(|rule| format!("{}/{}", rule.policy, rule.rule)).collect();
        table.row([
            name(tag),
            verdict(&tag.verdict),
            reason(tag),
            age(tag, now),
            shown(tag.created.and_then(Created::at)),
            shown(tag.pushed),
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

/// How long ago it was pushed, where the storage tells; else how long ago it was created.
fn age(tag: &TagPlan, now: Timestamp) -> String {
    let at = tag.pushed.or_else(|| tag.created.and_then(Created::at));
    at.map_or_else(|| "-".to_owned(), |at| ago(at, now))
}

fn verdict(verdict: &Verdict) -> String {
    if verdict.is_condemned() { "delete" } else { "keep" }.to_owned()
}

fn why(tag: &TagPlan) -> String {
    let alone = if tag.removal == Some(Removal::TagOnly) { "; only the tag goes, its manifest stays" } else { "" };
    format!("{}{alone}", tag.verdict)
}

fn reason(tag: &TagPlan) -> String {
    tag.verdict.code().to_owned()
}

/// `5 KeptByRule, 1 Protected`, of the reasons of those tags that stay.
pub(in crate::cli) fn staying<'a>(kept: impl Iterator<Item = &'a str>) -> String {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    kept.for_each(|reason| *reasons.entry(reason).or_default() += 1);
    reasons.iter().map(|(reason, tags)| format!("{tags} {reason}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::api::read_resources;
    use crate::oci::{Digest, Manifest};
    use crate::retention::{
        Deletes, Generation, InUse, Inventory, Mandate, ManifestState, Plan, Policy, Repository, Server, TagState,
        decide,
    };

    /// A registry with one repository of six tags: three pull requests of three ages, one of them with the image of
    /// `latest`, one without an age, and one that is damaged if `damaged`.
    pub(in crate::cli::show) fn plan(server: Server, complete: bool, damaged: bool) -> (Plan, Vec<Policy>) {
        let text = format!(
            "{{apiVersion: registry-retention.dev/v1alpha1, kind: RegistryRetention, metadata: {{name: team}}, spec: \
             {{registry: {{url: 'http://r.r', completeTagLists: {complete}}}, protect: {{tags: [latest], minimumAge: 0h, \
             inUse: {{scope: None}}}}, rules: [{{name: pr, repositories: {{include: [app]}}, tags: {{include: ['pr-*']}}, \
             keep: {{mostRecentlyPushedCount: 1}}}}, {{name: typo, repositories: {{include: [ap]}}, tags: {{include: \
             ['*']}}, action: Delete}}]}}}}"
        );
        let policies = vec![Policy::compile(&read_resources(&text).unwrap()[0]).unwrap()];
        let mut repository = Repository::default();
        for (tags, created) in [
            (vec!["pr-1"], "2026-10-01"),
            (vec!["pr-2", "latest"], "2026-10-02"),
            (vec!["pr-3"], "2026-11-21"),
            (vec!["pr-x"], ""),
        ] {
            let created = if created.is_empty() { String::new() } else { format!("{created}T00:00:00Z") };
            let bytes = format!(
                "{{\"schemaVersion\":2,\"manifests\":[],\"annotations\":{{\"org.opencontainers.image.created\":\"{created}\"}}}}"
            );
            let digest = Digest::of(bytes.as_bytes());
            let manifest = Manifest::parse("application/vnd.oci.image.index.v1+json", bytes.as_bytes()).unwrap();
            for tag in tags {
                repository.tags.insert(tag.parse().unwrap(), TagState::At(digest.clone()));
            }
            repository.manifests.insert(digest, ManifestState::Read(manifest));
        }
        if damaged {
            let why = "the server failed (500)".to_owned();
            repository.tags.insert("broken".parse().unwrap(), TagState::Unreadable(why));
        }
        let inventory = Inventory::of_api(server, [("app".parse().unwrap(), repository)].into());
        let now = "2026-11-22T00:00:00Z".parse().unwrap();
        (decide(&inventory, &policies, &InUse::default(), Mandate::default(), now), policies)
    }

    pub(in crate::cli::show) const V3: Server = Server { generation: Generation::V3, deletes: Deletes::TagsAndDigests };

    #[test]
    fn what_goes_is_shown_tag_by_tag_and_what_stays_as_counts() {
        let (plan, _) = plan(V3, true, false);
        assert_eq!(
            repository(&plan.repositories[0], plan.made_at, false),
            [
                "app: 2 of 5 tags go, up to 108 B",
                "  TAG   VERDICT  REASON        AGE   SIZE  WHY",
                "  pr-1  delete   NoLongerKept  52d  108 B  no criterion of rule pr of team keeps it",
                "  pr-2  delete   NoLongerKept  51d  108 B  no criterion of rule pr of team keeps it; only the tag goes, its manifest stays",
                "  stay: 1 AgeUnknown, 1 KeptByRule, 1 Unselected",
            ]
        );
        let wide = repository(&plan.repositories[0], plan.made_at, true);
        assert_eq!(wide.len(), 7);
        assert!(wide[2].contains("2026-10-01T00:00:00Z") && wide[2].contains("sha256:") && wide[2].contains("team/pr"));
        assert!(wide[6].starts_with("  latest  keep     Unselected"), "{wide:?}");
    }
}
