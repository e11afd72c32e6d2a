use serde::Deserialize;

use super::media_type::{OCI_IMAGE, OCI_INDEX};
use super::{Descriptor, Digest, ManifestKind, Tombstone};

/// The largest manifest that Distribution accepts, in bytes.
pub const MAX_MANIFEST_BYTES: u64 = 4 * 1024 * 1024;

/// A manifest, reduced to what deciding needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Its own size in bytes.
    pub size: u64,
    /// What it is made of.
    pub content: Content,
    /// The manifest that this one is about (OCI 1.1 `subject`).
    pub subject: Option<Digest>,
    /// The annotation `org.opencontainers.image.created`, as written.
    pub created: Option<String>,
    /// Set if this is our own placeholder for a tag that was being removed.
    pub tombstone: Option<Tombstone>,
}

/// What a manifest is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// One image or artifact.
    Image {
        /// The configuration blob.
        config: Descriptor,
        /// The layer blobs.
        layers: Vec<Descriptor>,
    },
    /// A list of manifests.
    Index {
        /// The children.
        manifests: Vec<Descriptor>,
    },
}

/// Why bytes are no manifest that we understand. Such a manifest keeps its whole repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Truncated, or not JSON of the expected form.
    #[error("it is not a complete manifest in JSON")]
    Malformed,
    /// A media type that is neither image nor index, such as a schema 1 manifest.
    #[error("its media type is not one of the four that hold images")]
    MediaType,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    media_type: Option<String>,
    config: Option<Descriptor>,
    #[serde(default, deserialize_with = "null_as_empty")]
    layers: Option<Vec<Descriptor>>,
    #[serde(default, deserialize_with = "null_as_empty")]
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    annotations: Option<std::collections::BTreeMap<String, String>>,
}

/// What tells of what kind a manifest is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawKind {
    media_type: Option<String>,
    manifests: Option<serde::de::IgnoredAny>,
}

/// `"layers": null` is a list that is present and empty; an absent one is none.
fn null_as_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Descriptor>>, D::Error> {
    Ok(Some(Option::deserialize(deserializer)?.unwrap_or_default()))
}

impl Manifest {
    /// Parses the bytes of a manifest that was served as `content_type`.
    ///
    /// The kind is the type that the registry answered with; a `mediaType` inside that says otherwise, or content
    /// that does not fit the kind, is malformed: a manifest that two readers could take for two things protects
    /// nothing reliably.
    pub fn parse(content_type: &str, body: &[u8]) -> Result<Self, ManifestError> {
        let kind = ManifestKind::of(content_type).ok_or(ManifestError::MediaType)?;
        let raw: Raw = serde_json::from_slice(body).map_err(|_| ManifestError::Malformed)?;
        if raw.media_type.as_deref().is_some_and(|inner| ManifestKind::of(inner) != Some(kind)) {
            return Err(ManifestError::Malformed);
        }
        let content = match (kind, raw.config, raw.layers, raw.manifests) {
            (ManifestKind::Image, Some(config), layers, None) => {
                Content::Image { config, layers: layers.unwrap_or_default() }
            }
            (ManifestKind::Index, None, None, Some(manifests)) => Content::Index { manifests },
            _ => return Err(ManifestError::Malformed),
        };
        let is_empty_index = matches!(&content, Content::Index { manifests } if manifests.is_empty());
        let mut annotations = raw.annotations.unwrap_or_default();
        Ok(Self {
            size: body.len() as u64,
            content,
            subject: raw.subject.map(|subject| subject.digest),
            tombstone: is_empty_index.then(|| Tombstone::from_annotations(&annotations)).flatten(),
            created: annotations.remove("org.opencontainers.image.created"),
        })
    }

    /// Parses the bytes of a manifest as the storage holds them, without the type under which they are served.
    ///
    /// What it is, is what it says itself; without that, what it holds, as Distribution has it
    /// (`registry/storage/manifeststore.go`, `Get`).
    pub fn parse_stored(body: &[u8]) -> Result<Self, ManifestError> {
        let kind: RawKind = serde_json::from_slice(body).map_err(|_| ManifestError::Malformed)?;
        let content_type = match (kind.media_type.as_deref().unwrap_or_default(), kind.manifests) {
            ("", Some(_)) => OCI_INDEX,
            ("", None) => OCI_IMAGE,
            (said, _) => said,
        };
        Self::parse(content_type, body)
    }

    /// The manifests that this one needs.
    pub fn children(&self) -> impl Iterator<Item = &Digest> {
        let manifests = match &self.content {
            Content::Index { manifests } => manifests.as_slice(),
            Content::Image { .. } => &[],
        };
        manifests.iter().map(|child| &child.digest)
    }

