//! What each storage driver's parameters mean, as the registry reads them.

use serde_json::{Map, Value};

use super::bucket::{AccessKey, Azure, AzureLogin, Bucket, Gcs, S3, Service, ServiceAccount};
use super::location::endpoint;
use super::{ConfigurationError, Location};

/// Reads the parameters of a driver.
type Read = fn(&Parameters<'_>) -> Result<Location, ConfigurationError>;

/// The drivers that are read, by the registry's names for them.
const DRIVERS: [(&str, Read); 5] =
    [("filesystem", filesystem), ("s3", s3), ("s3aws", s3), ("gcs", gcs), ("azure", azure)];

/// The root directory of the driver `filesystem` where nothing else is said.
const DEFAULT_ROOT: &str = "/var/lib/registry";
/// Where Azure is where nothing else is said.
const DEFAULT_REALM: &str = "core.windows.net";

/// Finds the storage that a driver with these parameters has.
pub(super) fn located(driver: &str, parameters: &Map<String, Value>) -> Result<Location, ConfigurationError> {
    let found = DRIVERS.iter().find(|(name, _)| *name == driver);
    let (name, read) = found.ok_or_else(|| ConfigurationError::Driver(driver.to_owned()))?;
    read(&Parameters { section: name, map: parameters })
}

/// `registry/storage/driver/filesystem/driver.go`, `fromParametersImpl`.
fn filesystem(of: &Parameters<'_>) -> Result<Location, ConfigurationError> {
    Ok(Location::Filesystem(of.text("rootdirectory")?.map_or(DEFAULT_ROOT.into(), Into::into)))
}

/// `registry/storage/driver/s3-aws/s3.go`, `FromParameters`.
fn s3(of: &Parameters<'_>) -> Result<Location, ConfigurationError> {
    let name = of.needed("bucket")?;
    if !of.flag("v4auth", true)? {
        return Err(of.wrong("v4auth", "signatures of version 2 cannot be made"));
    }
    for parameter in ["usefipsendpoint", "usedualstack"] {
        if of.flag(parameter, false)? {
            return Err(of.wrong(parameter, "not supported; name the server by regionendpoint instead"));
        }
    }
    let region = of.text("region")?;
    let server = match of.text("regionendpoint")? {
        None if region.is_none() => return Err(of.wrong("region", "missing")),
        None => None,
        Some(server) => {
            let scheme = if of.flag("secure", true)? { "https" } else { "http" };
            let url = if server.contains("://") { server } else { format!("{scheme}://{server}") };
            Some(endpoint(&url).map_err(|_| of.wrong("regionendpoint", "no URL of a server"))?)
        }
    };
    let key = match (of.text("accesskey")?, of.text("secretkey")?) {
        (Some(id), Some(secret)) => Some(AccessKey { id, secret: secret.into() }),
        _ => None,
    };
    // 2.8 does not know `forcepathstyle`, and puts the name into the path wherever there is an endpoint. Nearly every
    // server understands that, whatever 3.x does.
    let service = Service::S3(S3 { region, path_style: of.flag("forcepathstyle", true)?, key });
    let skip_verify = of.flag("skipverify", false)?;
    Ok(Bucket { endpoint: server, skip_verify, ..of.bucket(service, &name)? }.into())
}

/// `registry/storage/driver/gcs/gcs.go`, `FromParameters`.
fn gcs(of: &Parameters<'_>) -> Result<Location, ConfigurationError> {
    let account = match (of.text("keyfile")?, of.section("credentials")?) {
        (Some(path), _) => Some(ServiceAccount::File(path.into())),
        (None, Some(key)) => Some(ServiceAccount::Key(Value::Object(key.clone()).to_string().into())),
        (None, None) => None,
    };
    Ok(of.bucket(Service::Gcs(Gcs { account }), &of.needed("bucket")?)?.into())
}

/// `registry/storage/driver/azure/parser.go`, `NewParameters`, and `auth.go`, of 3.x.
///
/// 2.8 knows no `credentials`. What it stores is not read: its blobs' names begin with a slash, those of 3.x do not.
fn azure(of: &Parameters<'_>) -> Result<Location, ConfigurationError> {
    let account = of.needed("accountname")?;
    let name = of.needed("container")?;
    let Some(map) = of.section("credentials")? else {
        return Err(of.wrong("credentials", "missing, as 2.8 has it; what 2.8 stores in Azure cannot be read"));
    };
    let credentials = Parameters { section: "azure.credentials", map };
    let login = match credentials.needed("type")?.as_str() {
        "shared_key" => Some(AzureLogin::Key(of.needed("accountkey")?.into())),
        // 3.0 takes the key, later ones what is in the environment.
        "default_credentials" => of.text("accountkey")?.map(|key| AzureLogin::Key(key.into())),
        "client_secret" => Some(AzureLogin::Client {
            tenant: credentials.needed("tenantid")?,
            id: credentials.needed("clientid")?,
            secret: credentials.needed("secret")?.into(),
        }),
        _ => return Err(credentials.wrong("type", "neither shared_key nor default_credentials nor client_secret")),
    };
    let realm = of.text("realm")?.filter(|realm| realm != DEFAULT_REALM);
    let server = match (of.text("serviceurl")?, realm) {
        (Some(url), _) => Some(endpoint(&url).map_err(|_| of.wrong("serviceurl", "no URL of a server"))?),
        (None, Some(realm)) => {
            let url = format!("https://{account}.blob.{realm}");
            Some(endpoint(&url).map_err(|_| of.wrong("realm", "no name of a host"))?)
        }
        (None, None) => None,
    };
    let skip_verify = of.flag("skipverify", false)?;
    let service = Service::Azure(Azure { account, login });
    Ok(Bucket { endpoint: server, skip_verify, ..of.bucket(service, &name)? }.into())
}

struct Parameters<'a> {
    /// Where they stand, below `storage`.
    section: &'static str,
    map: &'a Map<String, Value>,
}

impl<'a> Parameters<'a> {
    /// A bucket with the driver's root directory, which all of them call the same.
    fn bucket(&self, service: Service, name: &str) -> Result<Bucket, ConfigurationError> {
        Ok(Bucket::new(service, name, &self.text("rootdirectory")?.unwrap_or_default()))
    }

    fn needed(&self, parameter: &'static str) -> Result<String, ConfigurationError> {
        self.text(parameter)?.ok_or_else(|| self.wrong(parameter, "missing"))
    }

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

    /// A parameter that has parameters.
    fn section(&self, parameter: &'static str) -> Result<Option<&'a Map<String, Value>>, ConfigurationError> {
        match self.map.get(parameter) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(_) => Err(self.wrong(parameter, "no map")),
        }
    }

    fn wrong(&self, parameter: &'static str, why: &'static str) -> ConfigurationError {
        ConfigurationError::Parameter { driver: self.section, parameter, why }
    }
}

#[cfg(test)]
mod tests;
