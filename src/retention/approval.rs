use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::verdict::{Condemned, Verdict};
use crate::oci::{Digest, RepositoryName, Tag};

/// A waiting plan can be accepted for this long.
const ACCEPTABLE_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// One tag that is to go, at the digest at which it was judged; or an untagged manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// Where.
    pub repository: RepositoryName,
    /// Which; `None` is the manifest itself, which no tag reaches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<Tag>,
    /// At what.
    pub digest: Digest,
}

/// Why a plan waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "reason")]
pub enum Cause {
    /// It would delete more than `limits.maxDeletePercent`.
    MaxDeletePercent {
        /// Tags that would go.
        condemned: usize,
        /// All tags that the rules reach.
        tags: usize,
        /// The limit.
        limit: u32,
    },
    /// It would delete more than `limits.maxDeletions`.
    MaxDeletions {
        /// Tags that would go.
        condemned: usize,
        /// The limit.
        limit: usize,
    },
    /// Far fewer tags are listed than the last inventory left.
    FewerTags {
        /// Tags then.
        before: usize,
        /// Tags now.
        now: usize,
    },
    /// Far fewer repositories have tags than the last inventory left.
    FewerRepositories {
        /// Repositories then.
        before: usize,
        /// Repositories now.
        now: usize,
    },
}

impl Cause {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MaxDeletePercent { .. } => "MaxDeletePercent",
            Self::MaxDeletions { .. } => "MaxDeletions",
            Self::FewerTags { .. } => "FewerTags",
            Self::FewerRepositories { .. } => "FewerRepositories",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxDeletePercent { condemned, tags, limit } => {
                write!(f, "{condemned} of {tags} tags would go, more than {limit} % (limits.maxDeletePercent)")
            }
            Self::MaxDeletions { condemned, limit } => {
                write!(f, "{condemned} tags would go, more than {limit} (limits.maxDeletions)")
            }
            Self::FewerTags { before, now } => {
                write!(f, "{now} tags are listed where {before} were left: over 20 % fewer, and not by this tool")
            }
            Self::FewerRepositories { before, now } => {
                write!(f, "{now} repositories have tags where {before} had: over 20 % fewer, and not by this tool")
            }
        }
    }
}

/// The hash of what a plan would delete and of why it waits; 64 hex digits, of which a person types at least 12.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlanHash(String);

impl PlanHash {
    /// Over the sorted (repository, tag, digest) and the codes of the causes.
    pub fn of(entries: &BTreeSet<Entry>, causes: &[Cause]) -> Self {
        let mut text = String::new();
        for Entry { repository, tag, digest } in entries {
            // No tag is a hyphen.
            let tag = tag.as_ref().map_or("-", Tag::as_str);
            let _ = writeln!(text, "{repository} {tag} {digest}");
        }
        let codes: BTreeSet<&str> = causes.iter().map(Cause::code).collect();
        for code in codes {
            let _ = writeln!(text, "waits {code}");
        }
        Self(Digest::of(text.as_bytes()).parts().1.to_owned())
    }

    /// The whole hash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a person is shown and types.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }

    /// Whether `typed` means this hash, in whatever case.
    pub fn is_meant_by(&self, typed: &str) -> bool {
        means(typed, &self.0)
    }
}

/// Whether `typed` means the plan of this `hash`: at least 12 digits of it, in whatever case.
pub fn means(typed: &str, hash: &str) -> bool {
    typed.len() >= 12 && hash.starts_with(&typed.to_ascii_lowercase())
}

impl fmt::Display for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

/// What a plan would delete, stored before anything is deleted. It is only ever an upper bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredPlan {
    /// Names it.
    pub hash: PlanHash,
    /// When it was made.
    pub made_at: Timestamp,
    /// What it would delete.
    pub entries: BTreeSet<Entry>,
    /// Why it waits; empty if it need not.
    pub causes: Vec<Cause>,
}

impl StoredPlan {
    /// A plan for `entries`.
    pub fn new(entries: BTreeSet<Entry>, causes: Vec<Cause>, made_at: Timestamp) -> Self {
        Self { hash: PlanHash::of(&entries, &causes), made_at, entries, causes }
    }

