use registry_retention::oci::Digest;
use serde_json::Value;

use super::Pusher;

impl Pusher {
    /// Whether a client that pulls this now gets all of it, unspoiled: the manifest, its children at any depth, every
    /// config and layer, each byte hashed again. `Err` says what is wrong, and where.
    pub async fn is_whole(&self, repository: &str, reference: &str) -> Result<(), String> {
        let mut open = vec![reference.to_owned()];
        while let Some(reference) = open.pop() {
            let place = format!("{repository} {reference}");
            let (_, bytes) = self.manifest(repository, &reference).await.map_err(|no| no.to_string())?;
            if let Ok(digest) = reference.parse::<Digest>() {
                must_match(&digest, &bytes, &place)?;
            }
            let manifest: Value = serde_json::from_slice(&bytes).map_err(|error| format!("{place}: {error}"))?;
            if let Some(children) = manifest["manifests"].as_array() {
                open.extend(digests(children)?.iter().map(Digest::to_string));
                continue;
            }
            let layers = manifest["layers"].as_array().ok_or(format!("{place}: neither an index nor an image"))?;
            for digest in [digests([&manifest["config"]])?, digests(layers)?].concat() {
                let bytes = self.blob(repository, &digest).await.map_err(|no| no.to_string())?;
                must_match(&digest, &bytes, &place)?;
            }
        }
        Ok(())
    }
}

fn digests<'a>(descriptors: impl IntoIterator<Item = &'a Value>) -> Result<Vec<Digest>, String> {
    let digest = |descriptor: &Value| descriptor["digest"].as_str().and_then(|text| text.parse().ok());
    descriptors.into_iter().map(|it| digest(it).ok_or(format!("no digest in {it}"))).collect()
}

fn must_match(digest: &Digest, bytes: &[u8], place: &str) -> Result<(), String> {
    if digest.matches(bytes) {
        Ok(())
    } else {
        Err(format!("{place}: the {} bytes of {digest} are others", bytes.len()))
    }
}
