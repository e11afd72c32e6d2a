use std::collections::BTreeMap;
use std::fmt;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use registry_retention::oci::Digest;
use reqwest::{Client, Method, RequestBuilder, StatusCode, header};
use serde_json::Value;

use super::{Artifact, Authority, Credentials, Identity};

/// A registry's client for tests: it pushes as `docker push` does, and looks at what is there. It knows nothing of the
/// crate's own client, so that neither can hide the other's faults.
///
/// What must not fail in a test panics and says which request was answered how; `try_…` returns it.
#[derive(Clone)]
pub struct Pusher {
    client: Client,
    url: String,
    login: Login,
}

#[derive(Clone)]
enum Login {
    None,
    Basic(Credentials),
    Token(String),
}

/// A request that was not answered as a push needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Method and URL.
    pub request: String,
    /// The answer's status; none if there was no answer.
    pub status: Option<StatusCode>,
    /// The answer's body, or what went wrong with the connection.
    pub body: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.map_or("no answer".to_owned(), |status| status.to_string());
        write!(f, "{}: {status}: {}", self.request, self.body)
    }
}

/// The value of `Accept` that gets every manifest as it is stored.
const EVERY_MANIFEST: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// How many requests a push of many sends at a time.
const CONCURRENCY: usize = 16;

impl Pusher {
    /// A client of the registry, or the relay, at `url`.
    pub fn new(url: &str) -> Self {
        let client = unproxied().build().expect("a client");
        Self { client, url: url.to_owned(), login: Login::None }
    }

