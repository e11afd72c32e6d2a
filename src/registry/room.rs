use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use url::Url;

use super::Client;
use super::error::{Problem, RegistryError};
use super::exchange::Answer;
use super::token::Scope;
use super::transport::Ask;
use crate::oci::RepositoryName;

/// What is written to see whether anything can be, in bytes: more than any manifest that is put afterwards.
const TRIAL: usize = 256 * 1024;

impl Client {
    /// Whether the store takes a write: an upload is begun, given 256 KiB, and cancelled. `false` if the server fails
    /// at any of these (5xx), as it does on a full disk.
    ///
    /// To be asked before a manifest is put: on a full disk that leaves 2.8 with an empty revision link, upon which
    /// its garbage collector ends with an error for the whole registry. What is left of an upload hurts nothing: a
    /// hash state of 108 bytes even where it is cancelled, and on a full disk of 2.8 the part that was written.
    ///
    /// # Errors
    ///
    /// Failed requests, and `ReadOnly`, `PullThrough` or `Forbidden` where no write is permitted at all.
    pub async fn has_room(&self, repository: &RepositoryName) -> Result<bool, RegistryError> {
        let url = self.at(&format!("/v2/{repository}/blobs/uploads/"));
        let answer = self.send_upload(Method::POST, url, repository).await?;
        let Some(begun) = self.accepted(answer, &[202]).await? else { return Ok(false) };
        let written = match self.send_upload(Method::PATCH, begun.clone(), repository).await {
            Ok(answer) => self.accepted(answer, &[202, 204]).await,
            Err(error) => Err(error),
        };
        // Cancelled after a failure as well, and nothing that goes wrong there hides the failure.
        let Ok(Some(written)) = written else {
            let _ = self.cancel_broken(begun, repository).await;
            return written.map(|_| false);
        };
        let cancelled = self.send_upload(Method::DELETE, written, repository).await?;
        Ok(cancelled.status() < 500)
    }

    /// Cancels an upload of which it is not known how much arrived. Its own URL names the wrong size, so the registry
    /// is asked for the right one; 3.x tells it, 2.8 does not, and purges what was begun a week later.
    async fn cancel_broken(&self, begun: Url, repository: &RepositoryName) -> Result<(), RegistryError> {
        let mut bare = begun.clone();
        bare.set_query(None);
        let answer = self.send_upload(Method::GET, bare, repository).await?;
        let url = self.accepted(answer, &[204]).await.ok().flatten().unwrap_or(begun);
        self.send_upload(Method::DELETE, url, repository).await.map(drop)
    }

    async fn send_upload(
        &self,
        method: Method,
        url: Url,
        repository: &RepositoryName,
    ) -> Result<Answer, RegistryError> {
        let scope = match method {
            Method::DELETE => Scope::delete(repository),
            Method::GET => Scope::pull(repository),
            _ => Scope::push(repository),
        };
        let mut ask = Ask::new(method, url, scope);
        if ask.method == Method::PATCH {
            ask.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
            ask.body = Some(vec![0; TRIAL].into());
        }
        self.transport.send(&ask).await
    }

    /// Where the upload goes on; `None` if the server failed.
    async fn accepted(&self, answer: Answer, expected: &[u16]) -> Result<Option<Url>, RegistryError> {
        if !expected.contains(&answer.status()) {
            let error = answer.into_error().await;
            return if error.is_server_error() { Ok(None) } else { Err(error) };
        }
        let location = answer.header(LOCATION).and_then(|location| self.at("/").join(location).ok());
        let location = location.ok_or_else(|| answer.fail(Problem::Malformed("the upload has no location")))?;
        // Behind a proxy a registry may believe in another scheme or host; the path is what it means.
        let mut url = self.at(location.path());
        url.set_query(location.query());
        Ok(Some(url))
    }
}
