use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::registry::{folder_of_its_own, free_port};
use super::version::s3_server;

/// An S3 server (versitygw), a process of its own on 127.0.0.1, that stores into a folder. It is killed when this is
/// dropped.
pub struct S3Server {
    process: Child,
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
        let home = folder_of_its_own();
        for bucket in buckets {
            fs::create_dir_all(home.path().join("buckets").join(bucket)).expect("a bucket");
        }
        // What objects are besides their content goes here: not every filesystem has attributes.
        fs::create_dir(home.path().join("attributes")).expect("a folder");
        let client = super::pusher::unproxied().build().expect("a client");
        let address = format!("127.0.0.1:{}", free_port());
        let log = File::create(home.path().join("log")).expect("a log file");
        let process = s3_server()
            .args(["--port", &address, "--access", ACCESS_KEY, "--secret", SECRET_KEY, "--region", REGION, "posix"])
            .arg("--sidecar")
            .arg(home.path().join("attributes"))
            .arg(home.path().join("buckets"))
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("the server's executable runs");
        let mut server = Self { process, home, url: format!("http://{address}") };
        for _ in 0..3000 {
            let ended = server.process.try_wait().expect("a child can be waited for");
            assert!(ended.is_none(), "the S3 server ended:\n{}", server.log());
            if client.get(&server.url).send().await.is_ok() {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the S3 server does not answer:\n{}", server.log());
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The section `storage.s3` of a registry that stores into a bucket of it.
    pub(super) fn settings(&self, bucket: &str, root: &str) -> Value {
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

    fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
