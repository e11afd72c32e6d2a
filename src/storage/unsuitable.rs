use serde_json::{Map, Value};

use super::ConfigurationError;
use super::parameters::merged;

/// Why the garbage of a registry must not be collected beside it, whatever its storage holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsuitable {
    /// It is a cache of another one.
    #[error(
        "the registry is a pull-through cache (proxy.remoteurl), which forgets what it holds by itself; set proxy.ttl there \
         instead"
    )]
    PullThrough,
    /// What it remembers of blobs outlives its processes.
    #[error(
        "the registry remembers its blobs in Redis (storage.cache.blobdescriptor: redis), and would take those for stored \
         that are gone, so that later pushes are lost; set storage.cache.blobdescriptor: inmemory"
    )]
    RedisCache,
}

impl Unsuitable {
    /// The stable code.
    pub fn reason(self) -> &'static str {
        match self {
            Self::PullThrough => "PullThrough",
            Self::RedisCache => "RedisCache",
        }
    }
}

/// Looks in a registry's configuration file, `yaml`, with its environment over it, for what forbids a collection.
pub fn unsuitable(
    yaml: &str,
    environment: impl IntoIterator<Item = (String, String)> + Clone,
) -> Result<Option<Unsuitable>, ConfigurationError> {
    let proxy = merged("proxy", yaml, environment.clone())?;
    // Only an empty URL is none; whatever else stands there may be one.
    if values(&proxy, "remoteurl").any(|url| !matches!(url, Value::Null) && url.as_str() != Some("")) {
        return Ok(Some(Unsuitable::PullThrough));
    }
    let storage = merged("storage", yaml, environment)?;
    let caches = values(&storage, "cache").filter_map(Value::as_object);
    let kinds = caches.flat_map(|cache| values(cache, "blobdescriptor").chain(values(cache, "layerinfo")));
    let is_redis = |kind: &Value| kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("redis"));
    Ok(kinds.into_iter().any(is_redis).then_some(Unsuitable::RedisCache))
}

/// What stands under a key, whatever its case: rather refuse a key that the registry does not know.
fn values<'a>(map: &'a Map<String, Value>, key: &'a str) -> impl Iterator<Item = &'a Value> {
    map.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_that_outlive_a_collection_are_found_wherever_they_are_set() {
        let (proxy, redis) = (Some(Unsuitable::PullThrough), Some(Unsuitable::RedisCache));
        for (yaml, variables, expected) in [
            ("storage: filesystem", vec![], None),
            ("storage: {filesystem: , cache: {blobdescriptor: inmemory}}\nproxy: {remoteurl: \"\"}", vec![], None),
            ("storage: filesystem\nproxy: {remoteurl: \"https://a\"}", vec![], proxy),
            ("storage: filesystem", vec![("REGISTRY_PROXY_REMOTEURL", "https://a")], proxy),
            ("storage: filesystem", vec![("REGISTRY_PROXY", "{remoteurl: \"https://a\"}")], proxy),
            ("storage: {filesystem: , cache: {blobdescriptor: redis}}", vec![], redis),
            ("storage: {filesystem: , cache: {layerinfo: redis}}", vec![], redis),
            ("storage: {filesystem: }", vec![("REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR", "redis")], redis),
            ("storage: {filesystem: }", vec![("REGISTRY_STORAGE_CACHE", "{blobdescriptor: redis}")], redis),
            (
                "storage: {filesystem: , cache: {blobdescriptor: redis}}",
                vec![("REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR", "inmemory")],
                None,
            ),
        ] {
            let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let found = unsuitable(&format!("version: 0.1\n{yaml}"), environment.collect::<Vec<_>>());
            assert_eq!(found, Ok(expected), "{yaml} {variables:?}");
        }
        assert_eq!(unsuitable("version: 0.1\nproxy: [a]", []), Err(ConfigurationError::Unreadable));
        assert_eq!(unsuitable("nonsense", []), Err(ConfigurationError::Version));
    }
}
