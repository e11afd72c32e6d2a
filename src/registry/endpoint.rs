use std::fmt;
use std::str::FromStr;

use url::Url;

/// Where a registry's API is: scheme, host and port, nothing else.
///
/// ```
/// use registry_retention::registry::Endpoint;
///
/// let endpoint: Endpoint = "https://Registry.example.com/".parse().unwrap();
/// assert_eq!(endpoint.to_string(), "https://registry.example.com");
/// assert_eq!(endpoint.host_port(), "registry.example.com:443");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint(Url);

/// Why a text is no registry's URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not a URL, or one of another scheme.
    #[error("not a registry's URL: write http://HOST[:PORT] or https://HOST[:PORT]")]
    Scheme,
    /// It carries a user name or a password, which would end up in messages.
    #[error("a registry's URL must not contain a user name or password; give them separately")]
    UserInfo,
    /// It carries a path, a query or a fragment.
    #[error("a registry's URL ends after the host and port: no path, query or fragment")]
    Path,
}

impl Endpoint {
    /// `host:port`, lower-case and with the port always there: equal for two URLs of the same server.
    pub fn host_port(&self) -> String {
        format!("{}:{}", self.host(), self.port())
    }

    /// The host: a name, an IPv4 address, or an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The port, the scheme's default included.
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or_default()
    }

    /// Whether requests travel unencrypted.
    pub fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// What stands in place of a host where there is none to name: `http://localhost`.
    pub(super) fn local() -> Self {
        Self(Url::parse("http://localhost").expect("a URL"))
    }

    /// The port that a name without one means, under this endpoint's scheme.
    pub(super) fn default_port(&self) -> u16 {
        if self.is_plain() { 80 } else { 443 }
    }

    /// The URL of `path`, which starts with a slash.
    pub(super) fn at(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(path);
        url
    }

    /// Whether `url` is on the same scheme, host and port.
    pub(super) fn is_origin_of(&self, url: &Url) -> bool {
        self.0.origin() == url.origin()
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let url = Url::parse(text).map_err(|_| EndpointError::Scheme)?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(EndpointError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::UserInfo);
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(EndpointError::Path);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_server_has_the_same_host_and_port() {
        for (text, host_port) in [
            ("http://registry.registry:5000", "registry.registry:5000"),
            ("http://REGISTRY", "registry:80"),
            ("http://registry:80/", "registry:80"),
            ("https://registry", "registry:443"),
            ("http://[::1]:5000", "[::1]:5000"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().host_port(), host_port, "{text}");
        }
    }

    #[test]
    fn nothing_but_scheme_host_and_port_is_taken() {
        for (text, error) in [
            ("localhost:5000", EndpointError::Scheme),
            ("registry", EndpointError::Scheme),
            ("ftp://registry", EndpointError::Scheme),
            ("file:///etc/passwd", EndpointError::Scheme),
            ("http://user@registry", EndpointError::UserInfo),
            ("http://user:secret@registry", EndpointError::UserInfo),
            ("http://registry/v2/", EndpointError::Path),
            ("http://registry?x", EndpointError::Path),
            ("http://registry/#x", EndpointError::Path),
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(error), "{text}");
        }
    }
}
