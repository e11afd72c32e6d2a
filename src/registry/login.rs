use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderValue};

use super::challenge::Challenge;
use super::error::{Problem, RegistryError, Request};
use super::exchange::{exchange, shown};
use super::tls::Connectors;
use super::token::{Issued, Realm, Scope, Token};
use super::{Credentials, Endpoint};

/// The most that a token service may answer, in bytes.
const MAX_TOKEN_BYTES: u64 = 1024 * 1024;
/// How long a token service may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// So many scopes are remembered; forgetting costs a request each.
const MAX_TOKENS: usize = 4096;

/// Keeps one registry's logins: what kind it asks for, and a token for each scope.
///
/// Nothing is sent unasked. After the first challenge the kind is known and later requests carry their login from the
/// start, so that no body is sent in vain; a challenge for a scope always has the last word.
pub(super) struct Login {
    endpoint: Endpoint,
    credentials: Credentials,
    connectors: Connectors,
    learned: Mutex<Learned>,
    tokens: Mutex<HashMap<Scope, Slot>>,
}

/// Held while a token is fetched, so that requests of one scope wait for one token.
type Slot = Arc<tokio::sync::Mutex<Option<Token>>>;

#[derive(Clone, Default)]
enum Learned {
    #[default]
    Nothing,
    Basic,
    Bearer(Realm),
}

impl Login {
    pub(super) fn new(endpoint: Endpoint, credentials: Credentials, connectors: Connectors) -> Self {
        Self { endpoint, credentials, connectors, learned: Mutex::default(), tokens: Mutex::default() }
    }

    /// What to send with a request for `scope`, as far as is known.
    pub(super) async fn header(&self, scope: &Scope) -> Result<Option<HeaderValue>, RegistryError> {
        let learned = lock(&self.learned).clone();
        match learned {
            Learned::Nothing => Ok(None),
            Learned::Basic => Ok(self.credentials.header()),
            Learned::Bearer(realm) => self.token(&realm, scope, scope.as_str(), None).await.map(Some),
        }
    }

    /// What to send after `challenges` came for a request of `scope` with the login `refused`.
    pub(super) async fn answer(
        &self,
        challenges: &[Challenge],
        scope: &Scope,
        refused: Option<&HeaderValue>,
        request: Request,
    ) -> Result<HeaderValue, RegistryError> {
        for challenge in challenges {
            if let Challenge::Bearer(bearer) = challenge {
                let realm =
                    Realm::of(bearer, &self.endpoint).map_err(|problem| RegistryError::new(request, problem))?;
                *lock(&self.learned) = Learned::Bearer(realm.clone());
                let scopes = bearer.scope.as_deref().unwrap_or(scope.as_str());
                return self.token(&realm, scope, scopes, refused).await;
            }
        }
        let problem = match self.credentials.header() {
            None => Problem::LoginMissing,
            Some(header) if challenges.contains(&Challenge::Basic) && Some(&header) != refused => {
                *lock(&self.learned) = Learned::Basic;
                return Ok(header);
            }
            Some(_) => Problem::Unauthorized { status: 401 },
        };
        Err(RegistryError::new(request, problem))
    }

    /// A token for `scope`, which the registry calls `scopes`; never the one that was `refused`.
    async fn token(
        &self,
        realm: &Realm,
        scope: &Scope,
        scopes: &str,
        refused: Option<&HeaderValue>,
    ) -> Result<HeaderValue, RegistryError> {
        let slot = self.slot(scope);
        let mut slot = slot.lock().await;
        let known = slot.as_ref().and_then(|token| token.header(Instant::now()));
        if let Some(known) = known.filter(|known| Some(*known) != refused) {
            return Ok(known.clone());
        }
        let asked = Instant::now();
        let (header, token) = self.fetch(realm, scopes, asked).await?;
        *slot = Some(token);
        Ok(header)
    }

    fn slot(&self, scope: &Scope) -> Slot {
        let mut tokens = lock(&self.tokens);
        if tokens.len() >= MAX_TOKENS && !tokens.contains_key(scope) {
            tokens.clear();
        }
        tokens.entry(scope.clone()).or_default().clone()
    }

    async fn fetch(&self, realm: &Realm, scopes: &str, asked: Instant) -> Result<(HeaderValue, Token), RegistryError> {
        let url = realm.ask(scopes);
        let same_host = url.host_str() == Some(self.endpoint.host());
        let client = if same_host { &self.connectors.own } else { &self.connectors.other };
        let request = Request { method: Method::GET, target: shown(&url) };
        let mut ask = reqwest::Request::new(Method::GET, url);
        if let Some(header) = self.credentials.header() {
            ask.headers_mut().insert(AUTHORIZATION, header);
        }
        let mut answer = exchange(client, ask, PATIENCE, None).await?;
        match answer.status() {
            200 => {}
            401 if self.credentials == Credentials::Anonymous => return Err(answer.fail(Problem::LoginMissing)),
            _ => return Err(answer.into_error().await),
        }
        let (issued, _) = answer.json::<Issued>(MAX_TOKEN_BYTES).await?;
        let token = Token::new(issued, asked).map_err(|problem| RegistryError::new(request, problem))?;
        Ok((token.value().clone(), token))
    }
}

/// A thread that panicked leaves these maps whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
