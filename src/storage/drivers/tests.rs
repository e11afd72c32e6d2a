use url::Url;

use super::super::configured;
use super::*;

fn of(storage: &str) -> Result<Location, ConfigurationError> {
    configured(&format!("version: 0.1\nstorage: {storage}"), [])
}

fn s3_with(change: fn(&mut Bucket, &mut S3)) -> Location {
    let (mut s3, mut bucket) = (S3::default(), Bucket::new(Service::S3(S3::default()), "b", ""));
    change(&mut bucket, &mut s3);
    Location::from(Bucket { service: Service::S3(s3), ..bucket })
}

fn gcs_with(account: Option<ServiceAccount>, root: &str) -> Location {
    Location::from(Bucket::new(Service::Gcs(Gcs { account }), "b", root))
}

fn azure_with(login: Option<AzureLogin>, root: &str, endpoint: Option<&str>) -> Location {
    let service = Service::Azure(Azure { account: "a".into(), login });
    let endpoint = endpoint.map(|url| Url::parse(url).unwrap());
    Location::from(Bucket { endpoint, ..Bucket::new(service, "c", root) })
}

#[test]
fn a_filesystem_has_a_root_directory() {
    for (storage, root) in
        [("{filesystem: {rootdirectory: /srv}}", "/srv"), ("{filesystem: {maxthreads: 100}}", "/var/lib/registry")]
    {
        assert_eq!(of(storage), Ok(Location::Filesystem(root.into())), "{storage}");
    }
}

#[test]
fn a_bucket_of_s3_is_found_by_its_parameters() {
    for (storage, expected) in [
        ("{s3: {bucket: b, region: r}}", s3_with(|_, s3| s3.region = Some("r".into()))),
        (
            "{s3aws: {bucket: b, region: r, rootdirectory: /x/y/}}",
            s3_with(|bucket, s3| {
                s3.region = Some("r".into());
                bucket.root = "x/y".into();
            }),
        ),
        (
            "{s3: {bucket: b, regionendpoint: \"http://minio:9000\", accesskey: k, secretkey: 12}}",
            s3_with(|bucket, s3| {
                bucket.endpoint = Url::parse("http://minio:9000").ok();
                s3.key = Some(AccessKey { id: "k".into(), secret: "12".into() });
            }),
        ),
        (
            "{s3: {bucket: b, regionendpoint: \"minio:9000\", secure: false, skipverify: \"t\"}}",
            s3_with(|bucket, _| {
                bucket.endpoint = Url::parse("http://minio:9000").ok();
                bucket.skip_verify = true;
            }),
        ),
        (
            "{s3: {bucket: b, regionendpoint: minio, forcepathstyle: false, accesskey: k}}",
            s3_with(|bucket, s3| {
                bucket.endpoint = Url::parse("https://minio").ok();
                s3.path_style = false;
            }),
        ),
    ] {
        assert_eq!(of(storage), Ok(expected), "{storage}");
    }
}

#[test]
fn a_bucket_of_google_is_found_by_its_parameters() {
    let key = || Some(ServiceAccount::Key(r#"{"client_email":"e","private_key":"k"}"#.into()));
    let file = || Some(ServiceAccount::File("/key.json".into()));
    for (storage, expected) in [
        ("{gcs: {bucket: b}}", gcs_with(None, "")),
        ("{gcs: {bucket: b, rootdirectory: /x/y/, chunksize: 5242880}}", gcs_with(None, "x/y")),
        ("{gcs: {bucket: b, keyfile: /key.json}}", gcs_with(file(), "")),
        ("{gcs: {bucket: b, credentials: {client_email: e, private_key: k}}}", gcs_with(key(), "")),
        // As the registry does, which does not look further.
        ("{gcs: {bucket: b, keyfile: /key.json, credentials: {private_key: k}}}", gcs_with(file(), "")),
    ] {
        assert_eq!(of(storage), Ok(expected), "{storage}");
    }
}

#[test]
fn a_container_of_azure_is_found_by_its_parameters() {
    let key = || Some(AzureLogin::Key("a2V5".into()));
    let client = AzureLogin::Client { tenant: "t".into(), id: "i".into(), secret: "s".into() };
    for (parameters, expected) in [
        ("accountkey: a2V5, credentials: {type: shared_key}", azure_with(key(), "", None)),
        ("rootdirectory: /x/y, credentials: {type: default_credentials}", azure_with(None, "x/y", None)),
        ("accountkey: a2V5, credentials: {type: default_credentials}", azure_with(key(), "", None)),
        ("credentials: {type: client_secret, tenantid: t, clientid: i, secret: s}", azure_with(Some(client), "", None)),
        ("realm: core.windows.net, credentials: {type: default_credentials}", azure_with(None, "", None)),
        (
            "realm: core.chinacloudapi.cn, credentials: {type: default_credentials}",
            azure_with(None, "", Some("https://a.blob.core.chinacloudapi.cn")),
        ),
        (
            "realm: x, serviceurl: \"http://azurite:10000/a\", credentials: {type: default_credentials}",
            azure_with(None, "", Some("http://azurite:10000/a")),
        ),
    ] {
        assert_eq!(
            of(&format!("{{azure: {{accountname: a, container: c, {parameters}}}}}")),
            Ok(expected),
            "{parameters}"
        );
    }
}

#[test]
fn what_cannot_be_honoured_is_refused_with_a_reason() {
    for (storage, part) in [
        ("inmemory", "\"inmemory\" cannot be read; filesystem, s3, gcs and azure can"),
        ("{swift: {}}", "\"swift\" cannot be read"),
        ("{s3: {region: r}}", "storage.s3.bucket: missing"),
        ("{s3: {bucket: b}}", "storage.s3.region: missing"),
        ("{s3: {bucket: b, region: r, v4auth: false}}", "storage.s3.v4auth"),
        ("{s3: {bucket: b, region: r, usefipsendpoint: true}}", "storage.s3.usefipsendpoint"),
        ("{s3: {bucket: b, region: r, secure: maybe, regionendpoint: m}}", "storage.s3.secure: neither"),
        ("{s3: {bucket: [b], region: r}}", "storage.s3.bucket: no text"),
        ("{s3: {bucket: b, regionendpoint: \"ftp://hush\"}}", "storage.s3.regionendpoint: no URL"),
        ("{gcs: {keyfile: /k}}", "storage.gcs.bucket: missing"),
        ("{gcs: {bucket: b, credentials: hush}}", "storage.gcs.credentials: no map"),
        ("{azure: {container: c}}", "storage.azure.accountname: missing"),
        ("{azure: {accountname: a}}", "storage.azure.container: missing"),
        ("{azure: {accountname: a, container: c, accountkey: hush}}", "what 2.8 stores in Azure cannot be read"),
        ("{azure: {accountname: a, container: c, credentials: {}}}", "storage.azure.credentials.type: missing"),
        ("{azure: {accountname: a, container: c, credentials: {type: hush}}}", "credentials.type: neither"),
        ("{azure: {accountname: a, container: c, credentials: {type: shared_key}}}", "azure.accountkey: missing"),
        (
            "{azure: {accountname: a, container: c, credentials: {type: client_secret, secret: hush, tenantid: t}}}",
            "azure.credentials.clientid: missing",
        ),
        (
            "{azure: {accountname: a, container: c, serviceurl: \"hush:1\", credentials: {type: default_credentials}}}",
            "storage.azure.serviceurl: no URL",
        ),
    ] {
        let error = of(storage).unwrap_err().to_string();
        assert!(error.contains(part) && !error.contains("hush"), "{storage}: {error}");
    }
}
