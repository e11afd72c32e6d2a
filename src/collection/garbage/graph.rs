use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;

use crate::oci::{Content, Digest, Manifest, ManifestError, Tombstone};

/// Layers that clients get elsewhere, so that the registry need not have them.
const ELSEWHERE: [&str; 4] = [
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
];

/// A manifest, reduced to what it holds on to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Of an index: its children.
    pub children: Vec<Digest>,
    /// Of an image: its config first, then its layers; with their sizes in bytes.
    pub blobs: Vec<(Digest, u64)>,
    /// What it is about.
    pub subject: Option<Digest>,
    /// Of a placeholder: for which tag it stands, and what that linked before.
    pub tombstone: Option<Box<Tombstone>>,
}

/// What the storage has where a manifest is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A manifest.
    Manifest(Node),
    /// A blob that is no manifest; it is what its digest says.
    Other(ManifestError),
    /// Bytes that are not what their digest says.
    Damaged,
    /// Nothing.
    Missing,
}

/// Every manifest that was looked for.
pub type Graph = BTreeMap<Digest, Found>;

#[derive(Deserialize)]
struct Layers {
    #[serde(default)]
    layers: Option<Vec<Layer>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: Option<String>,
    digest: Option<String>,
}

impl Found {
    /// What the bytes of a blob are.
    pub fn read(digest: &Digest, bytes: &[u8]) -> Self {
        if !digest.matches(bytes) {
            return Self::Damaged;
        }
        match Manifest::parse_stored(bytes) {
            Ok(manifest) => Self::Manifest(Node::of(manifest, &elsewhere(bytes))),
            Err(why) => Self::Other(why),
        }
    }

    /// The manifest, if it is one.
    pub fn node(&self) -> Option<&Node> {
        match self {
            Self::Manifest(node) => Some(node),
            _ => None,
        }
    }
}

impl Node {
    fn of(manifest: Manifest, elsewhere: &HashSet<String>) -> Self {
        let subject = manifest.subject;
        let tombstone = manifest.tombstone.map(Box::new);
        match manifest.content {
            Content::Index { manifests } => {
                let children = manifests.into_iter().map(|child| child.digest).collect();
                Self { children, blobs: Vec::new(), subject, tombstone }
            }
            Content::Image { config, layers } => {
                let layers = layers.into_iter().filter(|layer| !elsewhere.contains(layer.digest.as_str()));
                let blobs = std::iter::once(config).chain(layers).map(|blob| (blob.digest, blob.size)).collect();
                Self { children: Vec::new(), blobs, subject, tombstone }
            }
        }
    }

    /// The same, with the digests that `known` has anyway, so that each is held once.
    #[must_use]
    pub fn shared(mut self, known: &BTreeMap<Digest, u64>) -> Self {
        let blobs = self.blobs.iter_mut().map(|(digest, _)| digest);
        for digest in self.children.iter_mut().chain(blobs).chain(&mut self.subject) {
            if let Some((same, _)) = known.get_key_value(digest) {
                *digest = same.clone();
            }
        }
        self
    }

    /// Its configuration; an index has none.
    pub fn config(&self) -> Option<&Digest> {
        self.blobs.first().map(|(digest, _)| digest)
    }
}

fn elsewhere(bytes: &[u8]) -> HashSet<String> {
    let layers = serde_json::from_slice(bytes).map(|Layers { layers }| layers.unwrap_or_default()).unwrap_or_default();
    let foreign = |layer: &Layer| layer.media_type.as_deref().is_some_and(|kind| ELSEWHERE.contains(&kind));
    layers.into_iter().filter(foreign).filter_map(|layer| layer.digest).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_layer_that_lies_elsewhere_is_not_asked_of_the_storage() {
        let digest = |text: &str| Digest::of(text.as_bytes());
        let layer = |kind: &str, of: &str| json!({"mediaType": kind, "digest": digest(of), "size": 1});
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": layer("application/vnd.oci.image.config.v1+json", "config"),
            "layers": [layer(ELSEWHERE[0], "a"), layer("application/vnd.oci.image.layer.v1.tar", "b")],
        });
        let bytes = manifest.to_string().into_bytes();
        let found = Found::read(&Digest::of(&bytes), &bytes);
        assert_eq!(found.node().unwrap().blobs, [(digest("config"), 1), (digest("b"), 1)]);
        assert_eq!(found.node().unwrap().config(), Some(&digest("config")));
        assert_eq!(Found::read(&digest("other"), &bytes), Found::Damaged);
        assert!(matches!(Found::read(&digest("x"), b"x"), Found::Other(_)));
    }
}
