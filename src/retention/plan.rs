use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::age::{AgeSource, Created};
use super::collected::Collected;
use super::policy::{Limits, RuleId};
use super::server::Server;
use super::verdict::Verdict;
use crate::oci::{Digest, RepositoryName, Tag};

/// The whole decision of one pass. Dry run, preview, report and deletion all read this one value, so that what is
/// applied is what was shown. Everything in it is sorted.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The one `now` of the pass.
    pub made_at: Timestamp,
    /// What answered.
    pub server: Server,
    /// Whether manifests may be deleted: only where the tag list is known to be complete.
    pub digests: DigestDeletion,
    /// The strictest limits of all resources.
    pub limits: Limits,
    /// By name.
    pub repositories: Vec<RepositoryPlan>,
    /// The bytes that the plan sets free, each blob once. Blobs that repositories beyond the rules' reach share are
    /// counted too, so it is an upper bound, unless `collected` says otherwise.
    pub reclaimable_bytes: u64,
    /// What a collection would then remove, if somebody read the storage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collected: Option<Collected>,
}

/// Whether this pass may delete manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum DigestDeletion {
    /// The tag list is known to be complete.
    Allowed,
    /// It may hide tags; only tags are removed, and nothing is freed until someone vouches for it.
    ListsMayHideTags,
}

/// What becomes of one repository.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryPlan {
    /// Its name.
    pub name: RepositoryName,
    /// By tag.
    pub tags: Vec<TagPlan>,
    /// Manifests that no tag reaches, and what becomes of those that only deleted indexes reach; by digest. Known only
    /// where the storage was read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub untagged: Vec<UntaggedPlan>,
    /// The manifests that are deleted, by digest.
    pub deletions: Vec<Deletion>,
    /// Bytes of [`Plan::reclaimable_bytes`] that are freed here.
    pub reclaimable_bytes: u64,
}

/// What becomes of one tag.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TagPlan {
    /// Its name.
    pub tag: Tag,
    /// What it points at, if that could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// When its image was created, if anybody asked and it can be believed.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "created_or_null")]
    pub created: Option<Created>,
    /// When it was pushed last, if the storage tells and that can be believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed: Option<Timestamp>,
    /// Which of the two tells how old it is.
    pub age_source: AgeSource,
    /// The bytes of everything that it needs, each blob once.
    pub size_bytes: u64,
    /// Whether it belongs to another manifest; no count or limit includes it then.
    pub companion: bool,
    /// The rules that select it.
    pub selected_by: Vec<RuleId>,
    /// What becomes of it, and why.
    pub verdict: Verdict,
    /// How it goes, if it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removal: Option<Removal>,
}

/// What becomes of one untagged manifest.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UntaggedPlan {
    /// Its digest.
    pub digest: Digest,
    /// When it was pushed last, if that can be believed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed: Option<Timestamp>,
    /// The bytes of everything that it needs, each blob once.
    pub size_bytes: u64,
    /// What becomes of it, and why.
    pub verdict: Verdict,
}

/// How a condemned tag goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Removal {
    /// With its manifest.
    WithManifest,
    /// The tag alone; the manifest stays, because something kept needs it or the tag list may hide another tag.
    TagOnly,
    /// It points at nothing; only the tag is there to be removed.
    Dangling,
}

/// A manifest that is deleted.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deletion {
    /// Its digest.
    pub digest: Digest,
    /// All its tags, each condemned; an untagged one has none.
    pub tags: Vec<Tag>,
    /// How deep it lies among the deleted: an index comes before its children, a companion after its subject.
    #[serde(skip)]
    pub rank: usize,
    /// When it was pushed last, of an untagged one: the oldest go first.
    #[serde(skip)]
    pub pushed: Option<Timestamp>,
    /// Its children that no tag names and that stay: only the storage can tell that nothing else names them.
    pub untagged_children: usize,
}

#[allow(clippy::ref_option, reason = "serde calls it with a reference to the field")]
fn created_or_null<S: serde::Serializer>(created: &Option<Created>, serializer: S) -> Result<S::Ok, S::Error> {
    created.and_then(Created::at).serialize(serializer)
}

/// Counts over a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Ordinary tags in the repositories that the rules reach.
    pub tags: usize,
    /// Those that some rule selects.
    pub selected: usize,
    /// Those that stay.
    pub kept: usize,
    /// Those that go.
    pub condemned: usize,
    /// Companions that go with them.
    pub companions: usize,
    /// Manifests that go.
    pub manifests: usize,
}

/// Counts of one rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleTotals {
    /// Tags that it selects.
    pub selected: usize,
    /// Of these, those that stay, for whatever reason.
    pub kept: usize,
    /// Of these, those that go.
    pub condemned: usize,
}

impl Plan {
    /// Every tag with its repository, in order.
    pub fn tags(&self) -> impl Iterator<Item = (&RepositoryName, &TagPlan)> {
        self.repositories.iter().flat_map(|repository| repository.tags.iter().map(move |tag| (&repository.name, tag)))
    }

    /// The repositories in which anything is set free, in order.
    pub fn freeing(&self) -> impl Iterator<Item = &RepositoryPlan> {
        self.repositories.iter().filter(|repository| repository.reclaimable_bytes > 0)
    }

    /// Every untagged manifest with its repository, in order.
    pub fn untagged(&self) -> impl Iterator<Item = (&RepositoryName, &UntaggedPlan)> {
        self.repositories.iter().flat_map(|repository| repository.untagged.iter().map(move |it| (&repository.name, it)))
    }

    /// The counts of the whole plan.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for (_, tag) in self.tags() {
            let condemned = usize::from(tag.verdict.is_condemned());
            if tag.companion {
                totals.companions += condemned;
            } else if !tag.verdict.is_of_dangling() {
                totals.tags += 1;
                totals.selected += usize::from(!tag.selected_by.is_empty());
                totals.condemned += condemned;
            }
        }
        totals.kept = totals.tags - totals.condemned;
        totals.manifests = self.repositories.iter().map(|repository| repository.deletions.len()).sum();
        totals
    }

    /// The counts of each rule that selects anything.
    pub fn by_rule(&self) -> BTreeMap<&RuleId, RuleTotals> {
        let mut rules: BTreeMap<&RuleId, RuleTotals> = BTreeMap::new();
        for (_, tag) in self.tags() {
            for rule in &tag.selected_by {
                let totals = rules.entry(rule).or_default();
                totals.selected += 1;
                *(if tag.verdict.is_condemned() { &mut totals.condemned } else { &mut totals.kept }) += 1;
            }
        }
        rules
    }

    /// How many tags are kept or condemned for each reason.
    pub fn by_reason(&self) -> BTreeMap<&'static str, usize> {
        let mut reasons = BTreeMap::new();
        for (_, tag) in self.tags() {
            *reasons.entry(tag.verdict.code()).or_default() += 1;
        }
        reasons
    }
}
