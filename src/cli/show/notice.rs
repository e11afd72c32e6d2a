use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

use super::text::count;
use crate::retention::{
    Cause, Deletes, DigestDeletion, Generation, Kept, Plan, Policy, Refusal, Removal, Verdict, Youth,
};

/// Something that an admin must know about a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Notice {
    /// A person wants no cluster to be asked.
    ClusterIgnored,
    /// Resources of the cluster that are not in the file keep things too.
    OthersKeep(Vec<String>),
    /// Resources that name Secrets, which only the operator reads.
    SecretsUnread(Vec<String>),
    /// No repository is reached by any rule.
    NothingReached,
    /// The registry lets nothing be deleted.
    Refused(Refusal),
    /// Only tags would be removed, since the tag list may hide others.
    ListsMayHideTags,
    /// Resources say what becomes of untagged manifests, which only the storage shows.
    StorageUnread,
    /// Tags stay only because nobody has known them for long.
    FirstSeen {
        /// How many.
        tags: usize,
        /// Since when the first of them is known.
        since: Timestamp,
        /// When the first of them is known for long enough.
        until: Timestamp,
    },
    /// Much less is listed than before.
    Shrunk(Cause),
    /// A run was cut short.
    Unfinished,
    /// A repository that could not be read, all of which stays.
    Unreadable {
        /// Which.
        repository: String,
        /// The sentence that its tags have.
        why: String,
    },
}

impl Notice {
    /// All that there is to know about a plan itself, in a fixed order.
    pub(in crate::cli) fn all(plan: &Plan, policies: &[Policy], shrinkage: &[Cause], unfinished: bool) -> Vec<Self> {
        let mut notices = Vec::new();
        if plan.repositories.is_empty() {
            notices.push(Self::NothingReached);
        } else if let Deletes::Refused(refusal) = plan.server.deletes {
            notices.push(Self::Refused(refusal));
        }
        let goes_alone = plan.tags().any(|(_, tag)| tag.removal == Some(Removal::TagOnly));
        if !refuses(&notices)
            && plan.digests == DigestDeletion::ListsMayHideTags
            && plan.server.generation != Generation::Unknown
            && goes_alone
        {
            notices.push(Self::ListsMayHideTags);
        }
        if plan.collected.is_none() && policies.iter().any(|policy| policy.untagged.is_some()) {
            notices.push(Self::StorageUnread);
        }
        notices.extend(first_seen(plan, policies));
        notices.extend(shrinkage.iter().cloned().map(Self::Shrunk));
        if unfinished {
            notices.push(Self::Unfinished);
        }
        notices.extend(plan.repositories.iter().filter_map(|repository| {
            let why = repository.tags.iter().find_map(|tag| match &tag.verdict {
                Verdict::Kept(kept @ Kept::Unreadable { .. }) => Some(kept.to_string()),
                _ => None,
            })?;
            Some(Self::Unreadable { repository: repository.name.to_string(), why })
        }));
        notices
    }

    /// The stable code.
    pub(in crate::cli) fn code(&self) -> &'static str {
        match self {
            Self::ClusterIgnored => "ClusterIgnored",
            Self::OthersKeep(_) => "OthersKeep",
            Self::SecretsUnread(_) => "SecretsUnread",
            Self::NothingReached => "NothingReached",
            Self::Refused(refusal) => refusal.code(),
            Self::ListsMayHideTags => "ListsMayHideTags",
            Self::StorageUnread => "StorageUnread",
            Self::FirstSeen { .. } => "FirstSeen",
            Self::Shrunk(cause) => cause.code(),
            Self::Unfinished => "Unfinished",
            Self::Unreadable { .. } => "Unreadable",
        }
    }
}

/// Whether the registry lets nothing be deleted.
pub(super) fn refuses(notices: &[Notice]) -> bool {
    notices.iter().any(|notice| matches!(notice, Notice::Refused(_)))
}

