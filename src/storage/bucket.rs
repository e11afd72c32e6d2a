use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::client::HttpError;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectMeta, ObjectStore as _, ObjectStoreExt as _, RetryConfig};

use super::gather::note;
use super::layout::{self, Place};
use super::location::Bucket;
use super::read::{Batch, Sender};
use super::{Entry, StorageError};
use crate::oci::{RepositoryName, Tag};
use crate::retention::{OpenUpload, StoredLink, StoredTag};

/// How many tag links are read at a time.
const READS: usize = 32;
/// How often a request is sent again, and how long that may go on.
const TRIES: usize = 6;
const PATIENCE: Duration = Duration::from_secs(60);
/// How many objects are looked at together: a page of a list.
const PAGE: usize = 1000;

/// Reads the storage in a bucket. A reading that fails sends its error last.
///
/// Lists are flat, as an object store has no folders: that is a request for each thousand objects, and one for each tag.
pub(super) async fn run(bucket: Bucket, sender: Sender) {
    if let Err(error) = walk(&bucket, &sender).await {
        // Nobody takes it if the reading was given up.
        let _ = sender.send(Err(error)).await;
    }
}

async fn walk(bucket: &Bucket, sender: &Sender) -> Result<(), StorageError> {
    let failed = |error: object_store::Error| StorageError::Bucket {
        place: bucket.to_string(),
        problem: BucketProblem::of(&error),
    };
    let store = connect(bucket).map_err(failed)?;
    let root = if bucket.root.is_empty() { String::new() } else { format!("{}/", bucket.root) };
    let base = format!("{root}{}", layout::BASE);
    for part in ["repositories", "blobs"] {
        let prefix = Path::parse(format!("{base}/{part}")).map_err(|error| failed(error.into()))?;
        let mut pages = store.list(Some(&prefix)).try_chunks(PAGE);
        let mut reader = Reader { store: &store, base: &base, last: None, name: None };
        while let Some(page) = pages.next().await {
            let page = page.map_err(|stopped| failed(stopped.1))?;
            let batch = reader.page(page).await.map_err(failed)?;
            if sender.send(Ok(batch)).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

pub(super) fn connect(bucket: &Bucket) -> Result<AmazonS3, object_store::Error> {
    let options = ClientOptions::new().with_allow_http(true).with_allow_invalid_certificates(bucket.skip_verify);
    let mut builder = AmazonS3Builder::from_env()
        .with_client_options(options)
        .with_retry(RetryConfig { max_retries: TRIES, retry_timeout: PATIENCE, ..RetryConfig::default() })
        .with_bucket_name(&bucket.name)
        .with_virtual_hosted_style_request(!bucket.path_style);
    if let Some(region) = &bucket.region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = &bucket.endpoint {
        let mut endpoint = endpoint.clone();
        if !bucket.path_style {
            let host = format!("{}.{}", bucket.name, endpoint.host_str().unwrap_or_default());
            // A host that a bucket's name cannot stand before is refused by the server.
            let _ = endpoint.set_host(Some(&host));
        }
        // Over AWS_ENDPOINT_URL_S3, too, which would go first.
        builder = builder.with_config(AmazonS3ConfigKey::S3Endpoint, endpoint.as_str().trim_end_matches('/'));
    }
    if let Some(key) = &bucket.key {
        builder = builder.with_access_key_id(&key.id).with_secret_access_key(&key.secret);
    }
    builder.build()
}

struct Reader<'a> {
    store: &'a AmazonS3,
    base: &'a str,
    /// The last tag that had a link. Its history follows in the list.
    last: Option<(RepositoryName, Tag)>,
    /// The repository in hand.
    name: Option<RepositoryName>,
}

impl Reader<'_> {
    async fn page(&mut self, page: Vec<ObjectMeta>) -> Result<Batch, object_store::Error> {
        let mut batch = Batch::default();
        let mut links = Vec::new();
        for object in page {
            let written = time(&object);
            let key = object.location.as_ref();
            let path = key.strip_prefix(self.base).and_then(|path| path.strip_prefix('/')).unwrap_or(key);
            match layout::place(path) {
                Place::Blob(digest) => batch.entries.push(Entry::Blob(digest, object.size)),
                Place::Tag(name, tag) => {
                    self.repository(&name, &mut batch);
                    self.last = Some((name.clone(), tag.clone()));
                    links.push((name, tag, object.location));
                }
                Place::TagHistory(name, tag) => {
                    self.repository(&name, &mut batch);
                    let named = Some((name, tag));
                    if self.last != named {
                        self.last = named;
                        batch
                            .entries
                            .extend(self.last.clone().map(|(name, tag)| Entry::Tag(name, tag, StoredTag::Broken)));
                    }
                }
                Place::Revision(name, digest) => {
                    self.repository(&name, &mut batch);
                    let is_sound = layout::is_sound(object.size);
                    batch.entries.push(Entry::Revision(name, digest, StoredLink { pushed: written, is_sound }));
                }
                Place::Upload(name, id) => {
                    self.repository(&name, &mut batch);
                    let part = OpenUpload { id, active: written, bytes: object.size };
                    batch.entries.push(Entry::Upload(name, part));
                }
                Place::Layer(name) => self.repository(&name, &mut batch),
                // What consoles make in place of a folder.
                Place::Foreign if object.size == 0 && !path.ends_with("link") => {}
                Place::Foreign => {
                    note(&mut batch.oddities, || format!("{path}: not part of the registry's layout"));
                }
            }
        }
        let tags = stream::iter(links).map(|(name, tag, link)| self.tag(name, tag, link)).buffer_unordered(READS);
        batch.entries.extend(tags.try_filter_map(async |tag| Ok(tag)).try_collect::<Vec<_>>().await?);
        Ok(batch)
    }

    fn repository(&mut self, name: &RepositoryName, batch: &mut Batch) {
        if self.name.as_ref() != Some(name) {
            self.name = Some(name.clone());
            batch.entries.push(Entry::Repository(name.clone()));
        }
    }

    /// Reads a tag's link; `None` if it is gone by now.
    async fn tag(&self, name: RepositoryName, tag: Tag, link: Path) -> Result<Option<Entry>, object_store::Error> {
        let read = async {
            let answer = self.store.get(&link).await?;
            let pushed = time(&answer.meta);
            Ok((answer.bytes().await?, pushed))
        };
        let (bytes, pushed) = match read.await {
            Ok(read) => read,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let digest = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok());
        let stored = digest.map_or(StoredTag::Broken, |digest| StoredTag::At { digest, pushed });
        Ok(Some(Entry::Tag(name, tag, stored)))
    }
}

/// When an object was written. A time that no calendar has is the latest there is: whatever is new stays.
fn time(object: &ObjectMeta) -> Timestamp {
    let written = object.last_modified;
    let nanosecond = i32::try_from(written.timestamp_subsec_nanos()).unwrap_or_default();
    Timestamp::new(written.timestamp(), nanosecond).unwrap_or(Timestamp::MAX)
}

/// Why an object store gave no answer that could be used. What it said besides is not shown: it may quote the login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BucketProblem {
    /// It answered with an error.
    Status {
        /// The HTTP status.
        status: u16,
        /// S3's word for it.
        code: Option<String>,
    },
    /// There was no answer.
    Unreachable,
    /// A name in the bucket, or the bucket's own, is none that can be used.
    Name,
    /// The settings do not fit together, or there is no login.
    Settings,
}

