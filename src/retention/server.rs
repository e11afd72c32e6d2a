use serde::{Deserialize, Serialize};

/// What kind of server answers, and what it lets us delete; found by probes that change nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Server {
    /// Which Distribution it is.
    pub generation: Generation,
    /// What can be deleted.
    pub deletes: Deletes,
}

impl Server {
    /// What is known of a registry that nobody has asked yet.
    pub const UNKNOWN: Self =
        Self { generation: Generation::Unknown, deletes: Deletes::Refused(Refusal::Unrecognised) };

    /// Whether it deletes a tag alone.
    pub fn deletes_tags(self) -> bool {
        self.deletes == Deletes::TagsAndDigests
    }
}

/// The two generations of Distribution that behave differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Generation {
    /// 2.x: no deletion of a single tag; tag lists are always complete.
    V2,
    /// 3.x: deletes a single tag; 3.0 to 3.1.1 on S3 hide tags from their lists.
    V3,
    /// It did not say; treated as the more careful of both.
    Unknown,
}

/// What a registry lets this login delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Deletes {
    /// A tag alone, or a manifest with all its tags.
    TagsAndDigests,
    /// Only a manifest with all its tags.
    DigestsOnly,
    /// Nothing.
    Refused(Refusal),
}

/// Why nothing can be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// `storage.maintenance.readonly` is on.
    ReadOnly,
    /// `storage.delete.enabled` is off.
    Disabled,
    /// It is a pull-through cache of another registry.
    PullThrough,
    /// This login may not delete here.
    Forbidden,
    /// The answers fit no known registry.
    Unrecognised,
}

impl Refusal {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::ReadOnly => "ReadOnly",
            Self::Disabled => "DeleteDisabled",
            Self::PullThrough => "PullThrough",
            Self::Forbidden => "DeleteForbidden",
            Self::Unrecognised => "Unrecognised",
        }
    }

    /// What stands in the way, and the setting to change.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::ReadOnly => {
                "the registry is read-only; take storage.maintenance.readonly out of its configuration, or \
                 REGISTRY_STORAGE_MAINTENANCE_READONLY out of its environment, and restart it"
            }
            Self::Disabled => {
                "deletion is disabled in the registry; set storage.delete.enabled: true in its configuration, or \
                 REGISTRY_STORAGE_DELETE_ENABLED=true in its environment, and restart it"
            }
            Self::PullThrough => {
                "the registry is a pull-through cache; what it holds goes by its proxy.ttl, so prune the registry behind it \
                 instead"
            }
            Self::Forbidden => {
                "this login may not delete; grant it pull, push and delete on the repositories that the rules reach"
            }
            Self::Unrecognised => {
                "its answers fit neither Distribution 2.8 nor 3.x; check that the URL leads to such a registry, and that \
                 no proxy before it answers DELETE"
            }
        }
    }
}
