use serde_json::{Map, Value};

use super::location::endpoint;
use super::parameters::{Driver, driver};
use super::{AccessKey, Bucket, Location};

/// The driver's root directory where nothing else is said.
const DEFAULT_ROOT: &str = "/var/lib/registry";

/// Why a registry's configuration does not tell where its storage is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigurationError {
    /// No YAML, or not of the form of a registry's configuration.
    #[error("not a registry's configuration: it is no YAML, or `storage` is not as the registry reads it")]
    Unreadable,
    /// Another format.
    #[error("not a registry's configuration of version 0.1, which is the only one there is")]
    Version,
    /// A variable that the registry would not start with.
    #[error("the variable {0} is not as the registry reads it")]
    Variable(String),
    /// No storage.
    #[error("no storage driver is configured")]
    NoDriver,
    /// More than one.
    #[error("several storage drivers are configured; the registry would not start with them")]
    SeveralDrivers,
    /// A driver that is not read.
    #[error("the storage driver {0:?} cannot be read; filesystem and s3 can")]
    Driver(String),
    /// A parameter that cannot be honoured.
    #[error("storage.{driver}.{parameter}: {why}")]
    Parameter {
        /// The driver.
        driver: String,
        /// Its parameter.
        parameter: &'static str,
        /// What is the matter with it.
        why: &'static str,
    },
}

/// Finds the storage of a registry by its configuration file, `yaml`, and its environment (`REGISTRY_STORAGE_…`, which
/// stands over the file), as the registry itself does.
pub fn configured(
    yaml: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Location, ConfigurationError> {
    let Driver { name, parameters } = driver(yaml, environment)?;
    let of = Parameters { driver: &name, map: &parameters };
    match name.as_str() {
        "filesystem" => Ok(Location::Filesystem(of.text("rootdirectory")?.map_or(DEFAULT_ROOT.into(), Into::into))),
        "s3" | "s3aws" => bucket(&of).map(Location::S3),
        _ => Err(ConfigurationError::Driver(name)),
    }
}

/// `registry/storage/driver/s3-aws/s3.go`, `FromParameters`.
fn bucket(of: &Parameters<'_>) -> Result<Bucket, ConfigurationError> {
    let Some(name) = of.text("bucket")? else { return Err(of.wrong("bucket", "missing")) };
    if !of.flag("v4auth", true)? {
        return Err(of.wrong("v4auth", "signatures of version 2 cannot be made"));
    }
    for parameter in ["usefipsendpoint", "usedualstack"] {
        if of.flag(parameter, false)? {
            return Err(of.wrong(parameter, "not supported; name the server by regionendpoint instead"));
        }
    }
    let mut bucket = Bucket::new(&name, &of.text("rootdirectory")?.unwrap_or_default());
    bucket.region = of.text("region")?;
    if let Some(server) = of.text("regionendpoint")? {
        let scheme = if of.flag("secure", true)? { "https" } else { "http" };
        let url = if server.contains("://") { server } else { format!("{scheme}://{server}") };
        bucket.endpoint = Some(endpoint(&url).map_err(|_| of.wrong("regionendpoint", "no URL of a server"))?);
    } else if bucket.region.is_none() {
        return Err(of.wrong("region", "missing"));
    }
    bucket.skip_verify = of.flag("skipverify", false)?;
    // 2.8 does not know this, and puts the name into the path wherever there is an endpoint. Nearly every server
    // understands that, whatever 3.x does.
    bucket.path_style = of.flag("forcepathstyle", true)?;
    if let (Some(id), Some(secret)) = (of.text("accesskey")?, of.text("secretkey")?) {
        bucket.key = Some(AccessKey { id, secret });
    }
    Ok(bucket)
}

struct Parameters<'a> {
    driver: &'a str,
    map: &'a Map<String, Value>,
}

