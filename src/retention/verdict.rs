use jiff::Timestamp;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::age::AgeDoubt;
use super::policy::RuleId;
use crate::oci::{Digest, Tag};

/// What becomes of a tag, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It stays.
    Kept(Kept),
    /// It goes.
    Condemned(Condemned),
}

/// Why a tag stays. The code of each is stable: it is the same word in tables, JSON, conditions, metrics and docs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// No rule of any resource selects it.
    Unselected,
    /// It matches `protect.tags`.
    Protected {
        /// The resource that protects it.
        policy: std::sync::Arc<str>,
        /// The pattern that it matches.
        pattern: String,
    },
    /// A workload uses it, something that it contains, or what contains it.
    InUse {
        /// Who.
        user: String,
    },
    /// A rule that selects it keeps it.
    ByRule {
        /// The rule.
        rule: RuleId,
        /// The criterion that holds.
        criterion: Criterion,
    },
    /// A rule of one resource would let it go, a rule of another keeps it.
    Elsewhere {
        /// The rule that keeps it.
        rule: RuleId,
        /// The criterion that holds.
        criterion: Criterion,
    },
    /// Only rules of resources that this run does not carry out would let it go.
    OtherRun {
        /// The first of them.
        rule: RuleId,
    },
    /// A rule asks for its age, which cannot be told.
    AgeUnknown {
        /// Who asks: a rule, or `protect.minimumAge`.
        asked_by: AskedBy,
        /// Why it cannot be told.
        doubt: AgeDoubt,
    },
    /// It was pushed after the storage was read, so that nothing there tells of it.
    NewerThanInventory,
    /// A rule keeps the newest versions, and this tag is none.
    NotAVersion {
        /// The rule.
        rule: RuleId,
    },
    /// It is younger than `protect.minimumAge`.
    TooYoung {
        /// Since when it is that old: its push, or else the later of creation and first sight.
        since: Timestamp,
        /// Which of these it is.
        by: Youth,
        /// Who asks: `protect.minimumAge`, or `untagged.olderThan`.
        asked_by: AskedBy,
        /// The least age, as written for a person.
        minimum_age: String,
    },
    /// The server cannot delete a tag alone, and a tag that stays has the same digest.
    SharedDigest {
        /// The tag that stays.
        sibling: Tag,
    },
    /// The server cannot delete a tag alone, and an index that stays needs the manifest.
    ChildOfKeptIndex {
        /// A tag of that index, or the index itself.
        index: String,
    },
    /// It is untagged, and an index that stays needs it.
    PartOfKeptIndex {
        /// That index.
        index: String,
    },
    /// It is untagged, and some resource that reaches the repository says nothing of such, or none of this run does.
    UntaggedLeft,
    /// It is untagged, and somebody may just be pushing here: parts of an image come before what names them.
    PushInProgress,
    /// It belongs to an image that is not deleted, or that is not known.
    CompanionOfKept {
        /// The image, if it is known.
        subject: Option<Digest>,
    },
    /// `limits.minTagsPerRepository` would not be left otherwise.
    MinimumTags {
        /// The minimum.
        minimum: usize,
    },
    /// Something in the repository could not be read, so nothing in it is deleted.
    Unreadable {
        /// What.
        what: String,
        /// Why.
        why: String,
    },
    /// A plan is being carried out, and it is not in it.
    NotInPlan,
    /// It is listed but reaches nothing, and nobody but us may remove what we did not break.
    Dangling,
}

/// Why a tag goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condemned {
    /// No rule that selects it keeps it.
    NoLongerKept {
        /// The rules that select it.
        rules: Vec<RuleId>,
    },
    /// A rule says `action: Delete`.
    DeleteAction {
        /// The rule.
        rule: RuleId,
    },
    /// It belongs to an image that is deleted.
    CompanionOfDeleted {
        /// The image.
        subject: Digest,
    },
    /// No tag reaches it, and it is old enough.
    Untagged {
        /// How old it had to be, as written for a person.
        older_than: String,
    },
    /// It is untagged, and every index that names it is deleted.
    PartOfDeletedIndex,
    /// A deletion of ours was cut short and left it behind.
    DanglingOfOurs {
        /// What we deleted.
        digest: Digest,
    },
}

/// The criterion by which a rule keeps a tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Criterion {
    /// `action: Keep`.
    Always,
    /// `mostRecentlyPushedCount`.
    MostRecent(usize),
    /// `pushedWithin`, as written for a person.
    PushedWithin(String),
    /// `createdWithin`, as written for a person.
    CreatedWithin(String),
    /// `newestVersions.count`.
    NewestVersion(usize),
}

/// Who wants to know an age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedBy {
    /// A rule.
    Rule(RuleId),
    /// `protect.minimumAge`.
    MinimumAge,
    /// `untagged.olderThan`.
    Untagged,
}

/// What makes a tag young.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Youth {
    /// It was pushed lately.
    Pushed,
    /// Its image was created lately.
    Created,
    /// It was first seen at this digest lately.
    FirstSeen,
}

impl Verdict {
    /// Whether the tag goes.
    pub fn is_condemned(&self) -> bool {
        matches!(self, Self::Condemned(_))
    }

    /// Whether the tag points at nothing; no count or limit includes it then.
    pub fn is_of_dangling(&self) -> bool {
        matches!(self, Self::Kept(Kept::Dangling) | Self::Condemned(Condemned::DanglingOfOurs { .. }))
    }

    /// The stable code of the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Kept(kept) => match kept {
                Kept::Unselected => "Unselected",
                Kept::Protected { .. } => "Protected",
                Kept::InUse { .. } => "InUse",
                Kept::ByRule { .. } => "KeptByRule",
                Kept::Elsewhere { .. } => "KeptElsewhere",
                Kept::OtherRun { .. } => "OtherRun",
                Kept::AgeUnknown { .. } => "AgeUnknown",
                Kept::NewerThanInventory => "NewerThanInventory",
                Kept::NotAVersion { .. } => "NotAVersion",
                Kept::TooYoung { .. } => "TooYoung",
                Kept::SharedDigest { .. } => "SharedDigest",
                Kept::ChildOfKeptIndex { .. } | Kept::PartOfKeptIndex { .. } => "ChildOfKeptIndex",
                Kept::UntaggedLeft => "UntaggedLeft",
                Kept::PushInProgress => "PushInProgress",
                Kept::CompanionOfKept { .. } => "CompanionOfKept",
                Kept::MinimumTags { .. } => "MinimumTags",
                Kept::Unreadable { .. } => "Unreadable",
                Kept::NotInPlan => "NotInPlan",
                Kept::Dangling => "Dangling",
            },
            Self::Condemned(condemned) => match condemned {
                Condemned::NoLongerKept { .. } => "NoLongerKept",
                Condemned::DeleteAction { .. } => "DeleteAction",
                Condemned::CompanionOfDeleted { .. } => "CompanionOfDeleted",
                Condemned::Untagged { .. } => "Untagged",
                Condemned::PartOfDeletedIndex => "ChildOfDeletedIndex",
                Condemned::DanglingOfOurs { .. } => "DanglingOfOurs",
            },
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut verdict = serializer.serialize_struct("Verdict", 3)?;
        verdict.serialize_field("condemned", &self.is_condemned())?;
        verdict.serialize_field("reason", self.code())?;
        verdict.serialize_field("message", &self.to_string())?;
        verdict.end()
    }
}
