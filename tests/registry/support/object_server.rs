use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::Value;

use super::{AzureServer, GcsServer, S3Server, Version};

/// An object store of any kind, for registries that store there, and for looking behind them.
pub enum ObjectServer {
    S3(S3Server),
    Gcs(GcsServer),
    Azure(AzureServer),
}

/// The storage of a registry that stores into a bucket.
#[derive(Clone)]
pub(super) struct ObjectStorage {
    /// The driver's name.
    pub(super) driver: &'static str,
    /// Its parameters.
    pub(super) parameters: Value,
    /// What the registry needs in its environment.
    pub(super) environment: Vec<(&'static str, PathBuf)>,
}

impl ObjectStorage {
    /// Whether the usual build of a release has the driver; Debian's 2.8 has just the one.
    pub(super) fn is_usual(&self, version: Version) -> bool {
        version == Version::V3_1 || self.driver == "s3"
    }
}

impl ObjectServer {
    /// Starts an S3 server with these buckets.
    pub async fn s3(buckets: &[&str]) -> Self {
        Self::S3(S3Server::start(buckets).await)
    }

    /// Starts an emulator of Google Cloud Storage with these buckets.
    pub async fn gcs(buckets: &[&str]) -> Self {
        Self::Gcs(GcsServer::start(buckets).await)
    }

    /// Starts an emulator of Azure Blob Storage with these containers.
    pub async fn azure(containers: &[&str]) -> Self {
        Self::Azure(AzureServer::start(containers).await)
    }

    /// How whoever reads a bucket reaches the server.
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        match self {
            Self::S3(_) => Vec::new(),
            Self::Gcs(server) => server.environment(),
            Self::Azure(server) => server.environment(),
        }
    }

    pub(super) fn storage(&self, bucket: &str, root: &str) -> ObjectStorage {
        let (driver, parameters) = match self {
            Self::S3(server) => ("s3", server.parameters(bucket, root)),
            Self::Gcs(server) => ("gcs", server.parameters(bucket, root)),
            Self::Azure(_) => ("azure", AzureServer::parameters(bucket, root)),
        };
        ObjectStorage { driver, parameters, environment: self.environment() }
    }

    /// Every object of a bucket, with its size and when it was written.
    pub async fn objects(&self, bucket: &str) -> BTreeMap<String, (u64, Timestamp)> {
        match self {
            Self::S3(server) => server.objects(bucket),
            Self::Gcs(server) => server.objects(bucket).await,
            Self::Azure(server) => server.objects(bucket).await,
        }
    }

    /// Writes an object, behind the registry's back.
    pub async fn put(&self, bucket: &str, key: &str, bytes: &'static [u8]) {
        match self {
            Self::S3(server) => fs::write(server.object(bucket, key), bytes).expect("it is written"),
            Self::Gcs(server) => server.put(bucket, key, bytes).await,
            Self::Azure(server) => server.put(bucket, key, bytes).await,
        }
    }

    /// Takes one away.
    pub async fn delete(&self, bucket: &str, key: &str) {
        match self {
            Self::S3(server) => fs::remove_file(server.object(bucket, key)).expect("it is there"),
            Self::Gcs(server) => server.delete(bucket, key).await,
            Self::Azure(server) => server.delete(bucket, key).await,
        }
    }
}
