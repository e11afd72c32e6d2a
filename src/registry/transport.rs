use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use tokio::sync::Semaphore;
use url::Url;

use super::challenge::Challenge;
use super::error::{Problem, RegistryError, Request};
use super::exchange::{Answer, exchange, shown};
use super::login::Login;
use super::retry::{self, Hitch, Repeat};
use super::tls::{Connectors, Reach};
use super::token::Scope;
use super::{Access, Endpoint, MAX_IN_FLIGHT};

/// How long the head of an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a DELETE may take: by digest the registry reads every tag of the repository, on object storage one by one.
const DELETE_PATIENCE: Duration = Duration::from_secs(10 * 60);

/// One request, to be sent as often as is safe.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub method: Method,
    pub url: Url,
    pub scope: Scope,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
    /// Whether it goes to another host than the registry: then it carries no login of any kind.
    pub elsewhere: bool,
}

impl Ask {
    pub(super) fn new(method: Method, url: Url, scope: Scope) -> Self {
        Self { method, url, scope, headers: HeaderMap::new(), body: None, elsewhere: false }
    }

    fn patience(&self) -> Duration {
        if self.method == Method::DELETE { DELETE_PATIENCE } else { PATIENCE }
    }

    /// The request as an error names it.
    pub(super) fn shown(&self) -> Request {
        Request { method: self.method.clone(), target: shown(&self.url) }
    }
}

/// Sends requests to one registry: a few at a time, logged in as it asks, repeated where that is safe.
pub(super) struct Transport {
    pub endpoint: Endpoint,
    connectors: Connectors,
    login: Login,
    in_flight: Arc<Semaphore>,
}

impl Transport {
    pub(super) fn new(endpoint: Endpoint, access: Access) -> Result<Self, Problem> {
        Self::reaching(endpoint, access, &Reach::default())
    }

    /// One that reaches the registry in this way. A token service is reached as always: another server may have the
    /// registry's name as well, and is none of its processes.
    pub(super) fn reaching(endpoint: Endpoint, access: Access, reach: &Reach) -> Result<Self, Problem> {
        let connectors = Connectors::new(&endpoint, &access.tls, reach)?;
        let usual = Reach { connect_timeout: reach.connect_timeout, ..Reach::default() };
        let to_tokens =
            if reach.address.is_none() { connectors.clone() } else { Connectors::new(&endpoint, &access.tls, &usual)? };
        let login = Login::new(endpoint.clone(), access.credentials, to_tokens);
        Ok(Self { endpoint, connectors, login, in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)) })
    }

    /// The answer to `ask`, whatever its status but 401.
    pub(super) async fn send(&self, ask: &Ask) -> Result<Answer, RegistryError> {
        for tries in 1.. {
            let outcome = self.send_logged_in(ask).await;
            // What failed may have been the token service, which is only read: so the method is the failed one's.
            let (hitch, method) = match &outcome {
                Ok(answer) => (Some(answer.hitch()), &ask.method),
                Err(error) => (Hitch::of(error.problem()), error.method()),
            };
            let random = getrandom::u64().unwrap_or_default();
            let pause = hitch.and_then(|hitch| retry::pause(Repeat::of(method), hitch, tries, random));
            let Some(pause) = pause else { return outcome };
            tracing::debug!(method = %ask.method, path = ask.url.path(), ?hitch, ?pause, "repeating a request");
            drop(outcome);
            tokio::time::sleep(pause).await;
        }
        unreachable!("the pauses end")
    }

    /// The same, not repeated: by a second request where a login is asked for, and no more.
    pub(super) async fn send_logged_in(&self, ask: &Ask) -> Result<Answer, RegistryError> {
        if ask.elsewhere {
            return self.send_once(ask, None).await;
        }
        let login = self.login.header(&ask.scope).await?;
        let mut answer = self.send_once(ask, login.clone()).await?;
        if answer.status() != 401 {
            return Ok(answer);
        }
        let challenges = Challenge::of(answer.headers());
        // Read to its end, the answer leaves the connection to the next request.
        answer.code().await;
        drop(answer);
        let login = self.login.answer(&challenges, &ask.scope, login.as_ref(), ask.shown()).await?;
        let answer = self.send_once(ask, Some(login)).await?;
        if answer.status() != 401 {
            return Ok(answer);
        }
        Err(answer.fail(refusal(&Challenge::of(answer.headers()))))
    }

    async fn send_once(&self, ask: &Ask, login: Option<HeaderValue>) -> Result<Answer, RegistryError> {
        let permit = Arc::clone(&self.in_flight).acquire_owned().await.ok();
        let mut request = reqwest::Request::new(ask.method.clone(), ask.url.clone());
        *request.headers_mut() = ask.headers.clone();
        if let Some(login) = login {
            request.headers_mut().insert(AUTHORIZATION, login);
        }
        *request.body_mut() = ask.body.clone().map(Into::into);
        let client = if ask.elsewhere { &self.connectors.other } else { &self.connectors.own };
        exchange(client, request, ask.patience(), permit).await
    }
}

/// What a 401 to a fresh login means. Where a token service took the login, it is the right that is missing:
/// Distribution says so by `insufficient_scope`, others say nothing.
fn refusal(challenges: &[Challenge]) -> Problem {
    let lacks_right = challenges.iter().any(|challenge| match challenge {
        Challenge::Bearer(bearer) => bearer.error.as_deref() != Some("invalid_token"),
        Challenge::Basic => false,
    });
    if lacks_right { Problem::Forbidden { status: 401, code: None } } else { Problem::Unauthorized { status: 401 } }
}
