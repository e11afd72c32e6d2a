use std::error::Error as _;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{ALLOW, AsHeaderName, CONTENT_LENGTH, HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use url::Url;

use super::error::{Problem, RegistryError, Request, escaped};
use super::retry::{self, Hitch};

/// How long the next piece of an answer's body may take.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// The most that is read of an answer that says what went wrong, in bytes.
const MAX_ERROR_BYTES: u64 = 64 * 1024;

/// Sends one request once; `patience` is how long the head of the answer may take. Any status is an answer.
pub(super) async fn exchange(
    client: &reqwest::Client,
    request: reqwest::Request,
    patience: Duration,
    permit: Option<OwnedSemaphorePermit>,
) -> Result<Answer, RegistryError> {
    let shown = Request { method: request.method().clone(), target: shown(request.url()) };
    match timeout(patience, client.execute(request)).await {
        Ok(Ok(response)) => Ok(Answer { request: shown, response, _permit: permit }),
        Ok(Err(error)) => Err(RegistryError::new(shown, problem_of(&error))),
        Err(_) => Err(RegistryError::new(shown, Problem::TimedOut(patience))),
    }
}

/// A URL as it may be shown: without its query, which may be signed or name an upload session.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// The head of an answer, and its body as far as it is read. While it lives it counts as a request in flight.
#[derive(Debug)]
pub(super) struct Answer {
    request: Request,
    response: reqwest::Response,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// A header's text; `None` if it is absent or not ASCII.
    pub(super) fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// The size that the head announces, also where there is no body (HEAD).
    pub(super) fn announced_length(&self) -> Option<u64> {
        self.header(CONTENT_LENGTH)?.parse().ok()
    }

    /// What a retry has to know of it.
    pub(super) fn hitch(&self) -> Hitch {
        Hitch::Status(self.status(), self.retry_after())
    }

    #[expect(clippy::disallowed_methods, reason = "`Retry-After` may be a date, and a wait is no decision")]
    fn retry_after(&self) -> Option<Duration> {
        retry::retry_after(self.header(RETRY_AFTER)?, Timestamp::now())
    }

    /// The error that this answer's content turned out to be.
    pub(super) fn fail(&self, problem: Problem) -> RegistryError {
        RegistryError::new(self.request.clone(), problem)
    }

    /// The next piece of the body.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, RegistryError> {
        match timeout(READ_TIMEOUT, self.response.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(error)) => Err(self.fail(problem_of(&error))),
            Err(_) => Err(self.fail(Problem::TimedOut(READ_TIMEOUT))),
        }
    }

    /// A line that breaks within a body is told from one that breaks before there is any answer.
    fn cut_short(&self, error: RegistryError) -> RegistryError {
        if *error.problem() == Problem::Interrupted { self.fail(Problem::CutShort) } else { error }
    }

    /// The whole body, if it has at most `limit` bytes; not a byte more is kept.
    pub(super) async fn bytes(&mut self, limit: u64) -> Result<Bytes, RegistryError> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await.map_err(|error| self.cut_short(error))? {
            if (body.len() + chunk.len()) as u64 > limit {
                return Err(self.fail(Problem::TooLarge { limit }));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.into())
    }

    /// The body as JSON, and its length in bytes.
    pub(super) async fn json<T: DeserializeOwned>(&mut self, limit: u64) -> Result<(T, usize), RegistryError> {
        let body = self.bytes(limit).await?;
        // The error of serde_json quotes the body.
        let value =
            serde_json::from_slice(&body).map_err(|_| self.fail(Problem::Malformed("not the JSON expected")))?;
        Ok((value, body.len()))
    }

    /// The code of the first OCI error in the body (distribution-spec, § Error Codes). Nothing else of it is kept.
    pub(super) async fn code(&mut self) -> Option<String> {
        #[derive(Deserialize)]
        struct Errors {
            errors: Vec<Code>,
        }
        #[derive(Deserialize)]
        struct Code {
            code: String,
        }
        let body = self.bytes(MAX_ERROR_BYTES).await.ok()?;
        let code = serde_json::from_slice::<Errors>(&body).ok()?.errors.into_iter().next()?.code;
        let is_code = code.len() <= 40 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        is_code.then_some(code)
    }

    /// The error that this answer is, by its status and OCI code.
    pub(super) async fn into_error(mut self) -> RegistryError {
        let code = self.code().await;
        self.error_with(code)
    }

    /// The same where the code is known already.
    pub(super) fn error_with(&self, code: Option<String>) -> RegistryError {
        let unsupported = code.as_deref() == Some("UNSUPPORTED");
        let writes = !matches!(self.request.method, Method::GET | Method::HEAD);
        let problem = match self.status() {
            status @ 401 => Problem::Unauthorized { status },
            status @ 403 => Problem::Forbidden { status, code },
            405 if self.is_read_only(code.as_deref()) => Problem::ReadOnly,
            405 if unsupported && self.request.method == Method::DELETE => Problem::DeleteDisabled,
            405 if unsupported && writes => Problem::PullThrough,
            429 => Problem::RateLimited { retry_after: self.retry_after() },
            300..=399 => Problem::UnsafeRedirect,
            status @ 500.. => Problem::ServerError { status, code },
            status => Problem::Unexpected { status, code },
        };
        self.fail(problem)
    }

    /// Distribution in its read-only mode registers reading methods only, so its router answers: 405 without an OCI
    /// error, and an `Allow` that lacks the method. A disabled or unsupported write is 405 with an OCI error.
    fn is_read_only(&self, code: Option<&str>) -> bool {
        let Some(allow) = self.header(ALLOW) else { return false };
        code.is_none() && !allow.split(',').any(|method| method.trim() == self.request.method.as_str())
    }
}

fn problem_of(error: &reqwest::Error) -> Problem {
    if error.is_dns() {
        return Problem::UnknownHost;
    }
    match tls_error(error) {
        Some(refused @ rustls::Error::InvalidCertificate(_)) => {
            return Problem::CertificateRefused(escaped(&refused.to_string()));
        }
        Some(other) => return Problem::TlsMisconfigured(escaped(&other.to_string())),
        None => {}
    }
    if error.is_connect() { Problem::Unreachable } else { Problem::Interrupted }
}

/// The error of rustls that `error` stands for. It hides inside `io::Error`s, whose `source` skips what they hold.
fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
