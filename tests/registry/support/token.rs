use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router, routing};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::Credentials;

/// A token service in this process, for registries with `auth.token` (Distribution, *Token Authentication*).
///
/// It gives to one user what a test has granted, and nothing at first.
pub struct TokenServer {
    shared: Arc<Shared>,
    certificate: String,
    server: JoinHandle<()>,
}

struct Shared {
    realm: String,
    user: Credentials,
    signer: Signer,
    state: Mutex<GrantedState>,
}

struct GrantedState {
    grants: BTreeMap<String, Vec<String>>,
    lifetime: Duration,
    stale: usize,
    requests: Vec<TokenRequest>,
}

/// One request for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// The scopes asked for, one resource each: `repository:<name>:<actions>`.
    pub scopes: Vec<String>,
    /// The service that the token is for.
    pub service: Option<String>,
    /// Whether the right name and password were shown.
    pub logged_in: bool,
}

const SERVICE: &str = "test-registry";
const ISSUER: &str = "test-issuer";

impl TokenServer {
    /// A server that knows one user, who may do nothing yet.
    pub async fn start(user: &Credentials) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let realm = format!("http://{}/token", listener.local_addr().expect("its address"));
        let (signer, certificate) = Signer::new();
        let state =
            GrantedState { grants: BTreeMap::new(), lifetime: Duration::from_secs(300), stale: 0, requests: vec![] };
        let shared = Arc::new(Shared { realm, user: user.clone(), signer, state: Mutex::new(state) });
        let app = Router::new().route("/token", routing::get(answer)).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async { axum::serve(listener, app).await.expect("it serves") });
        Self { shared, certificate, server }
    }

    /// Grants actions on a resource: `grant("repository:apps/shop", "pull,delete")`, `grant("registry:catalog", "*")`.
    /// What was granted on it before ends.
    pub fn grant(&self, resource: &str, actions: &str) {
        let actions = actions.split(',').filter(|action| !action.is_empty()).map(str::to_owned).collect();
        self.state().grants.insert(resource.to_owned(), actions);
    }

    /// How long the tokens of now on live. A registry accepts one for 60 more seconds.
    pub fn set_lifetime(&self, lifetime: Duration) {
        self.state().lifetime = lifetime;
    }

    /// The next `count` tokens have expired long ago, whatever the answer says: the registry refuses them at once.
    pub fn issue_stale(&self, count: usize) {
        self.state().stale = count;
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<TokenRequest> {
        self.state().requests.clone()
    }

    /// A token for the bearer to do all this, whatever is granted: `token(&["repository:apps/shop:pull,push"])`.
    pub fn token(&self, scopes: &[&str]) -> String {
        let access: Vec<_> = scopes.iter().filter_map(|scope| access(scope)).collect();
        self.shared.signer.sign(&claims(SystemTime::now(), Duration::from_secs(300), &json!(access)))
    }

    /// A registry's `auth.token` section, but for the file with the certificate.
    pub(super) fn settings(&self) -> Value {
        json!({"realm": self.shared.realm, "service": SERVICE, "issuer": ISSUER})
    }

    /// The certificate by which a registry knows the tokens.
    pub(super) fn certificate(&self) -> &str {
        &self.certificate
    }

    fn state(&self) -> std::sync::MutexGuard<'_, GrantedState> {
        self.shared.state.lock().unwrap()
    }
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query = query.unwrap_or_default();
    let parameters: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let values = |name: &'static str| parameters.iter().filter(move |(key, _)| key == name).map(|(_, value)| value);
    let scopes: Vec<_> = values("scope").flat_map(|scopes| scopes.split(' ')).map(str::to_owned).collect();
    let login = format!("{}:{}", shared.user.user, shared.user.password);
    let login = format!("Basic {}", STANDARD.encode(login));
    let logged_in = headers.get(header::AUTHORIZATION).is_some_and(|value| value.as_bytes() == login.as_bytes());

    let mut state = shared.state.lock().unwrap();
    let service = values("service").next().cloned();
    state.requests.push(TokenRequest { scopes: scopes.clone(), service, logged_in });
    if !logged_in {
        return (StatusCode::UNAUTHORIZED, Json(json!({"details": "incorrect username or password"}))).into_response();
    }
    let mut access: Vec<_> = scopes.iter().filter_map(|scope| access(scope)).collect();
    for resource in &mut access {
        let key = format!("{}:{}", resource["type"], resource["name"]).replace('"', "");
        let granted = state.grants.get(&key).cloned().unwrap_or_default();
        if let Some(actions) = resource["actions"].as_array_mut() {
            actions.retain(|action| granted.iter().any(|granted| action == granted));
        }
    }
    let mut issued = SystemTime::now();
    if state.stale > 0 {
        state.stale -= 1;
        issued -= state.lifetime + Duration::from_secs(3600);
    }
    let token = shared.signer.sign(&claims(issued, state.lifetime, &json!(access)));
    Json(json!({"token": token, "access_token": token, "expires_in": state.lifetime.as_secs()})).into_response()
}

/// `type:name:actions` as a token writes it. A name may hold a colon, as that of a registry's host does.
fn access(scope: &str) -> Option<Value> {
    let (resource, actions) = scope.rsplit_once(':')?;
    let (kind, name) = resource.split_once(':')?;
    Some(json!({"type": kind, "name": name, "actions": actions.split(',').collect::<Vec<_>>()}))
}

fn claims(issued: SystemTime, lifetime: Duration, access: &Value) -> Value {
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs();
    json!({
        "iss": ISSUER, "aud": SERVICE, "sub": "test", "jti": "test",
        "iat": seconds(issued), "nbf": seconds(issued), "exp": seconds(issued + lifetime), "access": access,
    })
}

/// Signs tokens (ES256) with a key whose certificate travels in the header `x5c`.
struct Signer {
    key: EcdsaKeyPair,
    header: Value,
}

impl Signer {
    /// A new signer, and the certificate, in PEM, by which its tokens are known.
    fn new() -> (Self, String) {
        let pair = KeyPair::generate().expect("a key");
        let certificate = CertificateParams::default().self_signed(&pair).expect("a self-signed certificate");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pair.serialized_der());
        let header = json!({"typ": "JWT", "alg": "ES256", "x5c": [STANDARD.encode(certificate.der())]});
        (Self { key: key.expect("a P-256 key"), header }, certificate.pem())
    }

    fn sign(&self, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&self.header), part(claims));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
