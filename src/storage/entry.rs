use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::oci::{Digest, RepositoryName, Tag};
use crate::retention::{OpenUpload, StoredLink, StoredTag};

/// One thing that was found in the storage; as text, what a line of a saved inventory says.
///
/// Times are nanoseconds since 1970, sizes bytes. No field holds a blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A repository that has anything: `repository NAME`.
    Repository(RepositoryName),
    /// A tag: `tag NAME TAG DIGEST PUSHED`, or `tag NAME TAG broken`.
    Tag(RepositoryName, Tag, StoredTag),
    /// A link to a manifest: `revision NAME DIGEST PUSHED sound`, or `… broken`.
    Revision(RepositoryName, Digest, StoredLink),
    /// An upload that did not end, or a part of one: `upload NAME ID ACTIVE BYTES`.
    Upload(RepositoryName, OpenUpload),
    /// A blob: `blob DIGEST BYTES`.
    Blob(Digest, u64),
}

/// A text that is no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an entry of an inventory")]
pub struct NoEntry;

const BROKEN: &str = "broken";
const SOUND: &str = "sound";

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repository(name) => write!(f, "repository {name}"),
            Self::Tag(name, tag, StoredTag::At { digest, pushed }) => {
                write!(f, "tag {name} {tag} {digest} {}", pushed.as_nanosecond())
            }
            Self::Tag(name, tag, StoredTag::Broken) => write!(f, "tag {name} {tag} {BROKEN}"),
            Self::Revision(name, digest, StoredLink { pushed, is_sound }) => {
                let state = if *is_sound { SOUND } else { BROKEN };
                write!(f, "revision {name} {digest} {} {state}", pushed.as_nanosecond())
            }
            Self::Upload(name, OpenUpload { id, active, bytes }) => {
                write!(f, "upload {name} {id} {} {bytes}", active.as_nanosecond())
            }
            Self::Blob(digest, bytes) => write!(f, "blob {digest} {bytes}"),
        }
    }
}

impl FromStr for Entry {
    type Err = NoEntry;

    fn from_str(text: &str) -> Result<Self, NoEntry> {
        let fields: Vec<&str> = text.split(' ').collect();
        Ok(match fields.as_slice() {
            ["repository", name] => Self::Repository(read(name)?),
            ["tag", name, tag, BROKEN] => Self::Tag(read(name)?, read(tag)?, StoredTag::Broken),
            ["tag", name, tag, digest, pushed] => {
                let stored = StoredTag::At { digest: read(digest)?, pushed: time(pushed)? };
                Self::Tag(read(name)?, read(tag)?, stored)
            }
            ["revision", name, digest, pushed, state @ (SOUND | BROKEN)] => {
                let link = StoredLink { pushed: time(pushed)?, is_sound: *state == SOUND };
                Self::Revision(read(name)?, read(digest)?, link)
            }
            ["upload", name, id, active, bytes] => {
                let id = super::layout::upload(id).ok_or(NoEntry)?;
                Self::Upload(read(name)?, OpenUpload { id, active: time(active)?, bytes: read(bytes)? })
            }
            ["blob", digest, bytes] => Self::Blob(read(digest)?, read(bytes)?),
            _ => return Err(NoEntry),
        })
    }
}

fn read<T: FromStr>(field: &str) -> Result<T, NoEntry> {
    field.parse().map_err(|_| NoEntry)
}

fn time(field: &str) -> Result<Timestamp, NoEntry> {
    Timestamp::from_nanosecond(read(field)?).map_err(|_| NoEntry)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One of each kind.
    pub(in crate::storage) fn samples() -> Vec<Entry> {
        let name: RepositoryName = "apps/shop".parse().unwrap();
        let pushed: Timestamp = "2026-11-21T10:11:12.123456789Z".parse().unwrap();
        let digest = Digest::of(b"x");
        let upload = OpenUpload { id: "0f-1".into(), active: "1969-12-31T23:59:59Z".parse().unwrap(), bytes: 7 };
        vec![
            Entry::Repository(name.clone()),
            Entry::Tag(name.clone(), "v1".parse().unwrap(), StoredTag::At { digest: digest.clone(), pushed }),
            Entry::Tag(name.clone(), "broken".parse().unwrap(), StoredTag::Broken),
            Entry::Revision(name.clone(), digest.clone(), StoredLink { pushed, is_sound: true }),
            Entry::Revision(name.clone(), Digest::of(b"y"), StoredLink { pushed, is_sound: false }),
            Entry::Upload(name, upload),
            Entry::Blob(digest, u64::MAX),
        ]
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        for entry in samples() {
            assert_eq!(entry.to_string().parse(), Ok(entry));
        }
    }

    #[test]
    fn nothing_else_is_an_entry() {
        let hex = "0".repeat(64);
        for text in [
            "tag a v1".to_owned(),
            String::new(),
            "tag A v1 broken".into(),
            "tag a v1 broken ".into(),
            "tag a v1 sha256:12 0".into(),
            format!("tag a v1 sha256:{hex} x"),
            format!("revision a sha256:{hex} 0"),
            format!("revision a sha256:{hex} 0 fine"),
            "upload a x/y 0 0".into(),
            format!("blob sha256:{hex} -1"),
            format!("blob  sha256:{hex} 1"),
            "layer a".into(),
        ] {
            assert_eq!(text.parse::<Entry>(), Err(NoEntry), "{text:?}");
        }
    }
}
