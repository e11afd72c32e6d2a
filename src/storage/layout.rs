//! Distribution's layout (`registry/storage/paths.go`, the same in 2.8 and 3.x), below `<root>/docker/registry/v2/`:
//!
//! ```text
//! blobs/<algorithm>/<first 2 digits>/<digits>/data
//! repositories/<name>/_layers/<algorithm>/<digits>/link
//! repositories/<name>/_manifests/revisions/<algorithm>/<digits>/link
//! repositories/<name>/_manifests/tags/<tag>/current/link
//! repositories/<name>/_manifests/tags/<tag>/index/<algorithm>/<digits>/link
//! repositories/<name>/_uploads/<id>/{startedat,data,hashstates/<algorithm>/<offset>}
//! ```
//!
//! A name may lie within another (`a`, `a/b`); what begins with `_` is the registry's own.

use crate::oci::{Digest, RepositoryName, Tag};

/// Where the registry's files begin, below its root.
pub(super) const BASE: &str = "docker/registry/v2";

/// What a path is, below `docker/registry/v2/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A tag's link.
    Tag(RepositoryName, Tag),
    /// What a tag linked once. A tag without a link has nothing else.
    TagHistory(RepositoryName, Tag),
    /// A manifest's link.
    Revision(RepositoryName, Digest),
    /// Something of an upload.
    Upload(RepositoryName, String),
    /// A link to a layer or a config.
    Layer(RepositoryName),
    /// A blob.
    Blob(Digest),
    /// Not part of the layout.
    Foreign,
}

/// Says what a path is: `blobs/…` or `repositories/…`.
pub(super) fn place(path: &str) -> Place {
    let parts: Vec<&str> = path.split('/').collect();
    let place = match parts.as_slice() {
        ["blobs", algorithm, shard, digits, "data"] => blob(algorithm, shard, digits).map(Place::Blob),
        ["repositories", rest @ ..] => in_repository(rest),
        _ => None,
    };
    place.unwrap_or(Place::Foreign)
}

fn in_repository(parts: &[&str]) -> Option<Place> {
    let own = parts.iter().position(|part| part.starts_with('_'))?;
    let name = parts[..own].join("/").parse().ok()?;
    match &parts[own..] {
        ["_manifests", "tags", tag, "current", "link"] => Some(Place::Tag(name, tag.parse().ok()?)),
        ["_manifests", "tags", tag, "index", _, _, "link"] => Some(Place::TagHistory(name, tag.parse().ok()?)),
        ["_manifests", "revisions", algorithm, digits, "link"] => {
            Some(Place::Revision(name, digest(algorithm, digits)?))
        }
        ["_uploads", id, _, ..] => Some(Place::Upload(name, upload(id)?)),
        ["_layers", _, _, "link"] => Some(Place::Layer(name)),
        _ => None,
    }
}

/// What a folder in a repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Folder {
    /// `_manifests`.
    Manifests,
    /// `_layers`.
    Layers,
    /// `_uploads`.
    Uploads,
    /// A repository within it, or a part of the name of one.
    Name(RepositoryName),
    /// Not part of the layout.
    Foreign,
}

/// Says what the folder `entry` is, in the repository `name`; without one, in `repositories`.
pub(super) fn folder(name: Option<&RepositoryName>, entry: &str) -> Folder {
    match (name, entry) {
        (Some(_), "_manifests") => Folder::Manifests,
        (Some(_), "_layers") => Folder::Layers,
        (Some(_), "_uploads") => Folder::Uploads,
        (Some(name), entry) => format!("{name}/{entry}").parse().map_or(Folder::Foreign, Folder::Name),
        (None, entry) => entry.parse().map_or(Folder::Foreign, Folder::Name),
    }
}

/// The digest of which the folders' names are made.
pub(super) fn digest(algorithm: &str, digits: &str) -> Option<Digest> {
    format!("{algorithm}:{digits}").parse().ok()
}

/// The digest of a blob, which lies in a folder of its first two digits.
pub(super) fn blob(algorithm: &str, shard: &str, digits: &str) -> Option<Digest> {
    if is_shard(shard) && digits.starts_with(shard) { digest(algorithm, digits) } else { None }
}

/// Where a blob lies, below [`BASE`].
pub(super) fn blob_path(digest: &Digest) -> String {
    let (algorithm, digits) = digest.parts();
    format!("blobs/{algorithm}/{}/{digits}/data", &digits[..2])
}

