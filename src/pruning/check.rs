use std::collections::BTreeMap;
use std::fmt;

use super::operation::Operation;
use crate::oci::{Digest, Tag};

/// What a tag turned out to point at, right before an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// This manifest.
    At(Digest),
    /// Nothing: 404.
    Missing,
}

/// Why an operation is not carried out. Nothing is lost; the next plan decides anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skip {
    /// Somebody pushed to the tag.
    Moved {
        /// The tag.
        tag: Tag,
    },
    /// Somebody pushed a new tag that needs the manifest.
    NeededByNewTag {
        /// The tag.
        tag: Tag,
    },
    /// The tag is gone already.
    Gone {
        /// The tag.
        tag: Tag,
    },
    /// A workload came to use it.
    InUse {
        /// Who.
        user: String,
    },
    /// The server failed on an earlier write, so nothing more is written: its disk may be full.
    WritesFailed,
    /// The server does not take a write; its disk may be full.
    NoRoom,
}

/// Whether `operation` may be carried out, by what its tags point at now. `resolved` holds each of its tags.
pub fn check(operation: &Operation, resolved: &BTreeMap<Tag, Resolution>) -> Result<(), Skip> {
    for (tag, expected) in operation.expects() {
        match (resolved.get(tag), expected) {
            (Some(Resolution::At(found)), Some(digest)) if found == digest => {}
            (Some(Resolution::Missing), None) => {}
            // A tag of a manifest that is to go may be gone before it.
            (Some(Resolution::Missing), Some(_)) if matches!(operation, Operation::Delete { .. }) => {}
            (None | Some(Resolution::Missing), _) => return Err(Skip::Gone { tag: tag.clone() }),
            (Some(Resolution::At(_)), _) => return Err(Skip::Moved { tag: tag.clone() }),
        }
    }
    Ok(())
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moved { tag } => write!(f, "tag {tag} was pushed to meanwhile"),
            Self::NeededByNewTag { tag } => write!(f, "tag {tag} was pushed meanwhile and needs it"),
            Self::Gone { tag } => write!(f, "tag {tag} is gone already"),
            Self::InUse { user } => write!(f, "{user} came to use it meanwhile"),
            Self::WritesFailed => f.write_str("the registry failed on an earlier write, so nothing more is written"),
            Self::NoRoom => f.write_str("the registry takes no write now; its disk may be full"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_moved_is_left_alone() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let tag: Tag = "v1".parse().unwrap();
        let now = |resolution: Option<Resolution>| resolution.map(|it| (tag.clone(), it)).into_iter().collect();
        let at = |digest: &Digest| Some(Resolution::At(digest.clone()));
        let untag = Operation::Untag { tag: tag.clone(), digest: a.clone() };
        let delete = Operation::Delete { digest: a.clone(), tags: vec![tag.clone()] };
        let clear = Operation::ClearDangling { tag: tag.clone(), digest: a.clone() };
        let finish = Operation::FinishTombstone { tag: tag.clone(), tombstone: b.clone(), original: a.clone() };
        let moved = Err(Skip::Moved { tag: tag.clone() });
        let gone = Err(Skip::Gone { tag: tag.clone() });
        let table = [
            (&untag, at(&a), Ok(())),
            (&untag, at(&b), moved.clone()),
            (&untag, Some(Resolution::Missing), gone.clone()),
            (&untag, None, gone.clone()),
            (&delete, at(&a), Ok(())),
            (&delete, at(&b), moved.clone()),
            (&delete, Some(Resolution::Missing), Ok(())),
            (&delete, None, gone),
            (&clear, Some(Resolution::Missing), Ok(())),
            (&clear, at(&b), moved.clone()),
            (&finish, at(&b), Ok(())),
            (&finish, at(&a), moved),
        ];
        for (operation, found, expected) in table {
            assert_eq!(check(operation, &now(found.clone())), expected, "{operation:?} with {found:?}");
        }
    }
}
