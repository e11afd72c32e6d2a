use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, IF_NONE_MATCH};

use super::error::{Problem, RegistryError};
use super::exchange::Answer;
use super::retry;
use super::token::Scope;
use super::transport::Ask;
use super::{Client, Reference};
use crate::oci::{ACCEPT_MANIFESTS, Digest, MAX_MANIFEST_BYTES, RepositoryName, Tag};

pub(super) const DOCKER_CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// A manifest as it was served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The digest of the body, computed here.
    pub digest: Digest,
    /// The media type that the registry named; it decides what the body is.
    pub content_type: String,
    /// The bytes.
    pub body: Bytes,
}

/// What a tag points at, compared with what it was known to point at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// The same.
    Unchanged,
    /// Another manifest.
    Moved(Fetched),
    /// Nothing: the tag is gone, or dangles.
    Missing,
}

/// What a deletion found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It was there, and is deleted now.
    Now,
    /// It was not there.
    Already,
}

impl Client {
    /// The manifest at `reference`, or `None` if the registry says twice, one time straight after the other, that
    /// there is none.
    ///
    /// # Errors
    ///
    /// Besides failed requests, `DigestMismatch` if the bytes are not what was asked for or what the registry says
    /// they are, and `TooLarge` above [`MAX_MANIFEST_BYTES`]. A 404 without an OCI error code is an error too:
    /// a proxy that lost its way gives such answers, and "missing" must not come from there.
    pub async fn manifest(
        &self,
        repository: &RepositoryName,
        reference: Reference<'_>,
    ) -> Result<Option<Fetched>, RegistryError> {
        let ask = &self.ask_manifest(Method::GET, repository, reference, Scope::pull(repository));
        retry::twice(|| async move {
            let Some(answer) = self.found_or_twice_missing(ask).await? else { return Ok(None) };
            fetched(answer, reference).await.map(Some)
        })
        .await
    }

    /// What `tag` points at now, where `known` is what it did. Sends nothing but a head if that is unchanged.
    ///
    /// # Errors
    ///
    /// As for [`Client::manifest`].
    pub async fn resolve(
        &self,
        repository: &RepositoryName,
        tag: &Tag,
        known: &Digest,
    ) -> Result<Resolved, RegistryError> {
        let reference = Reference::Tag(tag);
        let mut ask = self.ask_manifest(Method::GET, repository, reference, Scope::pull(repository));
        ask.headers.insert(IF_NONE_MATCH, header_value(&format!("\"{known}\"")));
        let ask = &ask;
        retry::twice(|| async move {
            let Some(answer) = self.found_or_twice_missing(ask).await? else { return Ok(Resolved::Missing) };
            if answer.status() == 304 {
                return Ok(Resolved::Unchanged);
            }
            let fetched = fetched(answer, reference).await?;
            Ok(if fetched.digest == *known { Resolved::Unchanged } else { Resolved::Moved(fetched) })
        })
        .await
    }

    /// Deletes `tag` alone, which 3.x can; 2.8 answers 400 and does nothing.
    pub async fn delete_tag(&self, repository: &RepositoryName, tag: &Tag) -> Result<Deleted, RegistryError> {
        self.delete(repository, Reference::Tag(tag)).await
    }

    /// Deletes the manifest `digest`, **and every tag of the repository that points at it**, also such as were pushed
    /// a moment ago. After an error some of these tags may lead nowhere.
    pub async fn delete_manifest(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Deleted, RegistryError> {
        self.delete(repository, Reference::Digest(digest)).await
    }

    /// Stores the manifest `body` as `media_type` at `reference`. Never repeated once it may have been carried out.
    pub async fn put_manifest(
        &self,
        repository: &RepositoryName,
        reference: Reference<'_>,
        media_type: &str,
        body: Bytes,
    ) -> Result<(), RegistryError> {
        let mut ask = self.ask_manifest(Method::PUT, repository, reference, Scope::push(repository));
        ask.headers.insert(CONTENT_TYPE, header_value(media_type));
        ask.body = Some(body);
        let answer = self.transport.send(&ask).await?;
        if answer.status() == 201 { Ok(()) } else { Err(answer.into_error().await) }
    }

    async fn delete(&self, repository: &RepositoryName, reference: Reference<'_>) -> Result<Deleted, RegistryError> {
        let ask = self.ask_manifest(Method::DELETE, repository, reference, Scope::delete(repository));
        let mut answer = self.transport.send(&ask).await?;
        match answer.status() {
            // 202 by the distribution-spec; 200 and 204 from implementations that differ.
            200 | 202 | 204 => Ok(Deleted::Now),
            404 => {
                let code = answer.code().await;
                if is_unknown(code.as_deref()) { Ok(Deleted::Already) } else { Err(answer.error_with(code)) }
            }
            _ => Err(answer.into_error().await),
        }
    }

    pub(super) fn ask_manifest(
        &self,
        method: Method,
        repository: &RepositoryName,
        reference: Reference<'_>,
        scope: Scope,
    ) -> Ask {
        let mut ask = Ask::new(method, self.at(&format!("/v2/{repository}/manifests/{reference}")), scope);
        ask.headers.insert(ACCEPT, HeaderValue::from_static(ACCEPT_MANIFESTS));
        ask
    }

    /// The answer to `ask` if it is 200, or 304 where that was asked for; `None` after two 404 in a row.
    async fn found_or_twice_missing(&self, ask: &Ask) -> Result<Option<Answer>, RegistryError> {
        for _ in 0..2 {
            let mut answer = self.transport.send(ask).await?;
            match answer.status() {
                200 => return Ok(Some(answer)),
                304 if ask.headers.contains_key(IF_NONE_MATCH) => return Ok(Some(answer)),
                404 => {
                    let code = answer.code().await;
                    if !is_unknown(code.as_deref()) {
                        return Err(answer.error_with(code));
                    }
                }
                _ => return Err(answer.into_error().await),
            }
        }
        Ok(None)
    }
}

/// Whether an OCI error code says that something does not exist.
fn is_unknown(code: Option<&str>) -> bool {
    matches!(code, Some("MANIFEST_UNKNOWN" | "NAME_UNKNOWN"))
}

async fn fetched(mut answer: Answer, reference: Reference<'_>) -> Result<Fetched, RegistryError> {
    let body = answer.bytes(MAX_MANIFEST_BYTES).await?;
    let named = named_digest(&answer)?;
    let asked = match reference {
        Reference::Digest(digest) => Some(digest.clone()),
        Reference::Tag(_) => None,
    };
    for expected in [&asked, &named].into_iter().flatten() {
        if !expected.matches(&body) {
            return Err(answer.fail(Problem::DigestMismatch { expected: expected.clone() }));
        }
    }
    let digest = asked.or(named).unwrap_or_else(|| Digest::of(&body));
    let content_type = answer.header(CONTENT_TYPE).unwrap_or_default().to_owned();
    Ok(Fetched { digest, content_type, body })
}

/// The digest in the answer's head, if there is one.
fn named_digest(answer: &Answer) -> Result<Option<Digest>, RegistryError> {
    let parse =
        |text: &str| text.parse().map_err(|_| answer.fail(Problem::Malformed("its digest header is no digest")));
    answer.header(DOCKER_CONTENT_DIGEST).map(parse).transpose()
}

/// A header value of text that is known to be printable ASCII; anything else becomes empty, which a server refuses.
fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
