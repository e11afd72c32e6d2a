use std::time::{Duration, Instant};

use reqwest::header::HeaderValue;
use serde::Deserialize;
use url::Url;

use super::Endpoint;
use super::challenge::Bearer;
use super::credentials::sensitive;
use super::error::Problem;
use crate::oci::RepositoryName;

/// What a request needs to be permitted, as Distribution's `handlers/app.go` asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scope(String);

impl Scope {
    /// `/v2/` itself: a valid token is enough.
    pub(super) fn none() -> Self {
        Self(String::new())
    }

    /// The list of repositories.
    pub(super) fn catalog() -> Self {
        Self("registry:catalog:*".into())
    }

    /// Reading tags, manifests and blobs.
    pub(super) fn pull(repository: &RepositoryName) -> Self {
        Self(format!("repository:{repository}:pull"))
    }

    /// Writing manifests and uploads.
    pub(super) fn push(repository: &RepositoryName) -> Self {
        Self(format!("repository:{repository}:pull,push"))
    }

    /// Deleting manifests and tags; it does not include `pull`.
    pub(super) fn delete(repository: &RepositoryName) -> Self {
        Self(format!("repository:{repository}:delete"))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A token service that a registry named, and that may be spoken to.
#[derive(Clone, Debug)]
pub(super) struct Realm {
    pub url: Url,
    pub service: Option<String>,
}

impl Realm {
    /// The realm of `bearer`, if a login may be sent there.
    ///
    /// The realm is the server's word, and the login goes where it points. So: https to any host, since whoever can
    /// forge the challenge could as well have asked for the login itself by Basic; or http, but only if the registry is
    /// spoken to by http itself and the service is on the same host (any port).
    pub(super) fn of(bearer: &Bearer, endpoint: &Endpoint) -> Result<Self, Problem> {
        let url = Url::parse(&bearer.realm).map_err(|_| Problem::Malformed("the realm of its challenge is no URL"))?;
        let same_host = url.host_str() == Some(endpoint.host());
        let allowed = match url.scheme() {
            "https" => url.host_str().is_some(),
            "http" => endpoint.is_plain() && same_host,
            _ => false,
        };
        if allowed && url.username().is_empty() && url.password().is_none() {
            Ok(Self { url, service: bearer.service.clone() })
        } else {
            Err(Problem::UnsafeRealm)
        }
    }

    /// The URL that gives a token for `scopes`, separated by spaces.
    pub(super) fn ask(&self, scopes: &str) -> Url {
        let mut url = self.url.clone();
        {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(self.service.iter().map(|service| ("service", service)));
            query.extend_pairs(scopes.split_ascii_whitespace().map(|scope| ("scope", scope)));
        }
        url
    }
}

/// A token, and until when it is used.
pub(super) struct Token {
    header: HeaderValue,
    until: Instant,
}

/// What a token service answers.
#[derive(Deserialize)]
pub(super) struct Issued {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

/// What a token without `expires_in` lives (Distribution's token specification), in seconds.
const DEFAULT_LIFETIME: u64 = 60;
/// No token is trusted for longer than a day, whatever it says.
const LONGEST_LIFETIME: u64 = 24 * 60 * 60;

impl Token {
    /// The token that was `asked` for at that time by the monotonic clock.
    pub(super) fn new(issued: Issued, asked: Instant) -> Result<Self, Problem> {
        let text = issued.token.or(issued.access_token).filter(|text| !text.is_empty());
        let text = text.ok_or(Problem::Malformed("the token service gave no token"))?;
        let header = sensitive(&format!("Bearer {text}")).ok_or(Problem::Malformed("the token is no header value"))?;
        let lifetime = Duration::from_secs(issued.expires_in.unwrap_or(DEFAULT_LIFETIME).min(LONGEST_LIFETIME));
        // A request sent at the last moment would arrive too late.
        let slack = (lifetime / 10).min(Duration::from_secs(10));
        Ok(Self { header, until: asked + lifetime.saturating_sub(slack) })
    }

    /// The value of `Authorization`, whatever its age.
    pub(super) fn value(&self) -> &HeaderValue {
        &self.header
    }

    /// The value of `Authorization`, while the token lives.
    pub(super) fn header(&self, now: Instant) -> Option<&HeaderValue> {
        (now < self.until).then_some(&self.header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realm(endpoint: &str, realm: &str) -> Result<Realm, Problem> {
        let bearer = Bearer { realm: realm.into(), service: Some("a b".into()), ..Bearer::default() };
        Realm::of(&bearer, &endpoint.parse().unwrap())
    }

    #[test]
    fn a_login_goes_by_https_or_stays_on_the_registrys_host() {
        for (endpoint, url) in [
            ("https://registry.example.com", "https://auth.example.com/token"),
            ("http://registry:5000", "https://auth.example.com/token"),
            ("http://127.0.0.1:5000", "http://127.0.0.1:5001/token"),
            ("http://registry:5000", "http://REGISTRY/token"),
        ] {
            assert!(realm(endpoint, url).is_ok(), "{endpoint} {url}");
        }
        for (endpoint, url) in [
            ("http://registry:5000", "http://evil/token"),
            ("http://registry:5000", "http://registry.evil/token"),
            ("https://registry", "http://registry/token"),
            ("https://registry", "https://user:password@auth/token"),
            ("http://registry", "file:///etc/passwd"),
        ] {
            assert_eq!(realm(endpoint, url).unwrap_err(), Problem::UnsafeRealm, "{endpoint} {url}");
        }
        assert!(matches!(realm("https://registry", "/token"), Err(Problem::Malformed(_))));
    }

    #[test]
    fn a_token_is_asked_for_by_service_and_scopes() {
        let realm = realm("https://r", "https://auth/token?x=1").unwrap();
        assert_eq!(
            realm.ask("repository:a/b:pull repository:c:delete").as_str(),
            "https://auth/token?x=1&service=a+b&scope=repository%3Aa%2Fb%3Apull&scope=repository%3Ac%3Adelete"
        );
        let bare = Realm { service: None, ..realm };
        assert_eq!(bare.ask("").as_str(), "https://auth/token?x=1");
    }

    #[test]
    fn a_token_ends_before_it_expires() {
        let asked = Instant::now();
        let alive = |expires_in, seconds: f64| {
            let issued = Issued { token: None, access_token: Some("t".into()), expires_in };
            Token::new(issued, asked).unwrap().header(asked + Duration::from_secs_f64(seconds)).is_some()
        };
        assert!(alive(Some(300), 289.9) && !alive(Some(300), 290.0));
        assert!(alive(None, 53.9) && !alive(None, 54.0));
        assert!(!alive(Some(0), 0.0));
        assert!(!alive(Some(u64::MAX), 86_400.0));
    }

    #[test]
    fn an_answer_without_a_token_is_malformed() {
        for token in [None, Some(String::new()), Some("a\nb".into())] {
            let issued = Issued { token, access_token: None, expires_in: None };
            assert!(matches!(Token::new(issued, Instant::now()), Err(Problem::Malformed(_))));
        }
    }
}
