//! How each object store is reached; what is read there is the same everywhere.

use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::{Certificate, ClientOptions, ObjectStore, RetryConfig};

use super::bucket::{Azure, AzureLogin, Bucket, Gcs, S3, Service, ServiceAccount};
use super::problem::BucketProblem;
use super::{StorageError, layout};

/// How often a request is sent again, and how long that may go on.
const TRIES: usize = 6;
const PATIENCE: Duration = Duration::from_secs(60);

/// A bucket that is ready to be read.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) store: Box<dyn ObjectStore>,
    /// What all keys of the registry begin with.
    pub(super) base: String,
    bucket: Bucket,
}

impl Opened {
    /// Gets ready; nothing is sent yet.
    pub(super) fn new(bucket: &Bucket) -> Result<Self, StorageError> {
        let store = connect(bucket).map_err(|problem| StorageError::Bucket { place: bucket.to_string(), problem })?;
        let root = if bucket.root.is_empty() { String::new() } else { format!("{}/", bucket.root) };
        Ok(Self { store, base: format!("{root}{}", layout::BASE), bucket: bucket.clone() })
    }

    /// What went wrong, as it is told.
    pub(super) fn failed(&self, error: &object_store::Error) -> StorageError {
        StorageError::Bucket { place: self.bucket.to_string(), problem: BucketProblem::of(error, &self.bucket.service) }
    }
}

fn connect(bucket: &Bucket) -> Result<Box<dyn ObjectStore>, BucketProblem> {
    match &bucket.service {
        Service::S3(s3) => built(bucket, of_s3(bucket, s3).build()),
        Service::Gcs(gcs) => built(bucket, of_gcs(bucket, gcs)?.build()),
        Service::Azure(azure) => built(bucket, of_azure(bucket, azure).build()),
    }
}

fn built<T: ObjectStore>(
    bucket: &Bucket,
    store: object_store::Result<T>,
) -> Result<Box<dyn ObjectStore>, BucketProblem> {
    store.map(|store| Box::new(store) as _).map_err(|error| BucketProblem::of(&error, &bucket.service))
}

fn options(bucket: &Bucket) -> ClientOptions {
    let options = ClientOptions::new().with_allow_http(true).with_allow_invalid_certificates(bucket.skip_verify);
    authorities().fold(options, ClientOptions::with_root_certificate)
}

/// The authorities that browsers trust, where the system knows none: a registry's image may be made from nothing, and
/// without any there is no client, not even for plain HTTP.
fn authorities() -> impl Iterator<Item = Certificate> {
    let knows_none = rustls_native_certs::load_native_certs().certs.is_empty();
    let theirs = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter(move |_| knows_none);
    theirs.filter_map(|certificate| Certificate::from_der(certificate).ok())
}

fn retries() -> RetryConfig {
    RetryConfig { max_retries: TRIES, retry_timeout: PATIENCE, ..RetryConfig::default() }
}

/// The server as it was named; paths are put behind it.
fn server(bucket: &Bucket) -> Option<&str> {
    bucket.endpoint.as_ref().map(|endpoint| endpoint.as_str().trim_end_matches('/'))
}

fn of_s3(bucket: &Bucket, s3: &S3) -> AmazonS3Builder {
    let mut builder = AmazonS3Builder::from_env()
        .with_client_options(options(bucket))
        .with_retry(retries())
        .with_bucket_name(&bucket.name)
        .with_virtual_hosted_style_request(!s3.path_style);
    if let Some(region) = &s3.region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = &bucket.endpoint {
        let mut endpoint = endpoint.clone();
        if !s3.path_style {
            let host = format!("{}.{}", bucket.name, endpoint.host_str().unwrap_or_default());
            // A host that a bucket's name cannot stand before is refused by the server.
            let _ = endpoint.set_host(Some(&host));
        }
        // Over AWS_ENDPOINT_URL_S3, too, which would go first.
        builder = builder.with_config(AmazonS3ConfigKey::S3Endpoint, endpoint.as_str().trim_end_matches('/'));
    }
    if let Some(key) = &s3.key {
        builder = builder.with_access_key_id(&key.id).with_secret_access_key(key.secret.reveal());
    }
    builder
}

/// With a login of its own, the environment's is not looked at: two do not fit together.
fn of_gcs(bucket: &Bucket, gcs: &Gcs) -> Result<GoogleCloudStorageBuilder, BucketProblem> {
    let key = match &gcs.account {
        None => None,
        Some(ServiceAccount::Key(key)) => Some(key.reveal().to_owned()),
        Some(ServiceAccount::File(path)) => Some(
            std::fs::read_to_string(path)
                .map_err(|why| BucketProblem::KeyFile { path: path.clone(), why: why.to_string() })?,
        ),
    };
    let mut builder = match key {
        None => GoogleCloudStorageBuilder::from_env(),
        Some(key) => GoogleCloudStorageBuilder::new().with_service_account_key(key),
    };
    if let Some(server) = server(bucket) {
        builder = builder.with_base_url(server);
    }
    Ok(builder.with_client_options(options(bucket)).with_retry(retries()).with_bucket_name(&bucket.name))
}

fn of_azure(bucket: &Bucket, azure: &Azure) -> MicrosoftAzureBuilder {
    let mut builder = match &azure.login {
        None => MicrosoftAzureBuilder::from_env(),
        Some(AzureLogin::Key(key)) => MicrosoftAzureBuilder::new().with_access_key(key.reveal()),
        Some(AzureLogin::Client { tenant, id, secret }) => {
            MicrosoftAzureBuilder::new().with_client_secret_authorization(id, secret.reveal(), tenant)
        }
    };
    if let Some(server) = server(bucket) {
        builder = builder.with_endpoint(server.to_owned());
    }
    builder
        .with_client_options(options(bucket))
        .with_retry(retries())
        .with_account(&azure.account)
        .with_container_name(&bucket.name)
}
