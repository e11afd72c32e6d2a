use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Certificate, ClientBuilder, Identity, redirect};

use super::error::Problem;
use super::{CONNECT_TIMEOUT, Endpoint, MAX_IN_FLIGHT};

const USER_AGENT: &str = concat!("registry-retention/", env!("CARGO_PKG_VERSION"));

/// How to trust a registry, and how to be trusted by it.
#[derive(Clone, Default)]
pub struct Tls {
    /// Certificates of authorities to trust besides the system's, in PEM.
    pub ca: Option<Vec<u8>>,
    /// What to prove this side's identity with. It is shown to the registry's own host only.
    pub client: Option<ClientCertificate>,
}

/// A client certificate and its key.
#[derive(Clone)]
pub struct ClientCertificate {
    /// The certificate, and the chain after it, in PEM.
    pub certificate: Vec<u8>,
    /// The private key in PEM. Never printed.
    pub key: Vec<u8>,
}

/// How connections come about.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    /// Where the registry's host is, whatever its name says.
    pub address: Option<SocketAddr>,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// Which certificates are taken.
    pub trust: Trust,
}

/// Which certificates of servers are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Those of the server's name, signed by an authority of the system or the one given.
    Names,
    /// Those that the one given signed, of whatever name.
    AuthorityAlone,
}

impl Default for Reach {
    fn default() -> Self {
        Self { address: None, connect_timeout: CONNECT_TIMEOUT, trust: Trust::Names }
    }
}

/// The two ways to speak to hosts.
#[derive(Clone)]
pub(super) struct Connectors {
    /// To the registry's own host, with the client certificate.
    pub own: reqwest::Client,
    /// To any other host, with nothing that identifies this side.
    pub other: reqwest::Client,
}

impl Connectors {
    pub(super) fn new(endpoint: &Endpoint, tls: &Tls, reach: &Reach) -> Result<Self, Problem> {
        let other = build(endpoint, tls, reach, None)?;
        let own = match &tls.client {
            None => other.clone(),
            Some(client) => build(endpoint, tls, reach, Some(&client.identity()?))?,
        };
        Ok(Self { own, other })
    }
}

fn build(
    endpoint: &Endpoint,
    tls: &Tls,
    reach: &Reach,
    identity: Option<&Identity>,
) -> Result<reqwest::Client, Problem> {
    let builder = || {
        let builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .http1_only()
            // Redirects are followed by hand, for blobs only; a default would carry headers along.
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(reach.connect_timeout)
            .pool_max_idle_per_host(MAX_IN_FLIGHT)
            // Shorter than the idle timeout of common load balancers, so that no request meets a closed connection.
            .pool_idle_timeout(Duration::from_secs(20));
        let builder = match reach.address {
            Some(address) => builder.resolve(endpoint.host(), address),
            None => builder,
        };
        match identity {
            Some(identity) => builder.identity(identity.clone()),
            None => builder,
        }
    };
    let authorities = tls.ca.as_deref().map(authorities).transpose()?;
    match authorities {
        Some(authorities) if reach.trust == Trust::AuthorityAlone => {
            finish(builder().tls_certs_only(authorities).tls_danger_accept_invalid_hostnames(true))
        }
        Some(authorities) => finish(builder().tls_certs_merge(authorities)),
        // An image without any authority is no fault where nothing is encrypted; https from there is then refused.
        None if endpoint.is_plain() => finish(builder()).or_else(|_| finish(builder().tls_certs_only([]))),
        None => finish(builder()),
    }
}

fn finish(builder: ClientBuilder) -> Result<reqwest::Client, Problem> {
    builder.build().map_err(|_| {
        misconfigured("cannot be set up: a certificate or key does not fit, or the system has no authorities to trust")
    })
}

fn authorities(pem: &[u8]) -> Result<Vec<Certificate>, Problem> {
    let found = Certificate::from_pem_bundle(pem).unwrap_or_default();
    if found.is_empty() { Err(misconfigured("the authority's PEM holds no certificate")) } else { Ok(found) }
}

impl ClientCertificate {
    fn identity(&self) -> Result<Identity, Problem> {
        let pem = [self.certificate.as_slice(), b"\n", self.key.as_slice()].concat();
        Identity::from_pem(&pem).map_err(|_| misconfigured("the client's PEM holds no certificate with a private key"))
    }
}

fn misconfigured(what: &str) -> Problem {
    Problem::TlsMisconfigured(what.to_owned())
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("ca", &self.ca.is_some()).field("client", &self.client).finish()
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused_without_being_shown() {
        let endpoint: Endpoint = "https://r".parse().unwrap();
        let nonsense = b"secret".to_vec();
        let client = ClientCertificate { certificate: nonsense.clone(), key: nonsense.clone() };
        for tls in [Tls { ca: Some(nonsense), client: None }, Tls { ca: None, client: Some(client) }] {
            let Err(problem) = Connectors::new(&endpoint, &tls, &Reach::default()) else { panic!("{tls:?} was taken") };
            assert!(matches!(problem, Problem::TlsMisconfigured(_)), "{problem:?}");
            assert!(!format!("{problem} {tls:?}").contains("secret"));
        }
    }
}
