use std::fmt;
use std::path::PathBuf;

use url::{Url, form_urlencoded};

use super::service;

/// A bucket of an object store (Azure calls it a container), and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// The driver's root directory: what its keys begin with, without slashes around.
    pub root: String,
    /// The server, where it is not the vendor's own.
    pub endpoint: Option<Url>,
    /// Whether any certificate will do.
    pub skip_verify: bool,
    /// Whose it is, and what only that one knows.
    pub service: Service,
}

/// An object store. Without a login of its own, each takes that of the environment, of the pod or of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// Amazon's S3, or what is like it: the driver `s3`.
    S3(S3),
    /// Google Cloud Storage: the driver `gcs`.
    Gcs(Gcs),
    /// Azure Blob Storage: the driver `azure`.
    Azure(Azure),
}

/// What only S3 knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3 {
    /// The region; without one, `AWS_REGION` or `AWS_DEFAULT_REGION`, else `us-east-1`.
    pub region: Option<String>,
    /// Whether the bucket's name stands in the URL's path; else in its host.
    pub path_style: bool,
    /// The login.
    pub key: Option<AccessKey>,
}

/// A login for S3. Its secret is never shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// The name of the key.
    pub id: String,
    /// What signs the requests.
    pub secret: Secret,
}

/// What only Google Cloud Storage knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gcs {
    /// The login.
    pub account: Option<ServiceAccount>,
}

/// The key of a service account of Google's, in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceAccount {
    /// In this file.
    File(PathBuf),
    /// This text.
    Key(Secret),
}

/// What only Azure knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Azure {
    /// The storage account that the container belongs to.
    pub account: String,
    /// The login.
    pub login: Option<AzureLogin>,
}

/// A login for Azure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AzureLogin {
    /// The storage account's own key, in Base64.
    Key(Secret),
    /// A service principal.
    Client {
        /// The tenant that knows it.
        tenant: String,
        /// Its name.
        id: String,
        /// Its password.
        secret: Secret,
    },
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text, for whom it is meant.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Default for S3 {
    /// As most are reached.
    fn default() -> Self {
        Self { region: None, path_style: true, key: None }
    }
}

impl Bucket {
    /// A bucket, reached at the vendor's own server.
    pub fn new(service: Service, name: &str, root: &str) -> Self {
        Self {
            name: name.to_owned(),
            root: root.trim_matches('/').to_owned(),
            endpoint: None,
            skip_verify: false,
            service,
        }
    }

    /// The URL that is read as this bucket; a login is no part of it.
    pub fn url(&self) -> String {
        let mut url = format!("{}://{}", service::terms(&self.service).scheme, self.name);
        for part in self.root.split('/').filter(|part| !part.is_empty()) {
            url.push('/');
            url.extend(form_urlencoded::byte_serialize(part.as_bytes()).map(|part| part.replace('+', "%20")));
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(service::parameters(&self.service));
        query.extend_pairs(self.endpoint.iter().map(|endpoint| ("endpoint", endpoint.as_str())));
        match query.finish() {
            query if query.is_empty() => url,
            query => format!("{url}?{query}"),
        }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", service::terms(&self.service).scheme, self.name)?;
        if !self.root.is_empty() {
            write!(f, "/{}", self.root)?;
        }
        if let Service::Azure(Azure { account, .. }) = &self.service {
            write!(f, " of the account {account}")?;
        }
        self.endpoint.as_ref().map_or(Ok(()), |endpoint| write!(f, " at {endpoint}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        let hush = || Secret::from("hush");
        let client = AzureLogin::Client { tenant: "t".into(), id: "i".into(), secret: hush() };
        let azure = |login| Service::Azure(Azure { account: "a".into(), login: Some(login) });
        for service in [
            Service::S3(S3 { key: Some(AccessKey { id: "name".into(), secret: hush() }), ..S3::default() }),
            Service::Gcs(Gcs { account: Some(ServiceAccount::Key(hush())) }),
            azure(AzureLogin::Key(hush())),
            azure(client),
        ] {
            let bucket = Bucket::new(service, "images", "a");
            let shown = format!("{bucket:?} {bucket} {}", bucket.url());
            assert!(!shown.contains("hush"), "{shown}");
        }
    }
}