    /// The blobs that this one needs: config and layers.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        let (config, layers) = match &self.content {
            Content::Image { config, layers } => (Some(config), layers.as_slice()),
            Content::Index { .. } => (None, [].as_slice()),
        };
        config.into_iter().chain(layers)
    }

    /// The configuration blob; an index has none.
    pub fn config(&self) -> Option<&Descriptor> {
        match &self.content {
            Content::Image { config, .. } => Some(config),
            Content::Index { .. } => None,
        }
    }

    /// Whether this is a list of manifests.
    pub fn is_index(&self) -> bool {
        matches!(self.content, Content::Index { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
    const INDEX: &str = "application/vnd.oci.image.index.v1+json";

    fn descriptor(content: &str) -> Value {
        json!({"mediaType": "application/octet-stream", "digest": Digest::of(content.as_bytes()), "size": 7})
    }

    fn parse(content_type: &str, body: &Value) -> Result<Manifest, ManifestError> {
        Manifest::parse(content_type, &serde_json::to_vec(body).unwrap())
    }

    #[test]
    fn an_image_needs_its_blobs_and_names_its_subject() {
        let image = json!({"schemaVersion": 2, "mediaType": IMAGE, "config": descriptor("c"), "layers": [descriptor("l")],
            "subject": descriptor("s"), "annotations": {"org.opencontainers.image.created": "2026-01-01T00:00:00Z"}});
        let manifest = parse(IMAGE, &image).unwrap();
        assert_eq!(manifest.blobs().map(|blob| blob.size).collect::<Vec<_>>(), [7, 7]);
        assert_eq!(manifest.children().count(), 0);
        assert_eq!(manifest.subject, Some(Digest::of(b"s")));
        assert_eq!(manifest.created.as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!(manifest.tombstone, None);
    }

    #[test]
    fn an_index_needs_its_children() {
        let manifest =
            parse(INDEX, &json!({"schemaVersion": 2, "manifests": [descriptor("a"), descriptor("b")]})).unwrap();
        assert_eq!(manifest.children().collect::<Vec<_>>(), [&Digest::of(b"a"), &Digest::of(b"b")]);
        assert!(parse(INDEX, &json!({"schemaVersion": 2, "manifests": null})).unwrap().is_index());
    }

    #[test]
    fn what_is_stored_says_itself_what_it_is() {
        let stored = |body: Value| Manifest::parse_stored(&serde_json::to_vec(&body).unwrap());
        for (kind, is_index) in [(Some(IMAGE), false), (None, false), (Some(INDEX), true), (None, true)] {
            let mut body = if is_index {
                json!({"schemaVersion": 2, "manifests": [descriptor("a")]})
            } else {
                json!({"schemaVersion": 2, "config": descriptor("c"), "layers": [descriptor("l")]})
            };
            if let Some(kind) = kind {
                body["mediaType"] = json!(kind);
            }
            assert_eq!(stored(body).unwrap().is_index(), is_index, "{kind:?}");
        }
        let both = json!({"config": descriptor("c"), "layers": [], "manifests": [descriptor("a")]});
        assert_eq!(stored(both), Err(ManifestError::Malformed));
        assert_eq!(stored(json!({"schemaVersion": 1, "fsLayers": []})), Err(ManifestError::Malformed));
        assert_eq!(stored(json!({"mediaType": "text/plain"})), Err(ManifestError::MediaType));
        assert_eq!(Manifest::parse_stored(b"{}"), Err(ManifestError::Malformed));
        assert_eq!(Manifest::parse_stored(b""), Err(ManifestError::Malformed));
    }

    #[test]
    fn what_could_be_read_two_ways_is_malformed() {
        let both = json!({"config": descriptor("c"), "layers": [], "manifests": [descriptor("a")]});
        let other_type = json!({"mediaType": INDEX, "config": descriptor("c"), "layers": []});
        for (content_type, body) in
            [(IMAGE, &both), (INDEX, &both), (IMAGE, &other_type), (IMAGE, &json!({})), (INDEX, &json!({}))]
        {
            assert_eq!(parse(content_type, body), Err(ManifestError::Malformed), "{body}");
        }
        let bad_child = json!({"manifests": [{"digest": "sha256:short", "size": 1}]});
        assert_eq!(parse(INDEX, &bad_child), Err(ManifestError::Malformed));
        assert_eq!(Manifest::parse(IMAGE, b"{\"schemaVersion\":2,"), Err(ManifestError::Malformed));
        assert_eq!(
            parse("application/vnd.docker.distribution.manifest.v1+prettyjws", &both),
            Err(ManifestError::MediaType)
        );
    }
}
