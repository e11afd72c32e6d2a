//! The configuration of a registry's process of our own on the same storage: it deletes, for us alone, whatever the
//! registry itself is told.

use serde_json::{Map, Value, json};

use super::ConfigurationError;
use super::parameters::{document, read, section};

/// What every variable that a registry reads begins with.
const REGISTRY: &str = "REGISTRY_";
/// The variable that stands for the whole section.
const STORAGE: &str = "REGISTRY_STORAGE";
/// What of the storage is ours to say, in the file and in the environment.
const OURS: [&str; 4] = ["cache", "delete", "maintenance", "redirect"];

/// The configuration of a process that serves the storage of the file `yaml` on the unix socket `socket`, and on nothing
/// else: of the file only `version` and `storage`, without what is ours to say: no cache, no redirects, not read-only, no
/// purge of uploads, deletion enabled. It holds what secrets the file holds.
///
/// `storage` is the variable `REGISTRY_STORAGE`, which replaces the section; the process must not see it any more. The
/// variables that [`reaches_private`] lets through stand over it as over the file.
pub fn private_configuration(yaml: &str, storage: Option<&str>, socket: &str) -> Result<String, ConfigurationError> {
    let file = document(yaml)?;
    let invalid = || ConfigurationError::Variable(STORAGE.to_owned());
    let mut stored = match storage {
        Some(text) => read(text).and_then(section).ok_or_else(invalid)?,
        None => section(file["storage"].clone()).ok_or(ConfigurationError::Unreadable)?,
    };
    for name in OURS {
        stored.remove(name);
    }
    stored.insert("delete".into(), json!({"enabled": true}));
    stored.insert("maintenance".into(), json!({"uploadpurging": {"enabled": false}}));
    let whole = Map::from_iter([
        ("version".to_owned(), json!("0.1")),
        ("log".to_owned(), json!({"level": "warn", "accesslog": {"disabled": true}})),
        ("storage".to_owned(), Value::Object(stored)),
        ("http".to_owned(), json!({"net": "unix", "addr": socket})),
    ]);
    // JSON is YAML, and leaves no text that the registry's older YAML would take for a number or a yes.
    Ok(Value::Object(whole).to_string())
}

/// Whether the process may see the variable: of those that a registry reads only parameters of the storage's driver.
/// The registry takes the name of what it adds to a section in any case.
pub fn reaches_private(variable: &str) -> bool {
    if !variable.starts_with(REGISTRY) {
        return true;
    }
    let parameter = variable.strip_prefix(STORAGE).and_then(|rest| rest.strip_prefix('_'));
    parameter.is_some_and(|name| !OURS.iter().any(|ours| name.to_lowercase().starts_with(ours)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(yaml: &str, storage: Option<&str>) -> Result<Value, ConfigurationError> {
        let text = private_configuration(&format!("version: 0.1\n{yaml}"), storage, "/scratch/socket")?;
        Ok(serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn of_a_configuration_only_the_storage_is_left() {
        let (delete, maintenance) = (json!({"enabled": true}), json!({"uploadpurging": {"enabled": false}}));
        let ours = |name: &str, driver: Value| json!({name: driver, "delete": delete, "maintenance": maintenance});
        let all = "log: {level: debug, hooks: [{type: mail}]}\n\
            storage:\n\
            \x20\x20filesystem: {rootdirectory: /a}\n\
            \x20\x20cache: {blobdescriptor: redis}\n\
            \x20\x20maintenance: {readonly: {enabled: true}, uploadpurging: {enabled: true}}\n\
            \x20\x20delete: {enabled: false}\n\
            \x20\x20redirect: {disable: false}\n\
            http: {addr: ':5000', tls: {certificate: /c}, debug: {addr: ':5001'}}\n\
            auth: {htpasswd: {realm: a, path: /b}}\n\
            proxy: {remoteurl: 'https://a'}\n\
            notifications: {endpoints: [{name: a, url: 'http://a'}]}\n\
            health: {storagedriver: {enabled: true}}\n\
            redis: {addr: 'a:1'}";
        let readonly = "{filesystem: {rootdirectory: /b}, maintenance: {readonly: {enabled: true}}}";
        for (yaml, storage, expected) in [
            (all, None, ours("filesystem", json!({"rootdirectory": "/a"}))),
            ("storage: filesystem", None, ours("filesystem", Value::Null)),
            ("storage: {s3: {bucket: 'yes', secure: false, region: \"1e3\"}}", None, {
                ours("s3", json!({"bucket": "yes", "secure": false, "region": "1e3"}))
            }),
            (all, Some(readonly), ours("filesystem", json!({"rootdirectory": "/b"}))),
            ("", Some("inmemory"), ours("inmemory", Value::Null)),
        ] {
            let found = of(yaml, storage).unwrap();
            assert_eq!(found["storage"], expected, "{yaml} {storage:?}");
            assert_eq!(found["http"], json!({"net": "unix", "addr": "/scratch/socket"}));
            let names: Vec<&String> = found.as_object().unwrap().keys().collect();
            assert_eq!(names, ["http", "log", "storage", "version"]);
        }
        assert_eq!(of("storage: [a]", None), Err(ConfigurationError::Unreadable));
        assert_eq!(of("", Some("{")), Err(ConfigurationError::Variable(STORAGE.into())));
        let version = private_configuration("version: 0.2\nstorage: filesystem", None, "/s");
        assert_eq!(version, Err(ConfigurationError::Version));
    }

    #[test]
    fn of_the_environment_only_the_drivers_parameters_are_left() {
        for (variable, expected) in [
            ("PATH", true),
            ("AWS_ACCESS_KEY_ID", true),
            ("registry_http_addr", true),
            ("REGISTRY_STORAGE_S3_BUCKET", true),
            ("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", true),
            ("REGISTRY_STORAGE_FILESYSTEM", true),
            ("REGISTRY_STORAGE_s3_bucket", true),
            ("REGISTRY_STORAGE_TAG_CONCURRENCYLIMIT", true),
            ("REGISTRY_STORAGE", false),
            ("REGISTRY_STORAGECLASS", false),
            ("REGISTRY_HTTP_ADDR", false),
            ("REGISTRY_HTTP_NET", false),
            ("REGISTRY_HTTP_DEBUG_ADDR", false),
            ("REGISTRY_AUTH", false),
            ("REGISTRY_PROXY_REMOTEURL", false),
            ("REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL", false),
            ("REGISTRY_CONFIGURATION_PATH", false),
            ("REGISTRY_STORAGE_CACHE", false),
            ("REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR", false),
            ("REGISTRY_STORAGE_MAINTENANCE", false),
            ("REGISTRY_STORAGE_MAINTENANCE_READONLY", false),
            ("REGISTRY_STORAGE_maintenance_readonly", false),
            ("REGISTRY_STORAGE_Delete_Enabled", false),
            ("REGISTRY_STORAGE_DELETE_ENABLED", false),
            ("REGISTRY_STORAGE_REDIRECT_DISABLE", false),
        ] {
            assert_eq!(reaches_private(variable), expected, "{variable}");
        }
    }
}
