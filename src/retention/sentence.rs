//! The sentence of each verdict, and what would change it.

use std::fmt;

use super::policy::RuleId;
use super::verdict::{AskedBy, Condemned, Criterion, Kept, Verdict, Youth};

impl Verdict {
    /// What a person could do to change it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Kept(kept) => match kept {
                Kept::Unselected => "A rule whose repositories and tags include it would decide on it.".into(),
                Kept::Protected { policy, pattern } => {
                    format!("Taking {pattern:?} out of spec.protect.tags of {policy} would leave it to the rules.")
                }
                Kept::InUse { user } => format!("Once {user} is changed to name another image, or removed, the rules decide on it; to scale it to zero is not enough."),
                Kept::ByRule { rule, criterion } | Kept::Elsewhere { rule, criterion } => match criterion {
                    Criterion::Always => format!("{} says action: Keep; only changing it would let the tag go.", capital(rule)),
                    Criterion::MostRecent(_) => format!("More recent tags, or a lower mostRecentlyPushedCount in {rule}, would let it go."),
                    Criterion::PushedWithin(_) => format!("Time, or a shorter pushedWithin in {rule}, would let it go."),
                    Criterion::CreatedWithin(_) => format!("Time, or a shorter createdWithin in {rule}, would let it go."),
                    Criterion::NewestVersion(_) => format!("Newer versions, or a lower newestVersions.count in {rule}, would let it go."),
                },
                Kept::OtherRun { rule } => format!("A run of {}, with mode: Enforce, would let it go.", rule.policy),
                Kept::AgeUnknown { asked_by: AskedBy::Rule(rule), .. } => {
                    format!("A rule that does not ask for its age (newestVersions, or action: Delete) instead of {rule} could decide on it.")
                }
                Kept::AgeUnknown { asked_by: AskedBy::Untagged, .. } => "A reading of the storage that tells its push time would let it go.".into(),
                Kept::AgeUnknown { asked_by: AskedBy::MinimumAge, .. } => "spec.protect.minimumAge: 0h would leave it to the rules.".into(),
                Kept::NewerThanInventory => "The next reading of the storage lets the rules decide on it.".into(),
                Kept::NotAVersion { rule } => format!("Narrow spec.rules[].tags of {rule} to versions, and give other tags a rule of their own."),
                Kept::TooYoung { asked_by: AskedBy::Untagged, .. } => "Time, or a shorter spec.untagged.olderThan, would let it go.".into(),
                Kept::TooYoung { .. } => "Time, or a shorter spec.protect.minimumAge, would let it go.".into(),
                Kept::PartOfKeptIndex { .. } => "It goes with that index.".into(),
                Kept::UntaggedLeft => "spec.untagged.olderThan in every resource that reaches the repository would let it go in time.".into(),
                Kept::PushInProgress => "A run after the push would let it go.".into(),
                Kept::SharedDigest { .. } | Kept::ChildOfKeptIndex { .. } => {
                    "It occupies no space of its own. `prune --live-shared` removes such tags on 2.8, by way of a short-lived placeholder.".into()
                }
                Kept::CompanionOfKept { .. } => "It goes with its image, by no rule of its own.".into(),
                Kept::MinimumTags { .. } => "A lower spec.limits.minTagsPerRepository would let it go.".into(),
                Kept::Unreadable { .. } => "Repair or delete what cannot be read; then the rules decide again.".into(),
                Kept::NotInPlan => "The next plan decides on it.".into(),
                Kept::Dangling => "Push it again, or remove the tag's folder from the storage.".into(),
            },
            Self::Condemned(condemned) => match condemned {
                Condemned::NoLongerKept { .. } | Condemned::DeleteAction { .. } => {
                    "A pattern in spec.protect.tags, or any rule of any resource that keeps it, would save it.".into()
                }
                Condemned::Untagged { .. } => "A tag on it, or a longer spec.untagged.olderThan, would save it.".into(),
                Condemned::PartOfDeletedIndex => "Keeping an index that names it would save it.".into(),
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
            Self::InUse { user } => write!(f, "in use by {user}"),
            Self::ByRule { rule, criterion } => write!(f, "{rule} keeps it: {criterion}"),
            Self::Elsewhere { rule, criterion } => write!(f, "another resource's {rule} keeps it: {criterion}"),
            Self::OtherRun { rule } => write!(f, "{rule} lets it go, but this run is not of that resource"),
            Self::AgeUnknown { asked_by, doubt } => write!(f, "{asked_by} asks for its age, but {doubt}"),
            Self::NewerThanInventory => {
                f.write_str("it was pushed after the storage was read, so it waits for the next reading")
            }
            Self::NotAVersion { rule } => write!(f, "{rule} keeps the newest versions, and this tag is no version"),
            Self::TooYoung { since, by, asked_by, minimum_age } => {
                let what = match by {
                    Youth::Pushed => "pushed",
                    Youth::Created => "created",
                    Youth::FirstSeen => "first seen at this digest",
                };
                write!(f, "{what} at {since:.0}, which is less than {minimum_age} ago ({asked_by})")
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
            Self::PartOfKeptIndex { index } => write!(f, "index {index}, which stays, needs it"),
            Self::UntaggedLeft => f.write_str(
                "no tag reaches it, and not every resource that reaches the repository says untagged.olderThan",
            ),
            Self::PushInProgress => f.write_str(
                "no tag reaches it, but somebody pushed here within the last hour, or since the storage was read",
            ),
            Self::CompanionOfKept { subject: Some(subject) } => {
                write!(f, "it belongs to {}, which is not deleted", subject.short())
            }
            Self::CompanionOfKept { subject: None } => f.write_str("it belongs to an image that is not known here"),
            Self::MinimumTags { minimum } => {
                write!(f, "the newest that would go; {minimum} must remain (minTagsPerRepository)")
            }
            Self::Unreadable { what, why } => write!(f, "{what} of this repository could not be read: {why}"),
            Self::NotInPlan => f.write_str("it is not in the plan that is being carried out"),
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
            Self::Untagged { older_than } => write!(f, "no tag reaches it, and it was pushed over {older_than} ago"),
            Self::PartOfDeletedIndex => f.write_str("no tag but those of indexes that are deleted reaches it"),
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
            Self::PushedWithin(age) => write!(f, "pushed within {age}"),
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
            Self::Untagged => f.write_str("untagged.olderThan"),
        }
    }
}
