use serde::{Deserialize, Serialize};

/// What a probe found out about a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Which line of Distribution it behaves like.
    pub generation: Generation,
    /// What it lets this login delete.
    pub deletes: Deletes,
}

/// The line of Distribution that a registry behaves like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Generation {
    /// 2.8: digests can be deleted, tags alone cannot.
    V2,
    /// 3.x: a tag can be deleted alone.
    V3,
    /// Neither could be told.
    Unknown,
}

/// What a registry lets be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Deletes {
    /// A tag alone, and a digest with all its tags.
    TagsAndDigests,
    /// Only a digest, with all its tags.
    DigestsOnly,
    /// Nothing.
    Refused(Refusal),
}

/// Why a registry lets nothing be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// `storage.maintenance.readonly` is on.
    ReadOnly,
    /// `storage.delete.enabled` is off.
    Disabled,
    /// It is a pull-through cache (`proxy.remoteurl`).
    PullThrough,
    /// This login lacks the right to delete.
    Forbidden,
    /// Its answers are none that Distribution gives.
    Unrecognised,
}
