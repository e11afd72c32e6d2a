//! A registry's configuration as its own parser understands it (`configuration/parser.go`, alike in 2.8 and 3.x), as far
//! as the section `storage` goes: a file, and variables `REGISTRY_STORAGE…` over it.
//!
//! `REGISTRY_STORAGE_S3_BUCKET=x` sets `storage.s3.bucket`; `REGISTRY_STORAGE_S3={bucket: x}` replaces `storage.s3`,
//! `REGISTRY_STORAGE=…` the whole section. Values are YAML. Variables are taken in the order of their names.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::ConfigurationError;

/// What stands under `storage` that is no driver (`Storage.Type`).
const NO_DRIVERS: [&str; 5] = ["cache", "delete", "maintenance", "redirect", "tag"];

/// A driver of the storage, with its parameters.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Driver {
    pub(super) name: String,
    pub(super) parameters: Map<String, Value>,
}

/// Finds the driver in a configuration file, with the environment over it.
pub(super) fn driver(
    yaml: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Driver, ConfigurationError> {
    let storage = merged("storage", yaml, environment)?;
    let mut drivers: Vec<_> = storage.into_iter().filter(|(name, _)| !NO_DRIVERS.contains(&name.as_str())).collect();
    match (drivers.pop(), drivers.len()) {
        (None, _) => Err(ConfigurationError::NoDriver),
        (Some((name, parameters)), 0) => {
            let parameters = match parameters {
                Value::Object(parameters) => parameters,
                Value::Null => Map::new(),
                _ => return Err(ConfigurationError::Unreadable),
            };
            Ok(Driver { name, parameters })
        }
        (Some(_), _) => Err(ConfigurationError::SeveralDrivers),
    }
}

/// A section of a configuration file, with the environment over it.
pub(super) fn merged(
    name: &str,
    yaml: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Map<String, Value>, ConfigurationError> {
    let file = document(yaml)?;
    let mut merged = section(file[name].clone()).ok_or(ConfigurationError::Unreadable)?;
    let prefix = format!("REGISTRY_{}", name.to_uppercase());
    let environment: BTreeMap<String, String> = environment.into_iter().collect();
    for (name, value) in environment {
        let Some(rest) = name.strip_prefix(&prefix) else { continue };
        let invalid = || ConfigurationError::Variable(name.clone());
        if rest.is_empty() {
            merged = read(&value).and_then(section).ok_or_else(invalid)?;
        } else if let Some(path) = rest.strip_prefix('_') {
            let path: Vec<&str> = path.split('_').collect();
            overwrite(&mut merged, &path, &value).ok_or_else(invalid)?;
        }
    }
    Ok(merged)
}

/// A configuration file.
pub(super) fn document(yaml: &str) -> Result<Value, ConfigurationError> {
    let file: Value = read(yaml).ok_or(ConfigurationError::Unreadable)?;
    let version = match &file["version"] {
        Value::String(version) => version.clone(),
        version => version.to_string(),
    };
    if version == "0.1" { Ok(file) } else { Err(ConfigurationError::Version) }
}

/// The section `storage`: a map, or just the name of a driver.
pub(super) fn section(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map),
        Value::String(name) => Some(Map::from_iter([(name, Value::Null)])),
        Value::Null => Some(Map::new()),
        _ => None,
    }
}

/// Sets what a variable names (`overwriteMap`): a key that is there whatever its case, else one in lower case. What lies
/// below something that is no map is not set, without an error.
fn overwrite(map: &mut Map<String, Value>, path: &[&str], value: &str) -> Option<()> {
    let (first, rest) = path.split_first()?;
    if !rest.is_empty()
        && let Some(known) = map.iter_mut().find(|(key, known)| key.to_uppercase() == *first && !known.is_null())
    {
        return match known.1 {
            Value::Object(map) => overwrite(map, rest, value),
            _ => Some(()),
        };
    }
    let new = if rest.is_empty() {
        read(value)?
    } else {
        let mut inner = Map::new();
        overwrite(&mut inner, rest, value)?;
        Value::Object(inner)
    };
    map.insert(first.to_lowercase(), new);
    Some(())
}

