use bytes::Bytes;
use reqwest::Method;
use reqwest::header::LOCATION;

use super::Client;
use super::error::{Problem, RegistryError};
use super::exchange::Answer;
use super::retry;
use super::token::Scope;
use super::transport::Ask;
use crate::oci::{Digest, Hasher, RepositoryName};

/// How many redirects a blob may take; a store that signs URLs needs one.
const MAX_REDIRECTS: usize = 3;

/// What reading a whole blob found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rehashed {
    /// All of it is there and is what its digest names; its size in bytes.
    Whole(u64),
    /// It is cut short, or its bytes are others.
    Damaged,
    /// There is none.
    Missing,
}

impl Client {
    /// The blob `digest`, if it is there; meant for configs, not for layers.
    ///
    /// # Errors
    ///
    /// Besides failed requests, `DigestMismatch` if the bytes are not what was asked for, `TooLarge` above `max_bytes`,
    /// and `UnsafeRedirect` if it leads from https to http or too far.
    pub async fn blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        max_bytes: u64,
    ) -> Result<Option<Bytes>, RegistryError> {
        retry::twice(|| async move {
            let Some(mut answer) = self.find_blob(Method::GET, repository, digest).await? else { return Ok(None) };
            let body = answer.bytes(max_bytes).await?;
            if digest.matches(&body) {
                Ok(Some(body))
            } else {
                Err(answer.fail(Problem::DigestMismatch { expected: digest.clone() }))
            }
        })
        .await
    }

    /// Whether the registry says that it has the blob: `None` if not, else its size in bytes, 0 where it tells none.
    ///
    /// A registry process that was running during a garbage collection may say so of a blob that is gone.
    pub async fn blob_exists(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<u64>, RegistryError> {
        let answer = self.find_blob(Method::HEAD, repository, digest).await?;
        Ok(answer.map(|answer| answer.announced_length().unwrap_or_default()))
    }

    /// Reads the whole blob `digest` and compares; needs the same little memory for any size.
    pub async fn rehash_blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<Rehashed, RegistryError> {
        let mut cut_before = None;
        loop {
            let Some(mut answer) = self.find_blob(Method::GET, repository, digest).await? else {
                return Ok(Rehashed::Missing);
            };
            let (mut hash, mut length) = (Hasher::of(digest), 0);
            let error = loop {
                match answer.chunk().await {
                    Ok(Some(chunk)) => {
                        length += chunk.len() as u64;
                        hash.update(&chunk);
                    }
                    Ok(None) => {
                        return Ok(if hash.is(digest) { Rehashed::Whole(length) } else { Rehashed::Damaged });
                    }
                    Err(error) => break error,
                }
            };
            // A blob that is shorter than the registry believes ends at the same byte each time; a bad line does not.
            match cut_before {
                _ if *error.problem() != Problem::Interrupted => return Err(error),
                None => cut_before = Some(length),
                Some(before) if before == length => return Ok(Rehashed::Damaged),
                Some(_) => return Err(error),
            }
        }
    }

    /// The answer that holds the blob, wherever the registry keeps it.
    async fn find_blob(
        &self,
        method: Method,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<Answer>, RegistryError> {
        let url = self.at(&format!("/v2/{repository}/blobs/{digest}"));
        let mut ask = Ask::new(method, url, Scope::pull(repository));
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.transport.send(&ask).await?;
            match answer.status() {
                200 => return Ok(Some(answer)),
                404 => return Ok(None),
                301 | 302 | 303 | 307 | 308 => self.redirect(&mut ask, &answer)?,
                _ => return Err(answer.into_error().await),
            }
        }
        Err(RegistryError::new(ask.shown(), Problem::UnsafeRedirect))
    }

    /// Turns `ask` to where `answer` points: http(s), never from https to http, and with a login to the registry only.
    fn redirect(&self, ask: &mut Ask, answer: &Answer) -> Result<(), RegistryError> {
        let target = answer.header(LOCATION).and_then(|location| ask.url.join(location).ok());
        let allowed =
            target.filter(|url| url.scheme() == "https" || (url.scheme() == "http" && ask.url.scheme() == "http"));
        ask.url = allowed.ok_or_else(|| answer.fail(Problem::UnsafeRedirect))?;
        ask.elsewhere = !self.endpoint().is_origin_of(&ask.url);
        Ok(())
    }
}
