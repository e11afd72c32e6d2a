use registry_retention::oci::{Content, Digest, Manifest};

use super::Pusher;

impl Pusher {
    /// Whether a client that pulls this now gets all of it, unspoiled: the manifest, its children at any depth, every
    /// config and layer, each byte hashed again. `Err` says what is wrong, and where.
    pub async fn is_whole(&self, repository: &str, reference: &str) -> Result<(), String> {
        let mut open = vec![reference.to_owned()];
        while let Some(reference) = open.pop() {
            let place = format!("{repository} {reference}");
            let (media_type, bytes) = self.manifest(repository, &reference).await.map_err(|no| no.to_string())?;
            if let Ok(digest) = reference.parse::<Digest>() {
                must_match(&digest, &bytes, &place)?;
            }
            let manifest = Manifest::parse(&media_type, &bytes).map_err(|error| format!("{place}: {error}"))?;
            match &manifest.content {
                Content::Index { manifests } => open.extend(manifests.iter().map(|child| child.digest.to_string())),
                Content::Image { config, layers } => {
                    for blob in std::iter::once(config).chain(layers) {
                        let bytes = self.blob(repository, &blob.digest).await.map_err(|no| no.to_string())?;
                        must_match(&blob.digest, &bytes, &place)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn must_match(digest: &Digest, bytes: &[u8], place: &str) -> Result<(), String> {
    if digest.matches(bytes) {
        Ok(())
    } else {
        Err(format!("{place}: the {} bytes of {digest} are others", bytes.len()))
    }
}
