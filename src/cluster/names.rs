use std::collections::BTreeSet;
use std::fmt;

use crate::registry::Endpoint;
use crate::retention::RegistryNames;

/// The domain of a cluster's services, where an admin has not chosen another.
const SERVICES: [&str; 2] = [".svc.cluster.local", ".svc"];

/// What a name without a port means, under https and under http.
const DEFAULT_PORTS: [&str; 2] = ["443", "80"];

/// What a registry is known by. Whoever shares one means the same registry.
///
/// An address comes before a Deployment: what is kept of a registry is filed under the first, and stays there when a
/// resource begins or ceases to name the Deployment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// A canonical `host:port`: equal for spellings of one address.
    Address(String),
    /// What runs it, `namespace/name`.
    Deployment(String),
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => f.write_str(address),
            Self::Deployment(name) => write!(f, "Deployment {name}"),
        }
    }
}

/// By what the registry of a resource is known.
///
/// `url` is where it is reached, `aliases` (`host[:port][/prefix]`) are what else it is called, `deployment` runs it.
/// Where a name has no port, those of http and https both count. The single name of a service is looked up in
/// `namespace`, that of the resource, and so is the Deployment. Two resources concern one registry if their sets overlap.
pub fn identities(
    url: &Endpoint,
    aliases: &[String],
    deployment: Option<&str>,
    namespace: Option<&str>,
) -> BTreeSet<Identity> {
    let url = format!("{}:{}", canonical(url.host(), namespace), url.port());
    let aliases = aliases.iter().flat_map(|alias| {
        let alias = Alias::of(alias);
        let host = canonical(alias.host, namespace);
        alias.ports().into_iter().map(move |port| format!("{host}:{port}"))
    });
    let deployment = deployment.map(|name| Identity::Deployment(format!("{}/{name}", namespace.unwrap_or_default())));
    std::iter::once(url).chain(aliases).map(Identity::Address).chain(deployment).collect()
}

/// By what names workloads may pull from the registry of a resource: every spelling of the hosts, and the prefixes of
/// its aliases.
pub fn names(url: &Endpoint, aliases: &[String], namespace: Option<&str>) -> RegistryNames {
    let port = url.port().to_string();
    let aliases: Vec<Alias<'_>> = aliases.iter().map(|alias| Alias::of(alias)).collect();
    let mut hosts = BTreeSet::new();
    for name in aliases.iter().chain([&Alias { host: url.host(), port: Some(&port), prefix: None }]) {
        for host in spellings(name.host, namespace) {
            hosts.extend(name.ports().into_iter().map(|port| format!("{host}:{port}")));
            if name.ports().iter().any(|port| DEFAULT_PORTS.contains(port)) {
                hosts.insert(host);
            }
        }
    }
    let prefixes = aliases.iter().filter_map(|alias| alias.prefix).map(str::to_owned).collect();
    RegistryNames { hosts, prefixes }
}

/// Another name of a registry, taken apart.
struct Alias<'a> {
    host: &'a str,
    port: Option<&'a str>,
    prefix: Option<&'a str>,
}

impl<'a> Alias<'a> {
    fn of(text: &'a str) -> Self {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        match address.rsplit_once(':') {
            Some((host, port)) => Self { host, port: Some(port), prefix },
            None => Self { host: address, port: None, prefix },
        }
    }

    /// Those that it may mean.
    fn ports(&self) -> Vec<&'a str> {
        self.port.map_or_else(|| DEFAULT_PORTS.to_vec(), |port| vec![port])
    }
}

/// Lower-case, without a dot at the end and without a service's domain, and qualified by its namespace.
fn canonical(host: &str, namespace: Option<&str>) -> String {
    let host = plain(host);
    let service = SERVICES.iter().find_map(|domain| host.strip_suffix(domain)).filter(|service| service.contains('.'));
    match namespace {
        Some(namespace) if is_single_label(&host) => format!("{host}.{namespace}"),
        _ => service.unwrap_or(&host).to_owned(),
    }
}

/// Every way to write `host`.
fn spellings(host: &str, namespace: Option<&str>) -> BTreeSet<String> {
    let canonical = canonical(host, namespace);
    let services = SERVICES.iter().map(|domain| format!("{canonical}{domain}")).collect::<Vec<_>>();
    services.into_iter().chain([plain(host), canonical]).collect()
}

fn plain(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// Whether it is the name of a service, to be looked up in a namespace.
fn is_single_label(host: &str) -> bool {
    host != "localhost" && !host.contains(['.', '['])
}

/// What turned out to be one registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry<T> {
    /// All that it is known by.
    pub identities: BTreeSet<Identity>,
    /// Who concerns it, in order.
    pub members: BTreeSet<T>,
}

/// Sorts `items` by registry: those are together that share a name, or that others connect. The result does not depend
/// on the order of the items; it is sorted by the first name of each registry.
pub fn group<T: Clone + Ord>(items: &[(T, BTreeSet<Identity>)]) -> Vec<Registry<T>> {
    let mut registries: Vec<Registry<T>> = Vec::new();
    for (item, identities) in items {
        let mut joined = Registry { identities: identities.clone(), members: [item.clone()].into() };
        registries.retain_mut(|known| {
            let apart = known.identities.is_disjoint(identities);
            if !apart {
                joined.identities.append(&mut known.identities);
                joined.members.append(&mut known.members);
            }
            apart
        });
        registries.push(joined);
    }
    registries.sort_by(|a, b| (&a.identities, &a.members).cmp(&(&b.identities, &b.members)));
    registries
}

#[cfg(test)]
mod tests;
