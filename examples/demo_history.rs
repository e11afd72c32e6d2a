//! Pushes the history of a small company's images to the registry at the URL given: what `make demo` prunes.
//!
//! - `apps/shop`: twelve multi-arch releases `v1.0.0`…, the newest also `latest`, one of them signed; forty builds of pull
//!   requests, of which `pr-131` was released as `v1.11.0` unchanged and so shares its digest
//! - `apps/api`: thirty nightly builds
//! - `base/runtime`: one reproducible image, created in 1970 by its own account
//! - `apps/worker`, if a layer (a tar archive) is given as well: three builds of an image that a kubelet can run

use std::error::Error;

use jiff::{SignedDuration, Timestamp};
use registry_retention::oci::Digest;
use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const KIB: usize = 1024;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("usage: demo_history URL [LAYER]")?;
    let registry = Registry { client: Client::new(), url };
    registry.releases().await?;
    registry.pull_requests().await?;
    registry.nightlies().await?;
    let runtime = registry.image("base/runtime", "runtime", "amd64", "1970-01-01T00:00:00Z").await?;
    registry.put("base/runtime", "v3", &runtime).await?;
    match arguments.next() {
        Some(layer) => registry.workers(&std::fs::read(layer)?).await,
        None => Ok(()),
    }
}

struct Registry {
    client: Client,
    url: String,
}

impl Registry {
    async fn releases(&self) -> Result<()> {
        let shop = "apps/shop";
        for minor in 0..12 {
            let created = days_ago(12 * 14 - minor * 14);
            let mut children = Vec::new();
            for architecture in ["amd64", "arm64"] {
                let image = self.image(shop, &format!("v1.{minor}.0"), architecture, &created).await?;
                self.put(shop, Digest::of(image.to_string().as_bytes()).as_str(), &image).await?;
                children.push(descriptor(IMAGE, image.to_string().as_bytes()));
            }
            let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children});
            self.put(shop, &format!("v1.{minor}.0"), &index).await?;
            if minor == 11 {
                self.put(shop, "latest", &index).await?;
                self.put(shop, "pr-131", &index).await?;
            }
            if minor == 9 {
                let signature = self.image(shop, "signature", "amd64", &created).await?;
                let tag = Digest::of(index.to_string().as_bytes()).as_str().replace(':', "-") + ".sig";
                self.put(shop, &tag, &signature).await?;
            }
        }
        Ok(())
    }

    async fn pull_requests(&self) -> Result<()> {
        for number in 0..40 {
            let tag = format!("pr-{}", 140 + number);
            let image = self.image("apps/shop", &tag, "amd64", &days_ago(80 - 2 * number)).await?;
            self.put("apps/shop", &tag, &image).await?;
        }
        Ok(())
    }

    async fn nightlies(&self) -> Result<()> {
        for day in 0..30 {
            let image = self.image("apps/api", &format!("nightly {day}"), "amd64", &days_ago(30 - day)).await?;
            self.put("apps/api", &format!("nightly-{day:02}"), &image).await?;
        }
        Ok(())
    }

    /// Images of which a kubelet can unpack the one layer.
    async fn workers(&self, layer: &[u8]) -> Result<()> {
        let worker = "apps/worker";
        self.upload(worker, layer).await?;
        for number in 101..104 {
            let config = json!({
                "created": days_ago(80), "architecture": "amd64", "os": "linux", "config": {"Labels": {"pr": number.to_string()}},
                "rootfs": {"type": "layers", "diff_ids": [Digest::of(layer)]},
            });
            let config = config.to_string().into_bytes();
            self.upload(worker, &config).await?;
            let image = json!({
                "schemaVersion": 2, "mediaType": IMAGE, "config": descriptor(CONFIG, &config),
                "layers": [descriptor(LAYER, layer)],
            });
            self.put(worker, &format!("pr-{number}"), &image).await?;
        }
        Ok(())
    }

    /// Uploads the blobs of an image: a base layer that the repository shares, and one of its own.
    async fn image(&self, repository: &str, name: &str, architecture: &str, created: &str) -> Result<Value> {
        let config = json!({"created": created, "architecture": architecture, "os": "linux", "config": {"Labels": {"name": name}}});
        let config = config.to_string().into_bytes();
        let base = noise(&format!("{repository} {architecture}"), 2048 * KIB);
        let own = noise(&format!("{repository} {name} {architecture}"), 512 * KIB);
        for blob in [&config, &base, &own] {
            self.upload(repository, blob).await?;
        }
        Ok(json!({
            "schemaVersion": 2, "mediaType": IMAGE, "config": descriptor(CONFIG, &config),
            "layers": [descriptor(LAYER, &base), descriptor(LAYER, &own)],
        }))
    }

    async fn upload(&self, repository: &str, blob: &[u8]) -> Result<()> {
        let digest = Digest::of(blob);
        let there = self.client.head(format!("{}/v2/{repository}/blobs/{digest}", self.url)).send().await?;
        if there.status().is_success() {
            return Ok(());
        }
        let begun = self
            .client
            .post(format!("{}/v2/{repository}/blobs/uploads/", self.url))
            .send()
            .await?
            .error_for_status()?;
        let place = begun.headers().get(LOCATION).ok_or("an upload has a place")?.to_str()?;
        let place = begun.url().join(place)?;
        let upload = self.client.put(place).query(&[("digest", digest.as_str())]).body(blob.to_vec());
        upload.send().await?.error_for_status()?;
        Ok(())
    }

    async fn put(&self, repository: &str, reference: &str, manifest: &Value) -> Result<()> {
        let media_type = manifest["mediaType"].as_str().ok_or("a manifest has a media type")?.to_owned();
        let url = format!("{}/v2/{repository}/manifests/{reference}", self.url);
        let put = self.client.put(url).header(CONTENT_TYPE, media_type).body(manifest.to_string());
        put.send().await?.error_for_status()?;
        Ok(())
    }
}

fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": Digest::of(content), "size": content.len()})
}

#[expect(clippy::disallowed_methods, reason = "a history ends now")]
fn days_ago(days: i64) -> String {
    (Timestamp::now() - SignedDuration::from_hours(24 * days)).to_string()
}

/// Bytes that no disk compresses, the same for the same name.
fn noise(name: &str, length: usize) -> Vec<u8> {
    let mut block = Sha256::digest(name);
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        bytes.extend_from_slice(&block);
        block = Sha256::digest(block);
    }
    bytes.truncate(length);
    bytes
}
