use std::fmt;

use serde::{Deserialize, Serialize};

use crate::oci::{Digest, Tag};

/// One thing that is asked of a registry, in one repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "operation")]
pub enum Operation {
    /// Delete the tag alone (3.x).
    Untag {
        /// The tag.
        tag: Tag,
        /// What it must point at.
        digest: Digest,
    },
    /// Delete the manifest, and with it whatever tags point at it.
    Delete {
        /// The manifest.
        digest: Digest,
        /// Its tags, all condemned; on 3.x they were removed before.
        tags: Vec<Tag>,
    },
    /// Take the tag from the manifest that it shares (2.8): put a tombstone under it, then delete that.
    Entomb {
        /// The tag.
        tag: Tag,
        /// What it must point at.
        digest: Digest,
    },
    /// Finish what a crash left half-done: delete the tombstone that stands under the tag.
    FinishTombstone {
        /// The tag.
        tag: Tag,
        /// The tombstone's own digest.
        tombstone: Digest,
        /// What stood there before.
        original: Digest,
    },
    /// Undo what a crash left half-done: put back what stood under the tag.
    Restore {
        /// The tag.
        tag: Tag,
        /// The tombstone that stands there.
        tombstone: Digest,
        /// What stood there before.
        original: Digest,
    },
    /// Remove a tag that a deletion of ours left without a manifest.
    ClearDangling {
        /// The tag.
        tag: Tag,
        /// What we deleted.
        digest: Digest,
    },
}

impl Operation {
    /// Whether it stores something. On a full disk, 2.8 leaves an empty link behind when that fails, and its collector
    /// then aborts; so these come last, and never after a server error.
    pub fn writes(&self, tags_deletable: bool) -> bool {
        match self {
            Self::Entomb { .. } | Self::Restore { .. } => true,
            Self::ClearDangling { .. } => !tags_deletable,
            Self::Untag { .. } | Self::Delete { .. } | Self::FinishTombstone { .. } => false,
        }
    }

    /// The tags that it takes away.
    pub fn tags(&self) -> &[Tag] {
        match self {
            Self::Delete { tags, .. } => tags,
            Self::Untag { tag, .. }
            | Self::Entomb { tag, .. }
            | Self::FinishTombstone { tag, .. }
            | Self::ClearDangling { tag, .. } => std::slice::from_ref(tag),
            Self::Restore { .. } => &[],
        }
    }

    /// What each of its tags must point at right before it; `None`: nothing.
    pub fn expects(&self) -> Vec<(&Tag, Option<&Digest>)> {
        match self {
            Self::Untag { tag, digest } | Self::Entomb { tag, digest } => vec![(tag, Some(digest))],
            Self::FinishTombstone { tag, tombstone, .. } | Self::Restore { tag, tombstone, .. } => {
                vec![(tag, Some(tombstone))]
            }
            Self::ClearDangling { tag, .. } => vec![(tag, None)],
            Self::Delete { digest, tags } => tags.iter().map(|tag| (tag, Some(digest))).collect(),
        }
    }

    /// The manifest that it is about: what its tags pointed at before.
    pub fn digest(&self) -> &Digest {
        match self {
            Self::Untag { digest, .. }
            | Self::Delete { digest, .. }
            | Self::Entomb { digest, .. }
            | Self::ClearDangling { digest, .. } => digest,
            Self::FinishTombstone { original, .. } | Self::Restore { original, .. } => original,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untag { tag, .. } => write!(f, "remove tag {tag}"),
            Self::Delete { digest, .. } => write!(f, "delete {}", digest.short()),
            Self::Entomb { tag, .. } => write!(f, "remove tag {tag} by way of a placeholder"),
            Self::FinishTombstone { tag, .. } => write!(f, "finish the removal of tag {tag}"),
            Self::Restore { tag, .. } => write!(f, "put tag {tag} back"),
            Self::ClearDangling { tag, .. } => write!(f, "remove tag {tag}, which points at nothing"),
        }
    }
}
