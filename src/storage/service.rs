//! What differs between object stores in what people read and write about them: a table.

use std::collections::BTreeMap;

use super::bucket::{Azure, Gcs, S3, Service};

/// The parameters of a location's URL.
pub(super) type Query = BTreeMap<String, String>;

/// What is said about an object store.
pub(super) struct Terms {
    /// What its locations begin with.
    pub(super) scheme: &'static str,
    /// How they are written.
    pub(super) form: &'static str,
    /// What in the environment holds a login.
    pub(super) login: &'static str,
    /// What a login must be allowed to do.
    pub(super) rights: &'static str,
    /// What may be wrong where the bucket is not found.
    pub(super) place: &'static str,
    /// What may be wrong where nobody answers.
    pub(super) server: &'static str,
    /// Takes what it knows out of a URL's parameters.
    pub(super) read: fn(&mut Query) -> Option<Service>,
}

static S3_TERMS: Terms = Terms {
    scheme: "s3",
    form: "s3://BUCKET[/ROOT][?region=REGION&endpoint=URL&path-style=false]",
    login: "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    rights: "list the bucket and read objects (s3:ListBucket, s3:GetObject)",
    place: "bucket, region and endpoint",
    server: "the endpoint",
    read: |query| {
        let path_style = query.remove("path-style").map_or(Ok(true), |text| text.parse()).ok()?;
        Some(Service::S3(S3 { region: query.remove("region"), path_style, key: None }))
    },
};

static GCS_TERMS: Terms = Terms {
    scheme: "gs",
    form: "gs://BUCKET[/ROOT][?endpoint=URL]",
    login: "GOOGLE_APPLICATION_CREDENTIALS, the file of a service account's key",
    rights: "list the bucket and read objects (the role Storage Object Viewer)",
    place: "bucket and endpoint",
    server: "the endpoint",
    read: |_| Some(Service::Gcs(Gcs::default())),
};

static AZURE_TERMS: Terms = Terms {
    scheme: "azure",
    form: "azure://CONTAINER[/ROOT]?account=ACCOUNT[&endpoint=URL]",
    login: "AZURE_STORAGE_ACCOUNT_KEY, or AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
    rights: "list the container and read blobs (the account's key, or the role Storage Blob Data Reader)",
    place: "container, account and endpoint",
    server: "account and endpoint",
    read: |query| {
        let account = query.remove("account").filter(|account| !account.is_empty())?;
        Some(Service::Azure(Azure { account, login: None }))
    },
};

/// What is said about this one.
pub(super) fn terms(service: &Service) -> &'static Terms {
    match service {
        Service::S3(_) => &S3_TERMS,
        Service::Gcs(_) => &GCS_TERMS,
        Service::Azure(_) => &AZURE_TERMS,
    }
}

/// What is said about the one whose locations begin like this.
pub(super) fn named(scheme: &str) -> Option<&'static Terms> {
    [&S3_TERMS, &GCS_TERMS, &AZURE_TERMS].into_iter().find(|terms| terms.scheme == scheme)
}

/// What [`Terms::read`] takes out again.
pub(super) fn parameters(service: &Service) -> Vec<(&'static str, String)> {
    match service {
        Service::S3(S3 { region, path_style, .. }) => {
            let region = region.iter().map(|region| ("region", region.clone()));
            region.chain((!path_style).then(|| ("path-style", "false".to_owned()))).collect()
        }
        Service::Gcs(_) => Vec::new(),
        Service::Azure(Azure { account, .. }) => vec![("account", account.clone())],
    }
}