    /// The same, login and all, by way of another URL.
    pub(super) fn at(self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self }
    }

    /// With another HTTP client, such as one that knows a certificate.
    pub fn with_client(self, client: Client) -> Self {
        Self { client, ..self }
    }

    /// Trusts this authority alone, and shows this certificate.
    #[allow(dead_code, reason = "tests in a cluster use it")]
    pub fn with_certificate(self, authority: &Authority, own: &Identity) -> Self {
        self.with_client(trusting(&authority.certificate(), Some(own)).build().expect("a client"))
    }

    /// Logs in with name and password.
    pub fn with_basic(self, credentials: &Credentials) -> Self {
        Self { login: Login::Basic(credentials.clone()), ..self }
    }

    /// Shows a token, such as one of [`super::TokenServer::token`].
    pub fn with_token(self, token: impl Into<String>) -> Self {
        Self { login: Login::Token(token.into()), ..self }
    }

    /// Pushes an artifact under a tag, what it needs first, skipping blobs that the registry says it has.
    pub async fn push(&self, repository: &str, tag: &str, artifact: &Artifact) -> Digest {
        self.try_push(repository, tag, artifact).await.unwrap_or_else(|refused| panic!("{refused}"))
    }

    /// Pushes an artifact under its digest alone.
    pub async fn push_untagged(&self, repository: &str, artifact: &Artifact) -> Digest {
        self.push(repository, artifact.digest().as_str(), artifact).await
    }

    /// Pushes an artifact under a tag or its digest.
    pub async fn try_push(&self, repository: &str, reference: &str, artifact: &Artifact) -> Result<Digest, Refused> {
        self.push_needs(repository, artifact).await?;
        self.put_manifest(repository, reference, artifact.media_type, artifact.bytes()).await
    }

    /// Pushes many artifacts, several at a time; a blob that many have is sent once.
    pub async fn push_all(&self, repository: &str, tagged: &[(String, Artifact)]) {
        let blobs: BTreeMap<_, _> = tagged
            .iter()
            .flat_map(|(_, artifact)| artifact.blobs.iter().map(|blob| (Digest::of(blob), blob)))
            .collect();
        let uploads = stream::iter(blobs).map(|(digest, blob)| self.push_blob(repository, digest, blob));
        let pushed: Result<Vec<()>, _> = uploads.buffer_unordered(CONCURRENCY).try_collect().await;
        pushed.unwrap_or_else(|refused| panic!("{refused}"));
        let manifests = stream::iter(tagged).map(async |(tag, artifact)| {
            for child in &artifact.children {
                self.push_untagged(repository, child).await;
            }
            self.put_manifest(repository, tag, artifact.media_type, artifact.bytes()).await
        });
        let pushed: Result<Vec<_>, _> = manifests.buffer_unordered(CONCURRENCY).try_collect().await;
        pushed.unwrap_or_else(|refused| panic!("{refused}"));
    }

    /// Everything but the manifest itself: config, layers, children.
    pub async fn push_needs(&self, repository: &str, artifact: &Artifact) -> Result<(), Refused> {
        for child in &artifact.children {
            Box::pin(self.try_push(repository, child.digest().as_str(), child)).await?;
        }
        for blob in &artifact.blobs {
            self.push_blob(repository, Digest::of(blob), blob).await?;
        }
        Ok(())
    }

    /// Sends a blob unless the registry says that it has it.
    async fn push_blob(&self, repository: &str, digest: Digest, bytes: &[u8]) -> Result<(), Refused> {
        let is_there = self.request(Method::HEAD, &format!("/v2/{repository}/blobs/{digest}"));
        if is_there.send().await.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        self.upload(repository, bytes).await.map(drop)
    }

    /// Sends a blob, whether it is there or not.
    pub async fn upload(&self, repository: &str, bytes: &[u8]) -> Result<Digest, Refused> {
        let session = self.begin_upload(repository).await?;
        let digest = Digest::of(bytes);
        let whole = format!("{session}{}digest={digest}", if session.contains('?') { '&' } else { '?' });
        let put = self.request(Method::PUT, &whole).header(header::CONTENT_TYPE, "application/octet-stream");
        accepted(put.body(bytes.to_vec())).await?;
        Ok(digest)
    }

    /// Opens an upload session, which stays in the storage until it is ended; its URL.
    pub async fn begin_upload(&self, repository: &str) -> Result<String, Refused> {
        let answer = accepted(self.request(Method::POST, &format!("/v2/{repository}/blobs/uploads/"))).await?;
        let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        Ok(location.expect("an upload session has a location").to_owned())
    }

    /// Puts a manifest as it is, whether or not what it needs is there.
    pub async fn put_manifest(
        &self,
        repository: &str,
        reference: &str,
        media_type: &str,
        bytes: Vec<u8>,
    ) -> Result<Digest, Refused> {
        let digest = Digest::of(&bytes);
        let put = self.request(Method::PUT, &format!("/v2/{repository}/manifests/{reference}"));
        accepted(put.header(header::CONTENT_TYPE, media_type).body(bytes)).await?;
        Ok(digest)
    }

    /// Gives an existing manifest one more tag: the same bytes, put again.
    pub async fn tag(&self, repository: &str, existing: &str, tag: &str) -> Digest {
        let (media_type, bytes) =
            self.manifest(repository, existing).await.unwrap_or_else(|refused| panic!("{refused}"));
        let put = self.put_manifest(repository, tag, &media_type, bytes).await;
        put.unwrap_or_else(|refused| panic!("{refused}"))
    }

    /// A manifest's media type and bytes, by tag or digest.
    pub async fn manifest(&self, repository: &str, reference: &str) -> Result<(String, Vec<u8>), Refused> {
        let get = self.request(Method::GET, &format!("/v2/{repository}/manifests/{reference}"));
        let answer = accepted(get.header(header::ACCEPT, EVERY_MANIFEST)).await?;
        let media_type = answer.headers()[header::CONTENT_TYPE].to_str().unwrap_or_default().to_owned();
        Ok((media_type, body(answer).await?))
    }

    /// A blob's bytes.
    pub async fn blob(&self, repository: &str, digest: &Digest) -> Result<Vec<u8>, Refused> {
        body(accepted(self.request(Method::GET, &format!("/v2/{repository}/blobs/{digest}"))).await?).await
    }

    /// The tags of a repository, sorted; `None` if the registry does not know the repository.
    pub async fn tags(&self, repository: &str) -> Option<Vec<String>> {
        let answer = match accepted(self.request(Method::GET, &format!("/v2/{repository}/tags/list"))).await {
            Err(Refused { status: Some(StatusCode::NOT_FOUND), .. }) => return None,
            answer => answer.unwrap_or_else(|refused| panic!("{refused}")),
        };
        let list: Value = serde_json::from_slice(&body(answer).await.expect("a tag list")).expect("JSON");
        let names = list["tags"].as_array().cloned().unwrap_or_default();
        let mut tags: Vec<_> = names.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        tags.sort();
        Some(tags)
    }

    /// What a tag points at; `None` if there is no such tag.
    pub async fn digest_of(&self, repository: &str, tag: &str) -> Option<Digest> {
        let head = self.request(Method::HEAD, &format!("/v2/{repository}/manifests/{tag}"));
        match accepted(head.header(header::ACCEPT, EVERY_MANIFEST)).await {
            Err(Refused { status: Some(StatusCode::NOT_FOUND), .. }) => None,
            answer => {
                let answer = answer.unwrap_or_else(|refused| panic!("{refused}"));
                let digest = answer.headers()["docker-content-digest"].to_str().expect("a digest in ASCII");
                Some(digest.parse().expect("a digest"))
            }
        }
    }

    /// Deletes a manifest by tag or digest; the answer's status.
    pub async fn delete(&self, repository: &str, reference: &str) -> StatusCode {
        let delete = self.request(Method::DELETE, &format!("/v2/{repository}/manifests/{reference}"));
        delete.send().await.unwrap_or_else(|error| panic!("DELETE {reference}: {error}")).status()
    }

    /// A request of a path (`/v2/…`), or of a whole URL, with the login.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with('/') { format!("{}{path}", self.url) } else { path.to_owned() };
        let request = self.client.request(method, url);
        match &self.login {
            Login::None => request,
            Login::Basic(credentials) => request.basic_auth(&credentials.user, Some(&credentials.password)),
            Login::Token(token) => request.bearer_auth(token),
        }
    }
}

