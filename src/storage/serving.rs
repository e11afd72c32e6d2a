use serde_json::{Map, Value};

use super::ConfigurationError;
use super::parameters::merged;
use crate::collection::{Auth, Listening, Serving, Unreachable};

/// The longest prefix that is taken: all of it is told in a line of bounded length.
const LONGEST_PREFIX: usize = 200;
/// Names of ports, which Go looks up as it does those of hosts.
const PORTS: [(&str, u16); 2] = [("http", 80), ("https", 443)];

/// Reads how a registry serves from its configuration file, `yaml`, with its environment over it.
///
/// `registry/registry.go` and `registry/listener/listener.go`, alike in 2.8 and 3.x.
pub fn serving(
    yaml: &str,
    environment: impl IntoIterator<Item = (String, String)> + Clone,
) -> Result<Listening, ConfigurationError> {
    let http = merged("http", yaml, environment.clone())?;
    let auth = merged("auth", yaml, environment.clone())?;
    let storage = merged("storage", yaml, environment)?;
    let listening = match listens(&http) {
        Err(unreachable) => Listening::Nowhere { unreachable },
        Ok((port, prefix)) => Listening::At(Serving {
            port,
            tls: has_tls(&http),
            prefix,
            auth: login(&auth),
            read_only: is_read_only(&storage),
        }),
    };
    Ok(listening)
}

/// The port, and what comes before `/v2/`.
fn listens(http: &Map<String, Value>) -> Result<(u16, String), Unreachable> {
    match text(http, "net").as_str() {
        "" | "tcp" => {}
        "unix" => return Err(Unreachable::UnixSocket),
        _ => return Err(Unreachable::AddressUnclear),
    }
    let address = text(http, "addr");
    let (host, port) = address.rsplit_once(':').ok_or(Unreachable::AddressUnclear)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    // Of an IPv6 address, `::ffff:127.0.0.1` is loopback as well.
    let ip = host.parse::<std::net::IpAddr>().map(|ip| ip.to_canonical());
    if host.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback()) {
        return Err(Unreachable::Loopback);
    }
    let named = PORTS.iter().find(|(name, _)| *name == port).map(|(_, port)| *port);
    // Port 0 is another one at each start.
    let port = named.or_else(|| port.parse().ok()).filter(|port| *port > 0).ok_or(Unreachable::AddressUnclear)?;
    let prefix = text(http, "prefix");
    let prefix = match prefix.trim_matches('/') {
        "" => String::new(),
        bare => format!("/{bare}"),
    };
    if prefix.len() > LONGEST_PREFIX || prefix.contains(['?', '#', '%', '\\']) || !prefix.is_ascii() {
        return Err(Unreachable::AddressUnclear);
    }
    Ok((port, prefix))
}

fn has_tls(http: &Map<String, Value>) -> bool {
    let tls = section(http, "tls");
    let certificate = tls.map(|tls| text(tls, "certificate")).unwrap_or_default();
    let requested = tls.and_then(|tls| section(tls, "letsencrypt")).map(|it| text(it, "cachefile")).unwrap_or_default();
    !certificate.is_empty() || !requested.is_empty()
}

fn login(auth: &Map<String, Value>) -> Auth {
    let mut kinds = auth.keys().map(String::as_str);
    match (kinds.next(), kinds.next()) {
        (None, _) => Auth::None,
        (Some(kind), None) if kind.eq_ignore_ascii_case("none") => Auth::None,
        (Some("htpasswd"), None) => Auth::Htpasswd,
        (Some("token"), None) => Auth::Token,
        _ => Auth::Other,
    }
}

/// Whatever the registry makes of another value, it does not start with one that is no map.
fn is_read_only(storage: &Map<String, Value>) -> bool {
    let readonly = section(storage, "maintenance").and_then(|maintenance| section(maintenance, "readonly"));
    readonly.and_then(|readonly| readonly.get("enabled")).is_some_and(|enabled| *enabled == Value::Bool(true))
}

fn section<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a Map<String, Value>> {
    map.get(key).and_then(Value::as_object)
}

