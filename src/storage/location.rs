use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use url::{Url, form_urlencoded};

use super::Bucket;
use super::service::{self, Query, Terms};

/// Where a registry's storage is, as the registry's driver has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// The root directory of the driver `filesystem`, which holds `docker/registry/v2`.
    Filesystem(PathBuf),
    /// A bucket of an object store.
    Bucket(Box<Bucket>),
}

/// Why a text is no location.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// No text at all.
    #[error("empty; give the registry's root directory, or s3://BUCKET, gs://BUCKET or azure://CONTAINER")]
    Empty,
    /// A kind of storage that is not read.
    #[error("storage of the kind {0:?} cannot be read; PATH, file://, s3://, gs:// and azure:// can")]
    Scheme(String),
    /// A `file://` URL of something else than a local path.
    #[error("not a file:// URL of a path on this machine")]
    File,
    /// A URL that names no bucket, or more than that, such as a login.
    #[error("not of the form {form}; a login comes from the environment ({login})")]
    Bucket {
        /// How it is written.
        form: &'static str,
        /// The variables of the environment.
        login: &'static str,
    },
    /// The server is no URL.
    #[error("the endpoint is no http:// or https:// URL without a login")]
    Endpoint,
}

/// Reads `PATH`, `file://PATH`, `s3://BUCKET[/ROOT][?…]`, `gs://BUCKET[/ROOT][?…]` or `azure://CONTAINER[/ROOT]?…`.
impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        let Some((scheme, _)) = text.split_once("://") else {
            return if text.is_empty() { Err(LocationError::Empty) } else { Ok(Self::Filesystem(text.into())) };
        };
        if scheme == "file" {
            let url = Url::parse(text).map_err(|_| LocationError::File)?;
            return url.to_file_path().map(Self::Filesystem).map_err(|()| LocationError::File);
        }
        let terms = service::named(scheme).ok_or_else(|| LocationError::Scheme(scheme.to_owned()))?;
        bucket(text, terms).map(Self::from)
    }
}

impl From<Bucket> for Location {
    fn from(bucket: Bucket) -> Self {
        Self::Bucket(Box::new(bucket))
    }
}

fn bucket(text: &str, terms: &Terms) -> Result<Bucket, LocationError> {
    let wrong = || LocationError::Bucket { form: terms.form, login: terms.login };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let plain =
        url.username().is_empty() && url.password().is_none() && url.port().is_none() && url.fragment().is_none();
    let name = url.host_str().filter(|name| plain && !name.is_empty()).ok_or_else(wrong)?;
    // What a URL writes as %XX is a character of the key.
    let root = percent_decoded(url.path()).ok_or_else(wrong)?;
    let mut query: Query = url.query_pairs().into_owned().collect();
    let server = query.remove("endpoint").map(|text| endpoint(&text)).transpose()?;
    let service = (terms.read)(&mut query).filter(|_| query.is_empty()).ok_or_else(wrong)?;
    Ok(Bucket { endpoint: server, ..Bucket::new(service, name, &root) })
}

fn percent_decoded(path: &str) -> Option<String> {
    // The one decoder at hand reads forms, where a plus is a blank.
    let form = format!("x={}", path.replace('+', "%2B").replace('&', "%26"));
    form_urlencoded::parse(form.as_bytes()).next().map(|(_, value)| value.into_owned())
}

/// Reads the URL of a server.
pub(super) fn endpoint(text: &str) -> Result<Url, LocationError> {
    let url = Url::parse(text).map_err(|_| LocationError::Endpoint)?;
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if is_http && is_plain { Ok(url) } else { Err(LocationError::Endpoint) }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filesystem(path) => write!(f, "{}", path.display()),
            Self::Bucket(bucket) => write!(f, "{bucket}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Azure, Gcs, S3, Service};
    use super::*;

    fn bucket(service: Service, name: &str, root: &str, endpoint: Option<&str>) -> Location {
        let endpoint = endpoint.map(|url| Url::parse(url).unwrap());
        Location::from(Bucket { endpoint, ..Bucket::new(service, name, root) })
    }

    #[test]
    fn paths_and_urls_are_locations() {
        let s3 = |root| bucket(Service::S3(S3::default()), "images", root, None);
        let reached = S3 { region: Some("eu-central-1".into()), path_style: false, key: None };
        let azure = || Service::Azure(Azure { account: "acme".into(), login: None });
        for (text, expected) in [
            ("/var/lib/registry", Location::Filesystem("/var/lib/registry".into())),
            ("store", Location::Filesystem("store".into())),
            ("file:///var/lib/my%20registry", Location::Filesystem("/var/lib/my registry".into())),
            ("s3://images", s3("")),
            ("s3://images/a/b/", s3("a/b")),
            ("s3://images/a%20b+c", s3("a b+c")),
            (
                "s3://images?region=eu-central-1&endpoint=http://minio:9000&path-style=false",
                bucket(Service::S3(reached), "images", "", Some("http://minio:9000")),
            ),
            (
                "gs://my_images.example.com/a/b",
                bucket(Service::Gcs(Gcs::default()), "my_images.example.com", "a/b", None),
            ),
            (
                "gs://images?endpoint=http://127.0.0.1:4443",
                bucket(Service::Gcs(Gcs::default()), "images", "", Some("http://127.0.0.1:4443")),
            ),
            ("azure://images/a?account=acme", bucket(azure(), "images", "a", None)),
            (
                "azure://images?account=acme&endpoint=http://127.0.0.1:10000/acme",
                bucket(azure(), "images", "", Some("http://127.0.0.1:10000/acme")),
            ),
        ] {
            assert_eq!(text.parse(), Ok(expected.clone()), "{text}");
            if let Location::Bucket(bucket) = &expected {
                assert_eq!(bucket.url().parse(), Ok(expected), "it can be given again");
            }
        }
    }

    #[test]
    fn everything_else_is_refused_with_what_to_write() {
        for (text, part) in [
            ("", "empty"),
            ("swift://container", "\"swift\" cannot be read"),
            ("https://registry", "\"https\" cannot be read"),
            ("file://host/path", "not a file:// URL"),
            ("s3://", "s3://BUCKET"),
            ("s3://key:secret@bucket", "AWS_ACCESS_KEY_ID"),
            ("s3://bucket?prefix=x", "s3://BUCKET"),
            ("s3://bucket?path-style=no", "s3://BUCKET"),
            ("s3://bucket?endpoint=minio:9000", "endpoint"),
            ("s3://bucket?endpoint=http://u:secret@minio", "endpoint"),
            ("gs://", "gs://BUCKET"),
            ("gs://key:secret@bucket", "GOOGLE_APPLICATION_CREDENTIALS"),
            ("gs://bucket?region=x", "gs://BUCKET"),
            ("azure://container", "?account=ACCOUNT"),
            ("azure://container?account=", "?account=ACCOUNT"),
            ("azure://container?account=a&key=secret@", "AZURE_STORAGE_ACCOUNT_KEY"),
        ] {
            let error = text.parse::<Location>().unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains("secret@"), "{text}: {error}");
        }
    }
}