/// An HTTP client to be: it reaches 127.0.0.1 whatever the machine's proxy is, trusts nobody, and follows no redirect.
pub(super) fn unproxied() -> reqwest::ClientBuilder {
    Client::builder().no_proxy().tls_certs_only([]).redirect(reqwest::redirect::Policy::none())
}

/// The same, but it trusts this authority alone, and shows a certificate of its own where it has one.
pub(super) fn trusting(authority: &str, client: Option<&Identity>) -> reqwest::ClientBuilder {
    let authority = reqwest::Certificate::from_pem(authority.as_bytes()).expect("a certificate");
    let trusting = unproxied().tls_certs_only([authority]);
    client.into_iter().fold(trusting, |trusting, identity| {
        trusting.identity(reqwest::Identity::from_pem(identity.pem().as_bytes()).expect("an identity"))
    })
}

/// Sends a request, and takes only a success for an answer.
async fn accepted(request: RequestBuilder) -> Result<reqwest::Response, Refused> {
    let (client, request) = request.build_split();
    let request = request.expect("a well-formed request");
    let name = format!("{} {}", request.method(), request.url());
    let failed = |error: reqwest::Error| Refused { request: name.clone(), status: None, body: format!("{error:?}") };
    let answer = client.execute(request).await.map_err(failed)?;
    match answer.status() {
        status if status.is_success() => Ok(answer),
        status => Err(Refused { request: name, status: Some(status), body: answer.text().await.unwrap_or_default() }),
    }
}

async fn body(answer: reqwest::Response) -> Result<Vec<u8>, Refused> {
    let (request, status) = (format!("GET {}", answer.url()), Some(answer.status()));
    let bytes = answer.bytes().await;
    bytes.map(Into::into).map_err(|error| Refused { request, status, body: format!("{error:?}") })
}
