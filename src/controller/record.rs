//! A plan as it is stored: report, approval object and the upper bound of a run in one. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::{PlanCounts, RuleStatus};
use crate::oci::{Digest, RepositoryName, Tag};
use crate::retention::{Cause, Collected, Entry, Plan, PlanHash, StoredPlan, entries};

/// The version of the format.
const FORMAT: u32 = 1;

/// A plan, with what is said about it. It holds no time: the same plan is the same text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRecord {
    /// What the whole is.
    pub header: Header,
    /// By repository and tag.
    pub tags: Vec<TagRecord>,
}

/// What the whole is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    format: u32,
    /// Where the registry is.
    pub registry: String,
    /// Names what would be deleted.
    pub hash: PlanHash,
    /// Why it waits for a person.
    pub causes: Vec<Cause>,
    /// The plan in numbers.
    pub counts: PlanCounts,
    /// What each rule does.
    pub rules: Vec<RuleStatus>,
    /// What a collection gives back then, where the storage was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected: Option<CollectedBytes>,
    /// What it sets free in which repository, in bytes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub repositories: BTreeMap<RepositoryName, u64>,
}

/// What a collection gives back once the plan is done, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectedBytes {
    /// Whether these are exact, or the most that it can be.
    pub is_exact: bool,
    /// In all.
    pub total: u64,
    /// Of that, what nothing needs already.
    pub unreferenced: u64,
    /// What only untagged manifests need, whether they go or stay.
    pub untagged: u64,
}

impl From<&Collected> for CollectedBytes {
    fn from(collected: &Collected) -> Self {
        Self {
            is_exact: collected.is_exact,
            total: collected.total_bytes,
            unreferenced: collected.unreferenced_bytes,
            untagged: collected.untagged_bytes,
        }
    }
}

/// What becomes of one tag, or of one untagged manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TagRecord {
    /// Where.
    pub repository: RepositoryName,
    /// Which; `None` is a manifest that no tag reaches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<Tag>,
    /// At what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Whether it goes.
    pub condemned: bool,
    /// The stable code.
    pub reason: String,
    /// The same in words.
    pub message: String,
    /// Everything that it needs.
    pub size_bytes: u64,
}

impl PlanRecord {
    /// The record of `plan`, which waits for a person for these `causes`.
    pub fn new(plan: &Plan, registry: String, causes: Vec<Cause>, counts: PlanCounts, rules: Vec<RuleStatus>) -> Self {
        let going: BTreeMap<(RepositoryName, Tag), Digest> =
            entries(plan).into_iter().filter_map(|it| Some(((it.repository, it.tag?), it.digest))).collect();
        let tags = plan.tags().map(|(repository, tag)| {
            let digest = going.get(&(repository.clone(), tag.tag.clone()));
            TagRecord {
                repository: repository.clone(),
                tag: Some(tag.tag.clone()),
                digest: digest.or(tag.digest.as_ref()).cloned(),
                condemned: digest.is_some(),
                reason: tag.verdict.code().to_owned(),
                message: tag.verdict.to_string(),
                size_bytes: tag.size_bytes,
            }
        });
        let untagged = plan.untagged().map(|(repository, it)| TagRecord {
            repository: repository.clone(),
            tag: None,
            digest: Some(it.digest.clone()),
            condemned: it.verdict.is_condemned(),
            reason: it.verdict.code().to_owned(),
            message: it.verdict.to_string(),
            size_bytes: it.size_bytes,
        });
        let tags = tags.chain(untagged);
        let hash = PlanHash::of(&entries(plan), &causes);
        let collected = plan.collected.as_ref().map(CollectedBytes::from);
        let repositories =
            plan.freeing().map(|repository| (repository.name.clone(), repository.reclaimable_bytes)).collect();
        let header = Header { format: FORMAT, registry, hash, causes, counts, rules, collected, repositories };
        Self { header, tags: tags.collect() }
    }

    /// Only what of it stands in `bound`, which waits for these `causes`.
    #[must_use]
    pub fn within(&self, bound: &BTreeSet<Entry>, causes: Vec<Cause>) -> Self {
        let stands = |tag: &&TagRecord| tag.entry().is_some_and(|entry| bound.contains(&entry));
        let tags: Vec<TagRecord> = self.tags.iter().filter(stands).cloned().collect();
        let header = Header { hash: PlanHash::of(bound, &causes), causes, ..self.header.clone() };
        Self { header, tags }
    }

