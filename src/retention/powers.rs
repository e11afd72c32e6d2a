use super::plan::DigestDeletion;
use super::server::{Deletes, Generation, Server};

/// What a registry lets us do with a condemned tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Powers {
    /// A tag can go alone: by the server's own deletion, or by a tombstone where the caller chose that.
    pub tags_alone: bool,
    /// A manifest can go.
    pub digests: DigestDeletion,
}

impl Powers {
    /// What `server` allows. Where it refuses everything, the plan shows what it would allow otherwise.
    ///
    /// `tombstones`: whether the caller chose to remove single tags from 2.8 by way of a placeholder.
    /// `complete_lists`: whether somebody vouches that the tag lists of a 3.x hide nothing, or read its storage, which shows
    /// what they hide; 2.8 never hides any.
    pub fn of(server: Server, complete_lists: bool, tombstones: bool) -> Self {
        let tags_alone = match (server.deletes, server.generation) {
            (Deletes::TagsAndDigests, _) | (Deletes::Refused(_), Generation::V3) => true,
            (Deletes::DigestsOnly | Deletes::Refused(_), _) => tombstones,
        };
        let complete = complete_lists || server.generation == Generation::V2;
        let digests = if complete { DigestDeletion::Allowed } else { DigestDeletion::ListsMayHideTags };
        Self { tags_alone, digests }
    }
}