fn text(map: &Map<String, Value>, key: &str) -> String {
    match map.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(other @ (Value::Number(_) | Value::Bool(_))) => other.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str, environment: &[(&str, &str)]) -> Result<Listening, ConfigurationError> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        serving(&format!("version: 0.1\nstorage: filesystem\n{yaml}"), environment.collect::<Vec<_>>())
    }

    fn plain() -> Serving {
        Serving { port: 5000, tls: false, prefix: String::new(), auth: Auth::None, read_only: false }
    }

    #[test]
    fn where_and_how_it_serves_is_read_with_the_environment_over_the_file() {
        let address = "http: {addr: \":5000\"}\n";
        let with = |more: &str| format!("{address}{more}");
        let file = "http: {addr: \":5000\", tls: {certificate: /a, key: /b}, prefix: /my/path/}";
        for (yaml, environment, expected) in [
            (address.to_owned(), vec![], plain()),
            ("http: {addr: \"0.0.0.0:5000\", net: tcp}".into(), vec![], plain()),
            ("http: {addr: \"[::]:5000\"}".into(), vec![], plain()),
            ("http: {addr: \"registry.example.com:http\"}".into(), vec![], Serving { port: 80, ..plain() }),
            (with(""), vec![("REGISTRY_HTTP_ADDR", "0.0.0.0:8080")], Serving { port: 8080, ..plain() }),
            (String::new(), vec![("REGISTRY_HTTP", "{addr: \":5000\"}")], plain()),
            // What a Service named registry-http sets.
            (
                with(""),
                vec![("REGISTRY_HTTP_SERVICE_HOST", "10.0.0.1"), ("REGISTRY_HTTP_PORT", "tcp://10.0.0.1:80")],
                plain(),
            ),
            (file.into(), vec![], Serving { tls: true, prefix: "/my/path".into(), ..plain() }),
            (file.into(), vec![("REGISTRY_HTTP_TLS", "{}"), ("REGISTRY_HTTP_PREFIX", "/")], plain()),
            (with(""), vec![("REGISTRY_HTTP_TLS_CERTIFICATE", "/a")], Serving { tls: true, ..plain() }),
            (with(""), vec![("REGISTRY_HTTP_TLS_LETSENCRYPT_CACHEFILE", "/a")], Serving { tls: true, ..plain() }),
            (with(""), vec![("REGISTRY_HTTP_PREFIX", "a")], Serving { prefix: "/a".into(), ..plain() }),
            (with("auth: {htpasswd: {realm: a, path: /b}}"), vec![], Serving { auth: Auth::Htpasswd, ..plain() }),
            (with(""), vec![("REGISTRY_AUTH_HTPASSWD_REALM", "a")], Serving { auth: Auth::Htpasswd, ..plain() }),
            (
                with(""),
                vec![("REGISTRY_AUTH", "token"), ("REGISTRY_AUTH_TOKEN_REALM", "a")],
                Serving { auth: Auth::Token, ..plain() },
            ),
            (with("auth: {silly: {}}"), vec![], Serving { auth: Auth::Other, ..plain() }),
            (with("auth: none"), vec![], plain()),
            (
                with(""),
                vec![("REGISTRY_STORAGE_MAINTENANCE_READONLY", r#"{"enabled":true}"#)],
                Serving { read_only: true, ..plain() },
            ),
            (with(""), vec![("REGISTRY_STORAGE_MAINTENANCE_READONLY", r#"{"enabled":false}"#)], plain()),
        ] {
            assert_eq!(read(&yaml, &environment), Ok(Listening::At(expected)), "{yaml} {environment:?}");
        }
        let read_only =
            "version: 0.1\nstorage: {filesystem: , maintenance: {readonly: {enabled: true}}}\nhttp: {addr: \":5000\"}";
        assert_eq!(serving(read_only, []), Ok(Listening::At(Serving { read_only: true, ..plain() })));
        assert_eq!(serving("version: 0.1\nhttp: [a]", []), Err(ConfigurationError::Unreadable));
    }

    #[test]
    fn what_no_other_pod_can_reach_is_told() {
        use Unreachable::{AddressUnclear, Loopback, UnixSocket};
        for (yaml, expected) in [
            ("http: {addr: \"127.0.0.1:5000\"}", Loopback),
            ("http: {addr: \"127.1.2.3:5000\"}", Loopback),
            ("http: {addr: \"[::1]:5000\"}", Loopback),
            ("http: {addr: \"[::ffff:127.0.0.1]:5000\"}", Loopback),
            ("http: {addr: \"LocalHost:5000\"}", Loopback),
            ("http: {addr: /run/x.sock, net: unix}", UnixSocket),
            ("", AddressUnclear),
            ("http: {addr: 5000}", AddressUnclear),
            ("http: {addr: \":0\"}", AddressUnclear),
            ("http: {addr: \":99999\"}", AddressUnclear),
            ("http: {addr: \":5000\", net: udp}", AddressUnclear),
            ("http: {addr: \":5000\", prefix: \"/a?b\"}", AddressUnclear),
        ] {
            assert_eq!(read(yaml, &[]), Ok(Listening::Nowhere { unreachable: expected }), "{yaml}");
        }
    }

    #[test]
    fn it_is_told_in_few_words() {
        let told = |listening: &Listening| serde_json::to_string(listening).unwrap();
        let at = Listening::At(plain());
        assert_eq!(told(&at), r#"{"port":5000,"tls":false,"auth":"none"}"#);
        let nowhere = Listening::Nowhere { unreachable: Unreachable::UnixSocket };
        assert_eq!(told(&nowhere), r#"{"unreachable":"UnixSocket"}"#);
        for listening in [at, nowhere] {
            assert_eq!(serde_json::from_str::<Listening>(&told(&listening)).unwrap(), listening);
        }
    }
}
