use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Authority;
use super::front::Front;
use super::pusher::trusting;
use super::registry::{folder_of_its_own, free_port};
use super::server::Server;
use super::version::gcs_server;

/// Google Cloud Storage (fake-gcs-server), a process of its own on 127.0.0.1. It is reached under Google's own names,
/// over TLS and through a proxy, and is killed when this is dropped.
pub struct GcsServer {
    _server: Server,
    front: Front,
    home: TempDir,
    client: Client,
}

/// The hosts that registries ask for: objects are at the first, uploads at the second.
const HOSTS: [&str; 2] = ["storage.googleapis.com", "www.googleapis.com"];

impl GcsServer {
    /// Starts one with these buckets, and returns when it answers.
    pub async fn start(buckets: &[&str]) -> Self {
        let home = folder_of_its_own();
        for bucket in buckets {
            fs::create_dir_all(home.path().join("buckets").join(bucket)).expect("a bucket");
        }
        let authority = Authority::new();
        authority.write_server(home.path(), HOSTS.map(str::to_owned));
        let port = free_port();
        let mut command = gcs_server();
        command
            .args(["-scheme", "https", "-host", "127.0.0.1", "-port", &port.to_string(), "-backend", "filesystem"])
            .args(["-external-url", &format!("https://{}", HOSTS[1])])
            .arg("-filesystem-root")
            .arg(home.path().join("buckets"))
            .arg("-cert-location")
            .arg(home.path().join("tls.crt"))
            .arg("-private-key-location")
            .arg(home.path().join("tls.key"));
        let address = ([127, 0, 0, 1], port).into();
        let server = Server::start(command, home.path(), address).await;
        let front = Front::start(address).await;
        let proxy = reqwest::Proxy::https(front.url()).expect("a proxy");
        let client = trusting(&authority.certificate(), None).proxy(proxy).build().expect("a client");
        let server = Self { _server: server, front, home, client };
        fs::write(server.keyfile(), Self::key(&server.front.url()).to_string()).expect("it is written");
        server
    }

    /// The file with the key of a service account, which anybody can make: the emulator looks at no login.
    pub fn keyfile(&self) -> PathBuf {
        self.home.path().join("key.json")
    }

    /// The key of a service account that gets its tokens there.
    pub fn key(token_server: &str) -> Value {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der: Pkcs8V1Der<'_> = pair.as_der().expect("PKCS #8");
        let base64 = BASE64_STANDARD.encode(der.as_ref());
        json!({
            "type": "service_account",
            "project_id": "test",
            "private_key_id": "1",
            "private_key": format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n"),
            "client_email": "test@test.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": token_server,
        })
    }

    /// How it is reached as Google is.
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        vec![("HTTPS_PROXY", self.front.url().into()), ("SSL_CERT_FILE", self.home.path().join("ca.crt"))]
    }

    /// The parameters of the driver `gcs` of a registry that stores into a bucket of it.
    pub(super) fn parameters(&self, bucket: &str, root: &str) -> Value {
        json!({"bucket": bucket, "rootdirectory": root, "keyfile": self.keyfile()})
    }

    /// Every object of a bucket, with its size and when it was written.
    pub async fn objects(&self, bucket: &str) -> BTreeMap<String, (u64, Timestamp)> {
        let list = self.request(Method::GET, &format!("storage/v1/b/{bucket}/o"), &[]).await;
        let list: Value = serde_json::from_slice(&list).expect("JSON");
        assert!(list["nextPageToken"].as_str().is_none_or(str::is_empty), "there is more");
        let objects = list["items"].as_array().expect("objects").iter().map(|object| {
            let text = |name: &str| object[name].as_str().expect("a text");
            (text("name").to_owned(), (text("size").parse().expect("a size"), text("updated").parse().expect("a time")))
        });
        objects.collect()
    }

    /// Writes an object, behind the registry's back.
    pub async fn put(&self, bucket: &str, key: &str, bytes: &'static [u8]) {
        let path = format!("upload/storage/v1/b/{bucket}/o?uploadType=media&name={key}");
        self.request(Method::POST, &path, bytes).await;
    }

    /// Takes one away.
    pub async fn delete(&self, bucket: &str, key: &str) {
        let path = format!("storage/v1/b/{bucket}/o/{}", key.replace('/', "%2F"));
        self.request(Method::DELETE, &path, &[]).await;
    }

    async fn request(&self, method: Method, path: &str, body: &'static [u8]) -> Vec<u8> {
        let url = format!("https://{}/{path}", HOSTS[0]);
        let answer = self.client.request(method, &url).body(body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{url}: {}", answer.status());
        answer.bytes().await.expect("a body").into()
    }
}
