use std::fmt;
use std::path::Path;
use std::sync::Arc;

use reqwest::Method;
use url::Url;

use super::error::{RegistryError, Request};
use super::transport::Transport;
use super::{Credentials, Endpoint, Tls};
use crate::oci::{Digest, Tag};

/// How a registry is reached: the login and the certificates.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The login.
    pub credentials: Credentials,
    /// The certificates.
    pub tls: Tls,
}

/// One manifest of a repository: by a tag, or by its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference<'a> {
    /// What the tag points at.
    Tag(&'a Tag),
    /// The manifest itself.
    Digest(&'a Digest),
}

impl fmt::Display for Reference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

/// A client of one registry.
///
/// Clones share everything: the connections, the login, and the limit of four requests in flight, which is where
/// the servers' throughput ends and only their latency grows. A request that fails in passing is repeated a few
/// times, a write only where it cannot have been carried out.
#[derive(Clone)]
pub struct Client {
    pub(super) transport: Arc<Transport>,
}

impl Client {
    /// A client of the registry at `endpoint`. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// `TlsMisconfigured` if the certificates of `access` cannot be used.
    pub fn new(endpoint: Endpoint, access: Access) -> Result<Self, RegistryError> {
        let request = Request { method: Method::GET, target: endpoint.to_string() };
        let transport = Transport::new(endpoint, access).map_err(|problem| RegistryError::new(request, problem))?;
        Ok(Self { transport: Arc::new(transport) })
    }

    /// A client of a registry that listens on the unix socket `path`, by plain HTTP and without a login.
    ///
    /// # Errors
    ///
    /// `TlsMisconfigured` if this machine's TLS cannot be set up, though none is needed.
    pub fn at_socket(path: &Path) -> Result<Self, RegistryError> {
        let endpoint = Endpoint::local();
        let request = Request { method: Method::GET, target: endpoint.to_string() };
        let transport = Transport::at_socket(endpoint, path).map_err(|problem| RegistryError::new(request, problem))?;
        Ok(Self { transport: Arc::new(transport) })
    }

    /// The registry's endpoint.
    pub fn endpoint(&self) -> &Endpoint {
        &self.transport.endpoint
    }

    /// The URL of `path` on the registry.
    pub(super) fn at(&self, path: &str) -> Url {
        self.endpoint().at(path)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.endpoint().to_string()).finish()
    }
}