    /// The upper bound of what may be deleted by it.
    pub fn stored(&self, made_at: Timestamp) -> StoredPlan {
        let entries = self.tags.iter().filter_map(TagRecord::entry).collect();
        StoredPlan::new(entries, self.header.causes.clone(), made_at)
    }

    /// As lines of JSON, the header first.
    ///
    /// # Errors
    ///
    /// None that plain data can have.
    pub fn write(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut text = serde_json::to_vec(&self.header)?;
        text.push(b'\n');
        for tag in &self.tags {
            serde_json::to_writer(&mut text, tag)?;
            text.push(b'\n');
        }
        Ok(text)
    }

    /// Reads what [`PlanRecord::write`] wrote.
    ///
    /// # Errors
    ///
    /// Why it is not that; nothing may be deleted by it then.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let header = lines.next().ok_or("it is empty")?;
        let header: Header = serde_json::from_slice(header).map_err(|why| format!("line 1: {why}"))?;
        if header.format > FORMAT {
            return Err(format!("it has format {}, and this version knows up to {FORMAT}", header.format));
        }
        let tag = |(index, line)| serde_json::from_slice(line).map_err(|why| format!("line {}: {why}", index + 2));
        let tags = lines.enumerate().map(tag).collect::<Result<_, _>>()?;
        let record = Self { header, tags };
        if record.stored(Timestamp::UNIX_EPOCH).hash != record.header.hash {
            return Err("its hash is not that of what it would delete".into());
        }
        Ok(record)
    }
}

impl TagRecord {
    /// The tag, or the manifest that none reaches.
    pub fn name(&self) -> String {
        match (&self.tag, &self.digest) {
            (Some(tag), _) => tag.to_string(),
            (None, digest) => format!("untagged {}", digest.as_ref().map_or("", |digest| digest.short())),
        }
    }

    fn entry(&self) -> Option<Entry> {
        let digest = self.digest.clone().filter(|_| self.condemned)?;
        Some(Entry { repository: self.repository.clone(), tag: self.tag.clone(), digest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(name: &str, condemned: bool) -> TagRecord {
        TagRecord {
            repository: "apps/shop".parse().unwrap(),
            tag: Some(name.parse().unwrap()),
            digest: Some(Digest::of(name.as_bytes())),
            condemned,
            reason: if condemned { "NoLongerKept" } else { "Protected" }.into(),
            message: "because".into(),
            size_bytes: 5,
        }
    }

    fn record(causes: Vec<Cause>) -> PlanRecord {
        let tags = vec![tag("a", true), tag("b", false), tag("c", true)];
        let entries = tags.iter().filter_map(TagRecord::entry).collect();
        let hash = PlanHash::of(&entries, &causes);
        let (counts, rules) = (PlanCounts::default(), Vec::new());
        let registry = "http://registry.registry:5000".into();
        let header = Header {
            format: FORMAT,
            registry,
            hash,
            causes,
            counts,
            rules,
            collected: None,
            repositories: BTreeMap::new(),
        };
        PlanRecord { header, tags }
    }

    #[test]
    fn a_plan_survives_being_stored() {
        let causes = vec![Cause::MaxDeletions { condemned: 2, limit: 1 }];
        for record in [record(Vec::new()), record(causes)] {
            let text = record.write().unwrap();
            assert_eq!(String::from_utf8_lossy(&text).lines().count(), 4);
            assert_eq!(PlanRecord::read(&text).unwrap(), record);
            let stored = record.stored(Timestamp::UNIX_EPOCH);
            assert_eq!((stored.entries.len(), &stored.hash), (2, &record.header.hash));
        }
    }

    #[test]
    fn a_part_of_it_is_a_plan_of_its_own() {
        let record = record(vec![Cause::MaxDeletions { condemned: 2, limit: 1 }]);
        let bound: BTreeSet<Entry> = record.stored(Timestamp::UNIX_EPOCH).entries.into_iter().take(1).collect();
        let part = record.within(&bound, Vec::new());
        assert_eq!(part.stored(Timestamp::UNIX_EPOCH).entries, bound);
        assert_eq!(PlanRecord::read(&part.write().unwrap()).unwrap(), part);
        assert_ne!(part.header.hash, record.header.hash);
    }

    #[test]
    fn what_was_tampered_with_deletes_nothing() {
        let text = String::from_utf8(record(Vec::new()).write().unwrap()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let tampered = [
            text.replace("\"condemned\":false", "\"condemned\":true"),
            lines[..3].join("\n"),
            lines[1..].join("\n"),
            text.replace("\"format\":1", "\"format\":2"),
            String::new(),
        ];
        for text in tampered {
            assert!(PlanRecord::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
