use std::fmt;

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::age::Doubt;
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
    /// A rule asks for its age, which cannot be told.
    AgeUnknown {
        /// Who asks: a rule, or `protect.minimumAge`.
        asked_by: AskedBy,
        /// Why it cannot be told.
        doubt: Doubt,
    },
    /// A rule keeps the newest versions, and this tag is none.
    NotAVersion {
        /// The rule.
        rule: RuleId,
    },
    /// It is younger than `protect.minimumAge`.
    TooYoung {
        /// Since when it is that old, by the later of creation and first sight.
        since: Timestamp,
        /// Which of the two is the later.
        by: Youth,
        /// The minimum age, as written for a person.
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
}

/// What makes a tag young.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Youth {
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

    /// The stable code of the reason.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Kept(kept) => match kept {
                Kept::Unselected => "Unselected",
                Kept::Protected { .. } => "Protected",
                Kept::ByRule { .. } => "KeptByRule",
                Kept::Elsewhere { .. } => "KeptElsewhere",
                Kept::AgeUnknown { .. } => "AgeUnknown",
                Kept::NotAVersion { .. } => "NotAVersion",
                Kept::TooYoung { .. } => "TooYoung",
                Kept::SharedDigest { .. } => "SharedDigest",
                Kept::ChildOfKeptIndex { .. } => "ChildOfKeptIndex",
                Kept::CompanionOfKept { .. } => "CompanionOfKept",
                Kept::MinimumTags { .. } => "MinimumTags",
                Kept::Unreadable { .. } => "Unreadable",
                Kept::Dangling => "Dangling",
            },
            Self::Condemned(condemned) => match condemned {
                Condemned::NoLongerKept { .. } => "NoLongerKept",
                Condemned::DeleteAction { .. } => "DeleteAction",
                Condemned::CompanionOfDeleted { .. } => "CompanionOfDeleted",
                Condemned::DanglingOfOurs { .. } => "DanglingOfOurs",
            },
        }
    }

    /// What a person could do to change it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Kept(kept) => match kept {
                Kept::Unselected => "A rule whose repositories and tags include it would decide on it.".into(),
                Kept::Protected { policy, pattern } => {
                    format!("Taking {pattern:?} out of spec.protect.tags of {policy} would leave it to the rules.")
                }
                Kept::ByRule { rule, criterion } | Kept::Elsewhere { rule, criterion } => match criterion {
                    Criterion::Always => format!("{} says action: Keep; only changing it would let the tag go.", capital(rule)),
                    Criterion::MostRecent(_) => format!("More recent tags, or a lower mostRecentlyPushedCount in {rule}, would let it go."),
                    Criterion::CreatedWithin(_) => format!("Time, or a shorter createdWithin in {rule}, would let it go."),
                    Criterion::NewestVersion(_) => format!("Newer versions, or a lower newestVersions.count in {rule}, would let it go."),
                },
                Kept::AgeUnknown { asked_by: AskedBy::Rule(rule), .. } => {
                    format!("A rule that does not ask for its age (newestVersions, or action: Delete) instead of {rule} could decide on it.")
                }
                Kept::AgeUnknown { asked_by: AskedBy::MinimumAge, .. } => "spec.protect.minimumAge: 0h would leave it to the rules.".into(),
                Kept::NotAVersion { rule } => format!("Narrow spec.rules[].tags of {rule} to versions, and give other tags a rule of their own."),
                Kept::TooYoung { .. } => "Time, or a shorter spec.protect.minimumAge, would let it go.".into(),
                Kept::SharedDigest { .. } | Kept::ChildOfKeptIndex { .. } => {
                    "It occupies no space of its own. `prune --live-shared` removes such tags on 2.8, by way of a short-lived placeholder.".into()
                }
                Kept::CompanionOfKept { .. } => "It goes with its image, by no rule of its own.".into(),
                Kept::MinimumTags { .. } => "A lower spec.limits.minTagsPerRepository would let it go.".into(),
                Kept::Unreadable { .. } => "Repair or delete what cannot be read; then the rules decide again.".into(),
                Kept::Dangling => "Push it again, or remove the tag's folder from the storage.".into(),
            },
            Self::Condemned(condemned) => match condemned {
                Condemned::NoLongerKept { .. } | Condemned::DeleteAction { .. } => {
                    "A pattern in spec.protect.tags, or any rule of any resource that keeps it, would save it.".into()
                }
                Condemned::CompanionOfDeleted { .. } => "Keeping its image would save it.".into(),
                Condemned::DanglingOfOurs { .. } => "A new push to the tag would save it.".into(),
            },
        }
    }
}

fn capital(rule: &RuleId) -> String {
    format!("Rule {} of {}", rule.rule, rule.policy)
}

impl fmt::Display for Verdict {
    /// The sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept(kept) => kept.fmt(f),
            Self::Condemned(condemned) => condemned.fmt(f),
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unselected => f.write_str("no rule selects it"),
            Self::Protected { policy, pattern } => write!(f, "protected by {pattern:?} of {policy}"),
            Self::ByRule { rule, criterion } => write!(f, "{rule} keeps it: {criterion}"),
            Self::Elsewhere { rule, criterion } => write!(f, "another resource's {rule} keeps it: {criterion}"),
            Self::AgeUnknown { asked_by, doubt } => write!(f, "{asked_by} asks for its age, but {doubt}"),
            Self::NotAVersion { rule } => write!(f, "{rule} keeps the newest versions, and this tag is no version"),
            Self::TooYoung { since, by, minimum_age } => {
                let what = match by {
                    Youth::Created => "created",
                    Youth::FirstSeen => "first seen at this digest",
                };
                write!(f, "{what} at {since:.0}, which is less than {minimum_age} ago (minimumAge)")
            }
            Self::SharedDigest { sibling } => {
                write!(
                    f,
                    "tag {sibling}, which stays, has the same digest, and this registry cannot delete a tag alone"
                )
            }
            Self::ChildOfKeptIndex { index } => {
                write!(f, "index {index}, which stays, needs the manifest, and this registry cannot delete a tag alone")
            }
            Self::CompanionOfKept { subject: Some(subject) } => {
                write!(f, "it belongs to {}, which is not deleted", subject.short())
            }
            Self::CompanionOfKept { subject: None } => f.write_str("it belongs to an image that is not known here"),
            Self::MinimumTags { minimum } => {
                write!(f, "the newest that would go; {minimum} must remain (minTagsPerRepository)")
            }
            Self::Unreadable { what, why } => write!(f, "{what} of this repository could not be read: {why}"),
            Self::Dangling => f.write_str("it is listed, but its manifest is missing; that is not of our making"),
        }
    }
}

impl fmt::Display for Condemned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLongerKept { rules } => {
                let rules = rules.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
                write!(f, "no criterion of {rules} keeps it")
            }
            Self::DeleteAction { rule } => write!(f, "{rule} deletes it"),
            Self::CompanionOfDeleted { subject } => write!(f, "it belongs to {}, which is deleted", subject.short()),
            Self::DanglingOfOurs { digest } => {
                write!(
                    f,
                    "an earlier run was cut short while it deleted {}; the tag was left without a manifest",
                    digest.short()
                )
            }
        }
    }
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => f.write_str("action Keep"),
            Self::MostRecent(count) => write!(f, "among the {count} most recent"),
            Self::CreatedWithin(age) => write!(f, "created within {age}"),
            Self::NewestVersion(count) => write!(f, "among the {count} newest versions"),
        }
    }
}

impl fmt::Display for AskedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(rule) => rule.fmt(f),
            Self::MinimumAge => f.write_str("minimumAge"),
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
