use std::collections::BTreeMap;
use std::path::PathBuf;

use aws_lc_rs::hmac;
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
use super::version::azure_server;

/// Azure Blob Storage (Azurite), a process of its own on 127.0.0.1. It is reached under Azure's own names, over TLS and
/// through a proxy, and is killed when this is dropped.
pub struct AzureServer {
    _server: Server,
    front: Front,
    home: TempDir,
    client: Client,
    address: String,
}

const KEY: &str = "bm90IGEgc2VjcmV0LCBidXQgbG9uZyBlbm91Z2ggdG8gYmUgb25l";
const VERSION: &str = "2021-12-02";

impl AzureServer {
    /// The storage account.
    pub const ACCOUNT: &'static str = "acme";
    /// The login, as the environment has it.
    pub const LOGIN: (&'static str, &'static str) = ("AZURE_STORAGE_ACCOUNT_KEY", KEY);

    /// Starts one with these containers, and returns when it answers.
    pub async fn start(containers: &[&str]) -> Self {
        let home = folder_of_its_own();
        let authority = Authority::new();
        authority.write_server(home.path(), [host(), "127.0.0.1".to_owned()]);
        let port = free_port();
        let mut command = azure_server();
        command
            .env("AZURITE_ACCOUNTS", format!("{}:{KEY}", Self::ACCOUNT))
            .args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()])
            .args(["--skipApiVersionCheck", "--disableTelemetry", "--silent", "--location"])
            .arg(home.path().join("containers"))
            .arg("--cert")
            .arg(home.path().join("tls.crt"))
            .arg("--key")
            .arg(home.path().join("tls.key"));
        let address = ([127, 0, 0, 1], port).into();
        let server = Server::start(command, home.path(), address).await;
        let front = Front::start(address).await;
        let proxy = reqwest::Proxy::https(front.url()).expect("a proxy");
        let client = trusting(&authority.certificate(), None).proxy(proxy).build().expect("a client");
        let server = Self { _server: server, front, home, client, address: address.to_string() };
        for container in containers {
            server.request(Method::PUT, container, &[("restype", "container")], &[]).await;
        }
        server
    }

    /// Where it answers without a proxy, as emulators are reached.
    pub fn url(&self) -> String {
        format!("https://{}/{}", self.address, Self::ACCOUNT)
    }

    /// How it is reached as Azure is.
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        vec![("HTTPS_PROXY", self.front.url().into()), ("SSL_CERT_FILE", self.home.path().join("ca.crt"))]
    }

    /// The parameters of the driver `azure` of a registry that stores into a container of it.
    pub(super) fn parameters(container: &str, root: &str) -> Value {
        json!({
            "accountname": Self::ACCOUNT,
            "accountkey": KEY,
            "container": container,
            "rootdirectory": root,
            "credentials": {"type": "shared_key"},
        })
    }

    /// Every blob of a container, with its size and when it was written.
    pub async fn objects(&self, container: &str) -> BTreeMap<String, (u64, Timestamp)> {
        let query = [("comp", "list"), ("restype", "container")];
        let list = String::from_utf8(self.request(Method::GET, container, &query, &[]).await).expect("UTF-8");
        assert!(list.contains("<NextMarker/>") || list.contains("<NextMarker></NextMarker>"), "there is more");
        let blobs = list.split("<Blob>").skip(1).map(|blob| {
            let text = |name: &str| {
                let (_, rest) = blob.split_once(&format!("<{name}>")).expect("an element");
                rest.split('<').next().expect("a text")
            };
            let written = jiff::fmt::rfc2822::parse(text("Last-Modified")).expect("a time").timestamp();
            (text("Name").to_owned(), (text("Content-Length").parse().expect("a size"), written))
        });
        blobs.collect()
    }

    /// Writes a blob, behind the registry's back.
    pub async fn put(&self, container: &str, key: &str, bytes: &'static [u8]) {
        self.request(Method::PUT, &format!("{container}/{key}"), &[], bytes).await;
    }

    /// Takes one away.
    pub async fn delete(&self, container: &str, key: &str) {
        self.request(Method::DELETE, &format!("{container}/{key}"), &[], &[]).await;
    }

    /// A request with the account's key (`SharedKey`, as Azure's documentation has it).
    async fn request(&self, method: Method, path: &str, query: &[(&str, &str)], body: &'static [u8]) -> Vec<u8> {
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&Timestamp::now());
        let date = date.expect("a date");
        let headers = format!("x-ms-blob-type:BlockBlob\nx-ms-date:{date}\nx-ms-version:{VERSION}\n");
        let length = if body.is_empty() { String::new() } else { body.len().to_string() };
        let parameters: Vec<_> = query.iter().map(|(name, value)| format!("\n{name}:{value}")).collect();
        let account = Self::ACCOUNT;
        let signed =
            format!("{method}\n\n\n{length}\n\n\n\n\n\n\n\n\n{headers}/{account}/{path}{}", parameters.concat());
        let key = hmac::Key::new(hmac::HMAC_SHA256, &BASE64_STANDARD.decode(KEY).expect("Base64"));
        let signature = BASE64_STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
        let url = format!("https://{}/{path}", host());
        let request = self
            .client
            .request(method, &url)
            .query(query)
            .header("x-ms-blob-type", "BlockBlob")
            .header("x-ms-date", date)
            .header("x-ms-version", VERSION)
            .header("Authorization", format!("SharedKey {account}:{signature}"))
            .header("Content-Length", body.len())
            .body(body);
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let body = answer.bytes().await.expect("a body");
        assert!(status.is_success(), "{url}: {status}: {}", String::from_utf8_lossy(&body));
        body.into()
    }
}

fn host() -> String {
    format!("{}.blob.core.windows.net", AzureServer::ACCOUNT)
}