impl BucketProblem {
    pub(super) fn of(error: &object_store::Error) -> Self {
        if matches!(error, object_store::Error::InvalidPath { .. }) {
            return Self::Name;
        }
        // An answer has no type of its own there, only its text.
        let text = error.to_string();
        if let Some(status) = status(&text) {
            return Self::Status { status, code: code(&text) };
        }
        let mut source = error.source();
        while let Some(cause) = source {
            if cause.is::<HttpError>() {
                return Self::Unreachable;
            }
            source = cause.source();
        }
        Self::Settings
    }

    /// What a person can do about it; begins with `; `.
    pub(super) fn advice(&self) -> &'static str {
        match self {
            Self::Status { status: 401 | 403, .. } => {
                "; it takes a login that may list the bucket and read objects (s3:ListBucket, s3:GetObject)"
            }
            Self::Status { status: 301 | 307 | 400 | 404, .. } => "; check bucket, region and endpoint",
            Self::Status { .. } => "; run it again",
            Self::Unreachable => "; check the endpoint",
            Self::Name => "; check the bucket for keys with empty parts",
            Self::Settings => "; check region, endpoint and login",
        }
    }
}

/// The status in the text of an error.
fn status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.split(' ').next()?.parse().ok()
}

/// S3's own word in an answer, `<Code>…</Code>`.
fn code(body: &str) -> Option<String> {
    let (_, rest) = body.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    (code.len() <= 60 && code.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| code.to_owned())
}

impl fmt::Display for BucketProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { status, code: None } => write!(f, "it answered {status}"),
            Self::Status { status, code: Some(code) } => write!(f, "it answered {status} ({code})"),
            Self::Unreachable => f.write_str("it does not answer"),
            Self::Name => f.write_str("it has a key that no registry writes and that cannot be read"),
            Self::Settings => f.write_str("it cannot be asked"),
        }
    }
}
