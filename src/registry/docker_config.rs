use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use globset::Glob;
use serde::Deserialize;

use super::{Credentials, Endpoint};

/// The logins of a docker `config.json`, which is also the content of a `kubernetes.io/dockerconfigjson` Secret.
///
/// Only what stands in the file counts. A credential helper that it names is never run: the file may be a Secret that
/// somebody else wrote, and a helper is a program.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DockerConfig {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    creds_store: Option<String>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

/// Why a docker `config.json` gives no login.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DockerConfigError {
    /// Not JSON of the expected form.
    #[error("the docker configuration is not valid JSON of the expected form (line {line}, column {column})")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// The entry holds neither `auth` nor `username` and `password` that can be read.
    #[error("the docker configuration's entry for {host} holds no readable `auth`, nor `username` and `password`")]
    Unreadable {
        /// The registry, `host:port`.
        host: String,
    },
    /// The entry holds an identity token, which only an OAuth token service takes.
    #[error(
        "the docker configuration's entry for {host} holds an identity token, which is not supported; give a login \
         by --username and --password-stdin"
    )]
    IdentityToken {
        /// The registry, `host:port`.
        host: String,
    },
    /// The login is with a credential helper.
    #[error(
        "the docker configuration leaves the login for {host} to a credential helper, which is not run; give it by \
         --username and --password-stdin"
    )]
    Helper {
        /// The registry, `host:port`.
        host: String,
    },
    /// There are logins for parts of the registry only.
    #[error("the docker configuration has logins for some paths of {host} only, none for the whole registry")]
    OnlyForPaths {
        /// The registry, `host:port`.
        host: String,
    },
}

impl DockerConfig {
    /// Reads the file's content.
    pub fn parse(json: &[u8]) -> Result<Self, DockerConfigError> {
        // The error of serde_json quotes what it read; the place is all that may be shown.
        serde_json::from_slice(json)
            .map_err(|error| DockerConfigError::Malformed { line: error.line(), column: error.column() })
    }

    /// The login for `endpoint`, and there for `path` (a repository or a prefix of one; empty for the whole registry).
    ///
    /// As with Kubernetes' pull secrets the longest matching path wins, a key's host may contain `*` and `?` within a
    /// label, and a key without a port means the default one. Docker's `https://HOST/v1/` is the same as `HOST`.
    /// `None` where there is no entry.
    pub fn credentials(&self, endpoint: &Endpoint, path: &str) -> Result<Option<Credentials>, DockerConfigError> {
        let host = endpoint.host_port();
        let here =
            || self.auths.iter().map(|(key, entry)| (Key::parse(key), entry)).filter(|(key, _)| key.names(endpoint));
        let best =
            here().filter(|(key, _)| key.covers(path)).max_by_key(|(key, entry)| (key.path.len(), entry.is_filled()));
        if let Some((_, entry)) = best
            && entry.is_filled()
        {
            return entry.credentials(host).map(Some);
        }
        let helped = self.cred_helpers.keys().any(|key| Key::parse(key).names(endpoint));
        match best {
            _ if helped => Err(DockerConfigError::Helper { host }),
            Some(_) if self.creds_store.is_some() => Err(DockerConfigError::Helper { host }),
            Some(_) => Err(DockerConfigError::Unreadable { host }),
            None if here().next().is_some() => Err(DockerConfigError::OnlyForPaths { host }),
            None => Ok(None),
        }
    }
}

impl DockerConfig {
    /// Its one login, where it is not known by which name the registry goes; `None` if there are none or several.
    pub fn only(&self) -> Result<Option<Credentials>, DockerConfigError> {
        let mut filled = self.auths.iter().filter(|(_, entry)| entry.is_filled());
        match (filled.next(), filled.next()) {
            (Some((host, entry)), None) => entry.credentials(host.clone()).map(Some),
            _ => Ok(None),
        }
    }
}

impl Entry {
    fn is_filled(&self) -> bool {
        [&self.auth, &self.username, &self.password, &self.identitytoken]
            .into_iter()
            .flatten()
            .any(|text| !text.is_empty())
    }

    fn credentials(&self, host: String) -> Result<Credentials, DockerConfigError> {
        if self.identitytoken.as_ref().is_some_and(|token| !token.is_empty()) {
            return Err(DockerConfigError::IdentityToken { host });
        }
        let login = match (&self.username, &self.password, &self.auth) {
            (Some(username), Some(password), _) => Some((username.clone(), password.clone())),
            (_, _, Some(auth)) => decode(auth),
            _ => None,
        };
        let (username, password) = login.ok_or(DockerConfigError::Unreadable { host })?;
        Ok(Credentials::Basic { username, password })
    }
}

fn decode(auth: &str) -> Option<(String, String)> {
    let text = String::from_utf8(BASE64_STANDARD.decode(auth.trim()).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    // Old versions of docker padded the password with NUL bytes.
    Some((username.to_owned(), password.trim_end_matches('\0').to_owned()))
}

/// A key of `auths`: `[SCHEME://]HOST[:PORT][/PATH]`.
struct Key<'a> {
    host: &'a str,
    port: Option<u16>,
    path: &'a str,
}