impl Parameters<'_> {
    /// A parameter as text; `None` if it is missing or empty.
    fn text(&self, parameter: &'static str) -> Result<Option<String>, ConfigurationError> {
        match self.map.get(parameter) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Some(Value::Bool(value)) => Ok(Some(value.to_string())),
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(Some(number.to_string())),
            Some(_) => Err(self.wrong(parameter, "no text; put it in quotes")),
        }
    }

    fn flag(&self, parameter: &'static str, otherwise: bool) -> Result<bool, ConfigurationError> {
        match self.map.get(parameter) {
            None | Some(Value::Null) => Ok(otherwise),
            Some(Value::Bool(value)) => Ok(*value),
            // Go's `strconv.ParseBool`.
            Some(Value::String(text)) => match text.as_str() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
                _ => Err(self.wrong(parameter, "neither true nor false")),
            },
            Some(_) => Err(self.wrong(parameter, "neither true nor false")),
        }
    }

    fn wrong(&self, parameter: &'static str, why: &'static str) -> ConfigurationError {
        ConfigurationError::Parameter { driver: self.driver.to_owned(), parameter, why }
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn of(storage: &str) -> Result<Location, ConfigurationError> {
        configured(&format!("version: 0.1\nstorage: {storage}"), [])
    }

    #[test]
    fn the_drivers_parameters_say_where_it_is() {
        let s3 = |change: fn(&mut Bucket)| {
            let mut bucket = Bucket::new("b", "");
            change(&mut bucket);
            Location::S3(bucket)
        };
        for (storage, expected) in [
            ("{filesystem: {rootdirectory: /srv}}", Location::Filesystem("/srv".into())),
            ("{filesystem: {maxthreads: 100}}", Location::Filesystem("/var/lib/registry".into())),
            ("{s3: {bucket: b, region: r}}", s3(|it| it.region = Some("r".into()))),
            (
                "{s3aws: {bucket: b, region: r, rootdirectory: /x/y/}}",
                s3(|it| {
                    it.region = Some("r".into());
                    it.root = "x/y".into();
                }),
            ),
            (
                "{s3: {bucket: b, regionendpoint: \"http://minio:9000\", accesskey: k, secretkey: 12}}",
                s3(|it| {
                    it.endpoint = Url::parse("http://minio:9000").ok();
                    it.key = Some(AccessKey { id: "k".into(), secret: "12".into() });
                }),
            ),
            (
                "{s3: {bucket: b, regionendpoint: \"minio:9000\", secure: false, skipverify: \"t\"}}",
                s3(|it| {
                    it.endpoint = Url::parse("http://minio:9000").ok();
                    it.skip_verify = true;
                }),
            ),
            (
                "{s3: {bucket: b, regionendpoint: minio, forcepathstyle: false, accesskey: k}}",
                s3(|it| {
                    it.endpoint = Url::parse("https://minio").ok();
                    it.path_style = false;
                }),
            ),
        ] {
            assert_eq!(of(storage), Ok(expected), "{storage}");
        }
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_with_a_reason() {
        for (storage, part) in [
            ("{gcs: {bucket: b}}", "\"gcs\" cannot be read"),
            ("{azure: {container: c}}", "\"azure\" cannot be read"),
            ("inmemory", "\"inmemory\" cannot be read"),
            ("{swift: {}}", "\"swift\" cannot be read"),
            ("{s3: {region: r}}", "storage.s3.bucket: missing"),
            ("{s3: {bucket: b}}", "storage.s3.region: missing"),
            ("{s3: {bucket: b, region: r, v4auth: false}}", "storage.s3.v4auth"),
            ("{s3: {bucket: b, region: r, usefipsendpoint: true}}", "storage.s3.usefipsendpoint"),
            ("{s3: {bucket: b, region: r, secure: maybe, regionendpoint: m}}", "storage.s3.secure: neither"),
            ("{s3: {bucket: [b], region: r}}", "storage.s3.bucket: no text"),
            ("{s3: {bucket: b, regionendpoint: \"ftp://hush\"}}", "storage.s3.regionendpoint: no URL"),
        ] {
            let error = of(storage).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains("hush"), "{storage}: {error}");
        }
    }
}