/// Whether digests of this algorithm are stored.
pub(super) fn is_algorithm(name: &str) -> bool {
    matches!(name, "sha256" | "sha512")
}

/// Whether blobs lie in a folder of this name.
pub(super) fn is_shard(name: &str) -> bool {
    name.len() == 2 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The name of an upload: a UUID in every release; more is let through, as long as it is one word.
pub(super) fn upload(id: &str) -> Option<String> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'=');
    (matches!(id.len(), 1..=128) && id.bytes().all(is_word)).then(|| id.to_owned())
}

/// Whether a link to a manifest has the length of a digest; the registry takes no other for one.
pub(super) fn is_sound(bytes: u64) -> bool {
    const SHA256: u64 = "sha256:".len() as u64 + 64;
    const SHA512: u64 = "sha512:".len() as u64 + 128;
    matches!(bytes, SHA256 | SHA512)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_what_it_is() {
        let digest = Digest::of(b"x");
        let hex = &digest.as_str()[7..];
        let shard = &hex[..2];
        let (name, tag) = (|text: &str| text.parse::<RepositoryName>().unwrap(), "v1".parse::<Tag>().unwrap());
        for (path, expected) in [
            (format!("blobs/sha256/{shard}/{hex}/data"), Place::Blob(Digest::of(b"x"))),
            ("repositories/a/_manifests/tags/v1/current/link".into(), Place::Tag(name("a"), tag.clone())),
            ("repositories/a/b/_manifests/tags/v1/current/link".into(), Place::Tag(name("a/b"), tag.clone())),
            (
                format!("repositories/a/b/_manifests/tags/v1/index/sha256/{hex}/link"),
                Place::TagHistory(name("a/b"), tag.clone()),
            ),
            (
                format!("repositories/a/_manifests/revisions/sha256/{hex}/link"),
                Place::Revision(name("a"), Digest::of(b"x")),
            ),
            (format!("repositories/a/_layers/sha256/{hex}/link"), Place::Layer(name("a"))),
            ("repositories/a/_uploads/1-2/startedat".into(), Place::Upload(name("a"), "1-2".into())),
            ("repositories/a/_uploads/1-2/hashstates/sha256/0".into(), Place::Upload(name("a"), "1-2".into())),
            // A tag may be called as the layout calls its parts.
            (
                "repositories/a/_manifests/tags/current/current/link".into(),
                Place::Tag(name("a"), "current".parse().unwrap()),
            ),
        ] {
            assert_eq!(place(&path), expected, "{path}");
        }
        assert_eq!(place(&blob_path(&digest)), Place::Blob(digest.clone()));
        for path in [
            "",
            "blobs",
            "README",
            "repositories/README",
            "repositories/a/README",
            "repositories/A/_manifests/tags/v1/current/link",
            "repositories/_manifests/tags/v1/current/link",
            "repositories/a/_manifests/tags/.v1/current/link",
            "repositories/a/_manifests/tags/v1/current/link.3b0f.tmp",
            "repositories/a/_manifests/revisions/sha256/12/link",
            "repositories/a/_other/b",
            "repositories/a/_uploads/x y/data",
            &format!("blobs/sha256/00{shard}/{hex}/data"),
            &format!("blobs/sha256/zz/{hex}/data"),
            &format!("blobs/sha256/{shard}/{hex}/other"),
        ] {
            assert_eq!(place(path), Place::Foreign, "{path}");
        }
    }

    #[test]
    fn a_folder_says_what_it_is() {
        let a: RepositoryName = "a".parse().unwrap();
        assert_eq!(folder(None, "a"), Folder::Name(a.clone()));
        assert_eq!(folder(Some(&a), "b"), Folder::Name("a/b".parse().unwrap()));
        assert_eq!(folder(Some(&a), "_manifests"), Folder::Manifests);
        assert_eq!(folder(Some(&a), "_layers"), Folder::Layers);
        assert_eq!(folder(Some(&a), "_uploads"), Folder::Uploads);
        for foreign in ["_manifests", "lost+found", ".snapshot", "A"] {
            assert_eq!(folder(None, foreign), Folder::Foreign, "{foreign}");
        }
        assert_eq!(folder(Some(&a), "_tmp"), Folder::Foreign);
    }

    #[test]
    fn a_sound_link_is_as_long_as_a_digest() {
        assert!(is_sound(Digest::of(b"x").as_str().len() as u64));
        assert!(!is_sound(0) && !is_sound(70) && !is_sound(72));
    }
}