/// Reads YAML; nothing at all is null.
pub(super) fn read(yaml: &str) -> Option<Value> {
    let bare = yaml.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    if bare { Some(Value::Null) } else { serde_saphyr::from_str(yaml).ok() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(yaml: &str, environment: &[(&str, &str)]) -> Result<(String, Value), ConfigurationError> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let found = driver(&format!("version: 0.1\n{yaml}"), environment)?;
        Ok((found.name, Value::Object(found.parameters)))
    }

    #[test]
    fn variables_stand_over_the_file() {
        let filesystem = "storage: {filesystem: {rootdirectory: /a}, delete: {enabled: true}, tag: {}}";
        let s3 = "storage: {s3: {bucket: a, region: b}}";
        for (yaml, environment, expected) in [
            (filesystem, vec![], ("filesystem", json!({"rootdirectory": "/a"}))),
            ("storage: filesystem", vec![], ("filesystem", json!({}))),
            ("storage: {filesystem: }", vec![], ("filesystem", json!({}))),
            (
                filesystem,
                vec![("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "/b"), ("REGISTRY_HTTP_ADDR", ":1")],
                ("filesystem", json!({"rootdirectory": "/b"})),
            ),
            ("", vec![("REGISTRY_STORAGE", "filesystem")], ("filesystem", json!({}))),
            (
                "",
                vec![("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "/b")],
                ("filesystem", json!({"rootdirectory": "/b"})),
            ),
            (
                filesystem,
                vec![("REGISTRY_STORAGE_S3_BUCKET", "x"), ("REGISTRY_STORAGE", "{s3: {region: r}}")],
                ("s3", json!({"region": "r", "bucket": "x"})),
            ),
            (s3, vec![("REGISTRY_STORAGE_S3", "{bucket: c}")], ("s3", json!({"bucket": "c"}))),
            (
                s3,
                vec![("REGISTRY_STORAGE_S3_SECURE", "false")],
                ("s3", json!({"bucket": "a", "region": "b", "secure": false})),
            ),
            // The parser looks for capital letters, finds none, and makes the section anew.
            (s3, vec![("REGISTRY_STORAGE_s3_bucket", "c")], ("s3", json!({"bucket": "c"}))),
            // Below a text there is nothing to set.
            (s3, vec![("REGISTRY_STORAGE_S3_BUCKET_NAME", "c")], ("s3", json!({"bucket": "a", "region": "b"}))),
            // The key that is there already keeps its case; drivers do not know it.
            (
                "storage: {s3: {Bucket: a}}",
                vec![("REGISTRY_STORAGE_S3_BUCKET", "c")],
                ("s3", json!({"Bucket": "a", "bucket": "c"})),
            ),
            (
                s3,
                vec![("REGISTRY_STORAGE_MAINTENANCE_READONLY", "{enabled: true}")],
                ("s3", json!({"bucket": "a", "region": "b"})),
            ),
            (s3, vec![("REGISTRY_STORAGECLASS", "x")], ("s3", json!({"bucket": "a", "region": "b"}))),
        ] {
            let (name, parameters) = expected;
            assert_eq!(of(yaml, &environment), Ok((name.to_owned(), parameters)), "{yaml} {environment:?}");
        }
    }

    #[test]
    fn what_the_registry_would_not_start_with_is_refused() {
        let filesystem = "storage: {filesystem: {}}";
        for (yaml, environment, expected) in [
            ("", vec![], ConfigurationError::NoDriver),
            ("storage: {delete: {enabled: true}}", vec![], ConfigurationError::NoDriver),
            (filesystem, vec![("REGISTRY_STORAGE_S3_BUCKET", "x")], ConfigurationError::SeveralDrivers),
            ("storage: [a]", vec![], ConfigurationError::Unreadable),
            ("storage: {filesystem: [a]}", vec![], ConfigurationError::Unreadable),
            ("storage: {", vec![], ConfigurationError::Unreadable),
            (filesystem, vec![("REGISTRY_STORAGE", "{")], ConfigurationError::Variable("REGISTRY_STORAGE".into())),
        ] {
            assert_eq!(of(yaml, &environment), Err(expected), "{yaml} {environment:?}");
        }
        assert_eq!(driver("version: 0.2\nstorage: filesystem", []), Err(ConfigurationError::Version));
        assert_eq!(driver("storage: filesystem", []), Err(ConfigurationError::Version));
    }
}