/// Some rule would let tags go, but all of those are kept because they were first seen lately.
fn first_seen(plan: &Plan, policies: &[Policy]) -> Option<Notice> {
    if plan.tags().any(|(_, tag)| tag.verdict.is_condemned() && !tag.companion) {
        return None;
    }
    let young = plan.tags().filter_map(|(_, tag)| match &tag.verdict {
        Verdict::Kept(Kept::TooYoung { since, by: Youth::FirstSeen, .. }) => Some(*since),
        _ => None,
    });
    let young: Vec<Timestamp> = young.collect();
    let since = *young.iter().min()?;
    let minimum: SignedDuration = policies.iter().map(|policy| policy.minimum_age).max()?;
    Some(Notice::FirstSeen { tags: young.len(), since, until: since.checked_add(minimum).ok()? })
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClusterIgnored => f.write_str(
                "NO CLUSTER WAS ASKED (--ignore-cluster): neither workloads in use nor other resources of the cluster \
                 protect anything.",
            ),
            Self::OthersKeep(names) => write!(
                f,
                "what these resources of the cluster keep stays too, and their limits hold: {}.",
                names.join(", ")
            ),
            Self::SecretsUnread(names) => write!(
                f,
                "secretRef and certSecretRef are read by the operator only ({}); here, give a login and certificates by \
                 the options for reaching the registry.",
                names.join(", ")
            ),
            Self::NothingReached => f.write_str("no repository of the registry is reached by any rule."),
            Self::Refused(why) => write!(f, "nothing can be deleted there: {}.", why.remedy()),
            Self::ListsMayHideTags => f.write_str(
                "only tags would be removed, and no space would come back: a 3.x may hide tags from its lists (3.0 to \
                 3.1.1 on S3 do), so no manifest is deleted. If this one keeps its store on a filesystem, or is 3.1.2 \
                 or later, say so by spec.registry.completeTagLists: true or --complete-lists.",
            ),
            Self::StorageUnread => f.write_str(
                "spec.untagged deletes nothing now: only the registry's storage shows manifests that nothing reaches, and \
                 nobody read it; give --storage.",
            ),
            Self::FirstSeen { tags, since, until } => write!(
                f,
                "{} would go but for protect.minimumAge: they have been known here only since {since:.0}. The first \
                 can go from {until:.0} on; until then only `minimumAge: 0h` deletes.",
                count(*tags, "tag")
            ),
            Self::Shrunk(cause) => write!(f, "{cause}; whatever would go waits for your word."),
            Self::Unfinished => f.write_str(
                "an earlier run was cut short in the middle of deletions; `prune --yes` finishes or settles them.",
            ),
            Self::Unreadable { repository, why } => write!(f, "nothing is deleted in {repository}: {why}"),
        }
    }
}

impl Serialize for Notice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut notice = serializer.serialize_struct("Notice", 2)?;
        notice.serialize_field("reason", self.code())?;
        notice.serialize_field("message", &self.to_string())?;
        notice.end()
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::{V3, plan};
    use super::*;
    use crate::retention::Server;

    fn codes(server: Server, complete: bool, damaged: bool) -> Vec<&'static str> {
        let (plan, policies) = plan(server, complete, damaged);
        Notice::all(&plan, &policies, &[], false).iter().map(Notice::code).collect()
    }

    #[test]
    fn an_admin_is_told_what_stands_in_the_way() {
        assert!(codes(V3, true, false).is_empty());
        assert_eq!(codes(V3, false, false), ["ListsMayHideTags"]);
        assert_eq!(codes(V3, true, true), ["Unreadable"]);
        for (refusal, code, setting) in [
            (Refusal::ReadOnly, "ReadOnly", "REGISTRY_STORAGE_MAINTENANCE_READONLY"),
            (Refusal::Disabled, "DeleteDisabled", "REGISTRY_STORAGE_DELETE_ENABLED=true"),
            (Refusal::PullThrough, "PullThrough", "proxy.ttl"),
            (Refusal::Forbidden, "DeleteForbidden", "grant"),
            (Refusal::Unrecognised, "Unrecognised", "URL"),
        ] {
            let server = Server { deletes: Deletes::Refused(refusal), ..V3 };
            assert_eq!(codes(server, true, false), [code]);
            assert!(Notice::Refused(refusal).to_string().contains(setting));
        }
        let (mut plan, mut policies) = plan(V3, true, false);
        policies[0].untagged = Some(SignedDuration::from_hours(24));
        assert_eq!(Notice::all(&plan, &policies, &[], false), [Notice::StorageUnread]);
        policies[0].untagged = None;
        plan.repositories.clear();
        let shrunk = [Cause::FewerTags { before: 9, now: 1 }];
        let notices = Notice::all(&plan, &policies, &shrunk, true);
        assert_eq!(notices.iter().map(Notice::code).collect::<Vec<_>>(), ["NothingReached", "FewerTags", "Unfinished"]);
    }
}