impl<'a> Key<'a> {
    fn parse(key: &'a str) -> Self {
        let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
        let (authority, path) = bare.split_once('/').unwrap_or((bare, ""));
        let path = path.trim_end_matches('/');
        let path = if matches!(path, "v1" | "v2") { "" } else { path };
        let with_port = authority.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        match with_port {
            Some((host, port)) => Self { host, port: Some(port), path },
            None => Self { host: authority, port: None, path },
        }
    }

    fn names(&self, endpoint: &Endpoint) -> bool {
        self.port.unwrap_or(endpoint.default_port()) == endpoint.port()
            && is_host(&self.host.to_ascii_lowercase(), endpoint.host())
    }

    fn covers(&self, path: &str) -> bool {
        let rest = path.strip_prefix(self.path);
        self.path.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Whether `pattern` is `host`, label by label.
fn is_host(pattern: &str, host: &str) -> bool {
    if pattern == host {
        return true;
    }
    let label =
        |pattern: &str, label: &str| Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(label));
    pattern.contains(['*', '?'])
        && pattern.split('.').count() == host.split('.').count()
        && pattern.split('.').zip(host.split('.')).all(|(one, other)| label(one, other))
}

impl fmt::Debug for DockerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DockerConfig").field("registries", &self.auths.keys()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn find(config: &Value, url: &str, path: &str) -> Result<Option<Credentials>, DockerConfigError> {
        DockerConfig::parse(config.to_string().as_bytes())?.credentials(&url.parse().unwrap(), path)
    }

    fn login(username: &str) -> Value {
        json!({"username": username, "password": "p"})
    }

    fn user(config: &Value, url: &str, path: &str) -> Option<String> {
        match find(config, url, path).unwrap()? {
            Credentials::Basic { username, .. } => Some(username),
            Credentials::Anonymous => None,
        }
    }

    #[test]
    fn the_longest_path_wins() {
        let config = json!({"auths": {"r.example.com": login("whole"), "r.example.com/team": login("team"),
            "r.example.com/team/app": login("app"), "r.example.com:5000": login("port")}});
        for (url, path, expected) in [
            ("https://r.example.com", "", Some("whole")),
            ("https://r.example.com", "team", Some("team")),
            ("https://r.example.com", "team/app/x", Some("app")),
            ("https://r.example.com", "teammates", Some("whole")),
            ("http://r.example.com", "", Some("whole")),
            ("http://r.example.com:5000", "team", Some("port")),
            ("https://r.example.com:444", "", None),
            ("https://other.example.com", "", None),
        ] {
            assert_eq!(user(&config, url, path).as_deref(), expected, "{url} {path}");
        }
    }

    #[test]
    fn dockers_and_kubernetes_spellings_are_understood() {
        for key in [
            "https://r.example.com/v1/",
            "https://r.example.com/v2/",
            "r.example.com:443",
            "R.example.com",
            "*.example.com",
        ] {
            assert_eq!(
                user(&json!({"auths": {key: login("a")}}), "https://r.example.com", "x").as_deref(),
                Some("a"),
                "{key}"
            );
        }
        for key in ["*.com", "*", "x.example.com", "r.example.com:80"] {
            assert_eq!(user(&json!({"auths": {key: login("a")}}), "https://r.example.com", "x"), None, "{key}");
        }
        let auth = json!({"auths": {"[::1]:5000": {"auth": BASE64_STANDARD.encode("alice:a:b")}}});
        let expected = Credentials::Basic { username: "alice".into(), password: "a:b".into() };
        assert_eq!(find(&auth, "http://[::1]:5000", ""), Ok(Some(expected)));
    }

    #[test]
    fn a_helper_is_named_and_never_run() {
        let helper = Err(DockerConfigError::Helper { host: "r:443".into() });
        assert_eq!(find(&json!({"auths": {"r": {}}, "credsStore": "x"}), "https://r", ""), helper);
        assert_eq!(find(&json!({"credHelpers": {"r": "x"}}), "https://r", ""), helper);
        assert_eq!(find(&json!({"credsStore": "x"}), "https://r", ""), Ok(None), "never logged in");
        assert_eq!(
            user(&json!({"auths": {"r": login("a")}, "credsStore": "x"}), "https://r", "").as_deref(),
            Some("a")
        );
    }

    #[test]
    fn what_gives_no_login_says_why_and_shows_nothing() {
        let host = || "r:443".to_owned();
        for (entry, error) in [
            (json!({}), DockerConfigError::Unreadable { host: host() }),
            (json!({"auth": "%%secret"}), DockerConfigError::Unreadable { host: host() }),
            (json!({"identitytoken": "secret"}), DockerConfigError::IdentityToken { host: host() }),
        ] {
            assert_eq!(find(&json!({"auths": {"r": entry}}), "https://r", ""), Err(error.clone()), "{entry}");
            assert!(!error.to_string().contains("secret"));
        }
        let deeper = json!({"auths": {"r/team": login("a")}});
        assert_eq!(find(&deeper, "https://r", ""), Err(DockerConfigError::OnlyForPaths { host: host() }));
        let error = DockerConfig::parse(br#"{"auths": {"r": "secret"}}"#).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
