use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::registry::{folder_of_its_own, free_port};
use super::server::Server;
use super::store::visit;
use super::version::s3_server;

/// An S3 server (versitygw), a process of its own, that stores into a folder. It is killed when this is
/// dropped.
pub struct S3Server {
    _server: Server,
    home: TempDir,
    url: String,
}

const ACCESS_KEY: &str = "test";
const SECRET_KEY: &str = "not-a-secret";
const REGION: &str = "us-east-1";

impl S3Server {
    /// The login, as the environment has it.
    pub const LOGIN: [(&'static str, &'static str); 2] =
        [("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY)];

    /// Starts one with these buckets, and returns when it answers.
    pub async fn start(buckets: &[&str]) -> Self {
        Self::start_at("127.0.0.1", buckets).await
    }

    /// The same on another address of this machine's.
    pub async fn start_at(host: &str, buckets: &[&str]) -> Self {
        let home = folder_of_its_own();
        for bucket in buckets {
            fs::create_dir_all(home.path().join("buckets").join(bucket)).expect("a bucket");
        }
        // What objects are besides their content goes here: not every filesystem has attributes.
        fs::create_dir(home.path().join("attributes")).expect("a folder");
        let address = format!("{host}:{}", free_port());
        let mut command = s3_server();
        command
            .args(["--port", &address, "--access", ACCESS_KEY, "--secret", SECRET_KEY, "--region", REGION, "posix"])
            .arg("--sidecar")
            .arg(home.path().join("attributes"))
            .arg(home.path().join("buckets"));
        let server = Server::start(command, home.path(), address.parse().expect("an address")).await;
        Self { _server: server, home, url: format!("http://{address}") }
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The parameters of the driver `s3` of a registry that stores into a bucket of it.
    pub(super) fn parameters(&self, bucket: &str, root: &str) -> Value {
        json!({
            "bucket": bucket,
            "rootdirectory": root,
            "region": REGION,
            "regionendpoint": self.url,
            "forcepathstyle": true,
            "accesskey": ACCESS_KEY,
            "secretkey": SECRET_KEY,
        })
    }

    /// The file of an object.
    pub fn object(&self, bucket: &str, key: &str) -> PathBuf {
        self.home.path().join("buckets").join(bucket).join(key)
    }

    /// Every object of a bucket, with its size and when it was written.
    pub(super) fn objects(&self, bucket: &str) -> BTreeMap<String, (u64, Timestamp)> {
        let root = self.object(bucket, "");
        let mut objects = BTreeMap::new();
        visit(&root, &mut |path, metadata| {
            let key = path.strip_prefix(&root).expect("below it").to_str().expect("UTF-8").to_owned();
            let written = metadata.modified().expect("a time").try_into().expect("a time of the calendar");
            objects.insert(key, (metadata.len(), written));
        });
        objects
    }
}
