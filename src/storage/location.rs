use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use url::{Url, form_urlencoded};

/// Where a registry's storage is, as the registry's driver has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// The root directory of the driver `filesystem`, which holds `docker/registry/v2`.
    Filesystem(PathBuf),
    /// A bucket of the driver `s3`.
    S3(Bucket),
}

/// A bucket, and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// The driver's root directory: what its keys begin with, without slashes around.
    pub root: String,
    /// The region; without one, `AWS_REGION` or `AWS_DEFAULT_REGION`, else `us-east-1`.
    pub region: Option<String>,
    /// The server, where it is not Amazon's own.
    pub endpoint: Option<Url>,
    /// Whether the bucket's name stands in the URL's path; else in its host.
    pub path_style: bool,
    /// Whether any certificate will do.
    pub skip_verify: bool,
    /// The login; without one, that of the environment (`AWS_ACCESS_KEY_ID`, …), of the pod or of the machine.
    pub key: Option<AccessKey>,
}

/// A login for a bucket. Its secret is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// The name of the key.
    pub id: String,
    /// What signs the requests.
    pub secret: String,
}

/// Why a text is no location.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// No text at all.
    #[error("empty; give the registry's root directory, or s3://BUCKET")]
    Empty,
    /// A kind of storage that is not read.
    #[error("storage of the kind {0:?} cannot be read; PATH, file:// and s3:// can")]
    Scheme(String),
    /// A `file://` URL of something else than a local path.
    #[error("not a file:// URL of a path on this machine")]
    File,
    /// An `s3://` URL without a bucket, or with a login in it.
    #[error(
        "not of the form s3://BUCKET[/ROOT][?region=REGION&endpoint=URL&path-style=false]; a login comes from the \
         environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"
    )]
    S3,
    /// The server is no URL.
    #[error("the endpoint is no http:// or https:// URL without a login")]
    Endpoint,
}

impl Bucket {
    /// A bucket, reached as most are.
    pub fn new(name: &str, root: &str) -> Self {
        Self {
            name: name.to_owned(),
            root: root.trim_matches('/').to_owned(),
            region: None,
            endpoint: None,
            path_style: true,
            skip_verify: false,
            key: None,
        }
    }
}

impl Bucket {
    /// The URL that is read as this bucket; a login is no part of it.
    pub fn url(&self) -> String {
        let mut url = format!("s3://{}", self.name);
        for part in self.root.split('/').filter(|part| !part.is_empty()) {
            url.push('/');
            url.extend(form_urlencoded::byte_serialize(part.as_bytes()).map(|part| part.replace('+', "%20")));
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(region) = &self.region {
            query.append_pair("region", region);
        }
        if let Some(endpoint) = &self.endpoint {
            query.append_pair("endpoint", endpoint.as_str());
        }
        if !self.path_style {
            query.append_pair("path-style", "false");
        }
        match query.finish() {
            query if query.is_empty() => url,
            query => format!("{url}?{query}"),
        }
    }
}

/// Reads `PATH`, `file://PATH` or `s3://BUCKET[/ROOT][?region=…&endpoint=…&path-style=…]`.
impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        let Some((scheme, _)) = text.split_once("://") else {
            return if text.is_empty() { Err(LocationError::Empty) } else { Ok(Self::Filesystem(text.into())) };
        };
        match scheme {
            "file" => {
                let url = Url::parse(text).map_err(|_| LocationError::File)?;
                url.to_file_path().map(Self::Filesystem).map_err(|()| LocationError::File)
            }
            "s3" => bucket(text).map(Self::S3),
            other => Err(LocationError::Scheme(other.to_owned())),
        }
    }
}

fn bucket(text: &str) -> Result<Bucket, LocationError> {
    let url = Url::parse(text).map_err(|_| LocationError::S3)?;
    let plain =
        url.username().is_empty() && url.password().is_none() && url.port().is_none() && url.fragment().is_none();
    // What a URL writes as %XX is a character of the key.
    let decode = |path: &str| percent_decoded(path).ok_or(LocationError::S3);
    let name = url.host_str().filter(|name| plain && !name.is_empty()).ok_or(LocationError::S3)?;
    let mut bucket = Bucket::new(name, &decode(url.path())?);
    for (key, value) in url.query_pairs() {
        match &*key {
            "region" => bucket.region = Some(value.into_owned()),
            "endpoint" => bucket.endpoint = Some(endpoint(&value)?),
            "path-style" => bucket.path_style = value.parse().map_err(|_| LocationError::S3)?,
            _ => return Err(LocationError::S3),
        }
    }
    Ok(bucket)
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
            Self::S3(bucket) => write!(f, "{bucket}"),
        }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.name)?;
        if !self.root.is_empty() {
            write!(f, "/{}", self.root)?;
        }
        self.endpoint.as_ref().map_or(Ok(()), |endpoint| write!(f, " at {endpoint}"))
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_urls_are_locations() {
        let s3 = |change: fn(&mut Bucket)| {
            let mut bucket = Bucket::new("images", "");
            change(&mut bucket);
            Location::S3(bucket)
        };
        for (text, expected) in [
            ("/var/lib/registry", Location::Filesystem("/var/lib/registry".into())),
            ("store", Location::Filesystem("store".into())),
            ("file:///var/lib/my%20registry", Location::Filesystem("/var/lib/my registry".into())),
            ("s3://images", s3(|_| {})),
            ("s3://images/a/b/", s3(|it| it.root = "a/b".into())),
            ("s3://images/a%20b+c", s3(|it| it.root = "a b+c".into())),
            (
                "s3://images?region=eu-central-1&endpoint=http://minio:9000&path-style=false",
                s3(|it| {
                    it.region = Some("eu-central-1".into());
                    it.endpoint = Url::parse("http://minio:9000").ok();
                    it.path_style = false;
                }),
            ),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_what_to_write() {
        for (text, part) in [
            ("", "empty"),
            ("gs://bucket", "\"gs\" cannot be read"),
            ("https://registry", "\"https\" cannot be read"),
            ("file://host/path", "not a file:// URL"),
            ("s3://", "s3://BUCKET"),
            ("s3://key:secret@bucket", "AWS_ACCESS_KEY_ID"),
            ("s3://bucket?prefix=x", "s3://BUCKET"),
            ("s3://bucket?path-style=no", "s3://BUCKET"),
            ("s3://bucket?endpoint=minio:9000", "endpoint"),
            ("s3://bucket?endpoint=http://u:secret@minio", "endpoint"),
        ] {
            let error = text.parse::<Location>().unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains("secret@"), "{text}: {error}");
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        let key = AccessKey { id: "name".into(), secret: "hush".into() };
        let bucket = Bucket { key: Some(key), ..Bucket::new("images", "a") };
        let shown = format!("{bucket:?} {bucket} {:?}", Location::S3(bucket.clone()));
        assert!(!shown.contains("hush"), "{shown}");
    }
}
