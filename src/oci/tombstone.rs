use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Digest, OCI_INDEX, Tag};

const RUN: &str = "registry-retention.dev/run";
const TAG: &str = "registry-retention.dev/tag";
const ORIGINAL: &str = "registry-retention.dev/original-digest";

/// The placeholder by which 2.8 can be made to remove one tag of a shared digest: a unique empty index is put under
/// the tag, and then deleted by its own digest, which takes the tag along and leaves the siblings.
///
/// An empty OCI index needs no blobs, is accepted by 2.8 and 3.x, and lets a client that meets it see "no matching
/// platform" rather than a wrong image. Whoever finds one knows from its annotations what stood there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// The run that put it there.
    pub run: String,
    /// The tag that is being removed.
    pub tag: Tag,
    /// What the tag pointed at before.
    pub original: Digest,
}

impl Tombstone {
    /// Its media type.
    pub const MEDIA_TYPE: &'static str = OCI_INDEX;

    /// The bytes to put under the tag; distinct for each run and tag.
    pub fn to_bytes(&self) -> Vec<u8> {
        json!({
            "schemaVersion": 2,
            "mediaType": Self::MEDIA_TYPE,
            "manifests": [],
            "annotations": {RUN: self.run, TAG: self.tag, ORIGINAL: self.original},
        })
        .to_string()
        .into_bytes()
    }

    pub(super) fn from_annotations(annotations: &BTreeMap<String, String>) -> Option<Self> {
        Some(Self {
            run: annotations.get(RUN)?.clone(),
            tag: annotations.get(TAG)?.parse().ok()?,
            original: annotations.get(ORIGINAL)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Manifest;
    use super::*;

    #[test]
    fn a_tombstone_is_recognised_by_whoever_finds_it() {
        let tombstone = Tombstone { run: "r1".into(), tag: "v1".parse().unwrap(), original: Digest::of(b"o") };
        let found = Manifest::parse(Tombstone::MEDIA_TYPE, &tombstone.to_bytes()).unwrap();
        assert_eq!(found.tombstone, Some(tombstone.clone()));
        assert_eq!(found.children().count(), 0);
        let other = Tombstone { tag: "v2".parse().unwrap(), ..tombstone.clone() };
        assert_ne!(other.to_bytes(), tombstone.to_bytes());
    }
}