    /// Whether it can still be accepted, or its acceptance still counts.
    pub fn is_acceptable(&self, now: Timestamp) -> bool {
        now < Self::acceptable_until(self.made_at)
    }

    /// Until when a plan that was made then can be accepted.
    pub fn acceptable_until(made_at: Timestamp) -> Timestamp {
        made_at.saturating_add(ACCEPTABLE_FOR).unwrap_or(Timestamp::MAX)
    }

    /// Whether whoever accepted this plan knew that so much is missing, and their word still counts. `shrinkage`: see
    /// [`super::Memory`].
    pub fn knew(&self, shrinkage: &[Cause], now: Timestamp) -> bool {
        let known = |cause: &Cause| self.causes.iter().any(|known| known.code() == cause.code());
        self.is_acceptable(now) && shrinkage.iter().all(known)
    }
}

/// How much of a plan may be carried out now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// What may be deleted.
    pub approved: BTreeSet<Entry>,
    /// The rest, if it waits for a person.
    pub waiting: Option<StoredPlan>,
}

/// Everything that `plan` would delete.
pub fn entries(plan: &Plan) -> BTreeSet<Entry> {
    let entry = |(repository, tag): (&RepositoryName, &super::TagPlan)| {
        let digest = match &tag.verdict {
            Verdict::Kept(_) => return None,
            Verdict::Condemned(Condemned::DanglingOfOurs { digest }) => digest.clone(),
            Verdict::Condemned(_) => tag.digest.clone()?,
        };
        Some(Entry { repository: repository.clone(), tag: Some(tag.tag.clone()), digest })
    };
    let untagged = plan.untagged().filter(|(_, it)| it.verdict.is_condemned());
    let untagged = untagged.map(|(name, it)| Entry { repository: name.clone(), tag: None, digest: it.digest.clone() });
    plan.tags().filter_map(entry).chain(untagged).collect()
}

/// Measures `plan` against its limits.
///
/// `accepted` are the plans that a person accepted, and the one that a crash cut short: what stands in them is not
/// measured again, as long as no cause has come up that they did not know of. `shrinkage`: see [`super::Memory`].
pub fn approve(plan: &Plan, shrinkage: &[Cause], accepted: &[StoredPlan], now: Timestamp) -> Approval {
    let all = entries(plan);
    let accepted = accepted.iter().filter(|stored| stored.knew(shrinkage, now));
    let accepted: BTreeSet<&Entry> = accepted.flat_map(|stored| &stored.entries).collect();
    let (approved, rest): (BTreeSet<Entry>, BTreeSet<Entry>) =
        all.into_iter().partition(|entry| accepted.contains(entry));
    let mut causes = shrinkage.to_vec();
    causes.extend(over_limits(plan, &rest));
    if rest.is_empty() || causes.is_empty() {
        return Approval { approved: approved.into_iter().chain(rest).collect(), waiting: None };
    }
    Approval { approved, waiting: Some(StoredPlan::new(rest, causes, now)) }
}

/// The limits that deleting `rest` would exceed; companions, dangling tags and untagged manifests do not count.
fn over_limits(plan: &Plan, rest: &BTreeSet<Entry>) -> Vec<Cause> {
    let tags = plan.totals().tags;
    let counts = |(repository, tag): &(&RepositoryName, &super::TagPlan)| {
        let digest = tag.digest.clone().filter(|_| !tag.companion);
        digest.is_some_and(|digest| {
            rest.contains(&Entry { repository: (*repository).clone(), tag: Some(tag.tag.clone()), digest })
        })
    };
    let condemned = plan.tags().filter(counts).count();
    let limits = plan.limits;
    let mut causes = Vec::new();
    if condemned as u128 * 100 > u128::from(limits.max_delete_percent) * tags as u128 {
        causes.push(Cause::MaxDeletePercent { condemned, tags, limit: limits.max_delete_percent });
    }
    if condemned > limits.max_deletions {
        causes.push(Cause::MaxDeletions { condemned, limit: limits.max_deletions });
    }
    causes
}
