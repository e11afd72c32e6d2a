use registry_retention::oci::Digest;
use serde_json::{Value, json};

/// Which family of media types is used.
#[derive(Clone, Copy, Debug)]
enum Format {
    Oci,
    Docker,
}

/// A manifest and everything that it needs, not yet pushed: an image, an index, a signature.
///
/// Equal calls give equal bytes, so equal digests.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// The manifest's media type.
    pub media_type: &'static str,
    /// The manifest, as JSON.
    pub manifest: Value,
    /// Config and layers.
    pub blobs: Vec<Vec<u8>>,
    /// What an index lists.
    pub children: Vec<Artifact>,
    platform: &'static str,
}

/// Says what an image is to be made of; see [`Artifact::image`].
#[derive(Clone, Debug)]
pub struct ImageBuilder {
    seed: String,
    created: Option<String>,
    layers: Vec<Vec<u8>>,
    format: Format,
    platform: &'static str,
}

impl Artifact {
    /// An OCI image without layers and without a time of creation. `seed` goes into its config, so that images of
    /// different seeds have different digests.
    pub fn image(seed: impl Into<String>) -> ImageBuilder {
        ImageBuilder { seed: seed.into(), created: None, layers: vec![], format: Format::Oci, platform: "amd64" }
    }

    /// An OCI index of `children`, which may be indexes themselves.
    pub fn index(children: impl IntoIterator<Item = Artifact>) -> Self {
        Self::list("application/vnd.oci.image.index.v1+json", children.into_iter().collect())
    }

    /// A Docker manifest list of `children`.
    pub fn docker_list(children: impl IntoIterator<Item = Artifact>) -> Self {
        let media_type = "application/vnd.docker.distribution.manifest.list.v2+json";
        Self::list(media_type, children.into_iter().collect())
    }

    fn list(media_type: &'static str, children: Vec<Artifact>) -> Self {
        let entries: Vec<_> = children.iter().map(Self::descriptor).collect();
        let manifest = json!({"schemaVersion": 2, "mediaType": media_type, "manifests": entries});
        Self { media_type, manifest, blobs: vec![], children, platform: "amd64" }
    }

    /// Something about `subject` that is no image, such as a signature or an SBOM, of the given `artifactType`.
    pub fn attachment(subject: &Artifact, kind: &str) -> Self {
        let config = b"{}".to_vec();
        let layer = format!("{kind} of {}", subject.digest()).into_bytes();
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type,
            "artifactType": kind,
            "config": descriptor("application/vnd.oci.empty.v1+json", &config),
            "layers": [descriptor(kind, &layer)],
        });
        let blobs = vec![config, layer];
        Self { media_type, manifest, blobs, children: vec![], platform: "amd64" }.about(subject)
    }

    /// The same with `subject` named as its subject (OCI 1.1).
    pub fn about(mut self, subject: &Artifact) -> Self {
        let bytes = subject.bytes();
        self.manifest["subject"] = descriptor(subject.media_type, &bytes);
        self
    }

    /// The same with an annotation; another digest.
    pub fn annotated(mut self, key: &str, value: &str) -> Self {
        self.manifest["annotations"][key] = json!(value);
        self
    }

    /// The manifest's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.manifest.to_string().into_bytes()
    }

    /// The manifest's digest.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes())
    }

    /// The digests of config and layers, in this order.
    pub fn blob_digests(&self) -> Vec<Digest> {
        self.blobs.iter().map(|blob| Digest::of(blob)).collect()
    }

    /// The referrers fallback tag of what is about this: `sha256-<hex>`.
    pub fn fallback_tag(&self) -> String {
        self.digest().as_str().replace(':', "-")
    }

    /// The tag under which cosign puts what is about this: `sha256-<hex>.sig`, `.att`, `.sbom`.
    pub fn cosign_tag(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.fallback_tag())
    }

    /// How an index names it.
    fn descriptor(&self) -> Value {
        let mut descriptor = descriptor(self.media_type, &self.bytes());
        if self.children.is_empty() {
            descriptor["platform"] = json!({"architecture": self.platform, "os": "linux"});
        }
        descriptor
    }
}

impl ImageBuilder {
    /// The config's `created`, whatever text it is.
    pub fn created(self, created: impl Into<String>) -> Self {
        Self { created: Some(created.into()), ..self }
    }

    /// One more layer, of these bytes. Images share the layers that are equal.
    pub fn layer(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.layers.push(bytes.into());
        self
    }

    /// `count` more layers of `size` bytes each, of this image alone.
    pub fn layers(mut self, count: usize, size: usize) -> Self {
        for _ in 0..count {
            let bytes = filler(&format!("{}/{}", self.seed, self.layers.len()), size);
            self.layers.push(bytes);
        }
        self
    }

    /// For another architecture than amd64.
    pub fn platform(self, architecture: &'static str) -> Self {
        Self { platform: architecture, ..self }
    }

    /// With Docker's media types.
    pub fn docker(self) -> Self {
        Self { format: Format::Docker, ..self }
    }

    /// The image.
    pub fn build(self) -> Artifact {
        let (media_type, config_type, layer_type) = match self.format {
            Format::Oci => (
                "application/vnd.oci.image.manifest.v1+json",
                "application/vnd.oci.image.config.v1+json",
                "application/vnd.oci.image.layer.v1.tar",
            ),
            Format::Docker => (
                "application/vnd.docker.distribution.manifest.v2+json",
                "application/vnd.docker.container.image.v1+json",
                "application/vnd.docker.image.rootfs.diff.tar",
            ),
        };
        let diff_ids: Vec<_> = self.layers.iter().map(|layer| Digest::of(layer)).collect();
        let mut config = json!({
            "architecture": self.platform,
            "os": "linux",
            "config": {"Labels": {"seed": self.seed}},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        if let Some(created) = self.created {
            config["created"] = json!(created);
        }
        let config = config.to_string().into_bytes();
        let layers: Vec<_> = self.layers.iter().map(|layer| descriptor(layer_type, layer)).collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": descriptor(config_type, &config),
            "layers": layers,
        });
        let blobs = std::iter::once(config).chain(self.layers).collect();
        Artifact { media_type, manifest, blobs, children: vec![], platform: self.platform }
    }
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": Digest::of(bytes), "size": bytes.len()})
}

/// `size` bytes that differ from those of any other seed from the start.
pub fn filler(seed: &str, size: usize) -> Vec<u8> {
    Digest::of(seed.as_bytes()).as_str().bytes().cycle().take(size).collect()
}
