//! From a file of resources to what is done with each registry.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use kube::ResourceExt as _;
use kube::core::DynamicObject;
use serde::Serialize;

use super::args::Source;
use super::error::CliError;
use crate::api::file::MAX_FILE_BYTES;
use crate::api::{Mode, RegistryRetention, Scope, read_resources};
use crate::cluster::{self, Identity};
use crate::registry::Endpoint;
use crate::retention::{Policy, RegistryNames};

/// All resources of one registry; they are judged together.
#[derive(Debug)]
pub(super) struct Group {
    /// Where it is.
    pub(super) endpoint: Endpoint,
    /// Which resources, in the order of the file.
    pub(super) resources: Vec<Resource>,
    /// The same, compiled, and after them those of others.
    pub(super) policies: Vec<Policy>,
    /// The resources as a cluster would have them.
    pub(super) objects: Vec<DynamicObject>,
    /// What tells that a resource concerns this registry.
    pub(super) identities: BTreeSet<Identity>,
    /// By what names workloads may pull from it.
    pub(super) names: RegistryNames,
    /// Where each resource looks for workloads, with its own namespace.
    pub(super) scopes: Vec<(Scope, Option<String>)>,
    /// The resources of the cluster that keep things here too.
    pub(super) others: Vec<String>,
}

/// A resource, as reports name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Resource {
    /// `namespace/name`, or `name`.
    pub(super) name: String,
    /// What it says of itself.
    pub(super) mode: Mode,
    /// Whether it only keeps.
    pub(super) suspend: bool,
    /// The same name in parts.
    #[serde(skip)]
    key: (Option<String>, String),
    /// Whether the operator would log in by a Secret, or know certificates from one.
    #[serde(skip)]
    pub(super) secrets: Secrets,
}

/// What only the operator reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Secrets {
    pub(super) login: bool,
    pub(super) certificates: bool,
}

impl Group {
    /// The names of the resources that want to know what workloads use.
    pub(super) fn asking_for_workloads(&self) -> impl Iterator<Item = &str> {
        let asking = self.resources.iter().zip(&self.scopes).filter(|(_, (scope, _))| *scope != Scope::None);
        asking.map(|(resource, _)| resource.name.as_str())
    }

    /// Whether a resource here stands for `object`. What has no namespace in the file is in that of the context.
    pub(super) fn replaces(&self, object: &DynamicObject, context: &str) -> bool {
        self.resources.iter().any(|Resource { key: (namespace, name), .. }| {
            object.namespace().as_deref() == Some(namespace.as_deref().unwrap_or(context)) && object.name_any() == *name
        })
    }

    /// Adds somebody else's resource, which keeps and does not condemn.
    pub(super) fn join(&mut self, other: cluster::Joined, complete_lists: bool) {
        let cluster::Joined { resource, url, mut policy } = other;
        policy.complete_tag_lists |= complete_lists;
        let namespace = resource.namespace();
        self.names.absorb(cluster::names(&url, &resource.spec.registry.aliases, namespace.as_deref()));
        self.scopes.push((resource.spec.protect.in_use.scope, namespace));
        self.others.push(policy.name.to_string());
        self.policies.push(policy);
    }
}

/// Reads the file, and sorts its resources by registry.
pub(super) fn read(source: &Source) -> Result<Vec<Group>, CliError> {
    groups(&source.file, source.registry.as_ref(), source.complete_lists)
}

/// [`read`], for commands that have these options one by one.
pub(super) fn groups(file: &Path, registry: Option<&Endpoint>, complete_lists: bool) -> Result<Vec<Group>, CliError> {
    let shown = if is_stdin(file) { "standard input".into() } else { file.display().to_string() };
    let text = text(file).map_err(|why| CliError::Usage(format!("{shown}: cannot be read: {why}")))?;
    let invalid = |errors: Vec<String>| {
        let mut lines = vec![format!("{shown} is not valid; nothing was done:")];
        lines.extend(errors);
        CliError::Resources(lines)
    };
    let resources =
        read_resources(&text).map_err(|errors| invalid(errors.iter().map(ToString::to_string).collect()))?;
    group(&resources, registry, complete_lists).map_err(invalid)
}

/// Whether the file is standard input.
pub(super) fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn text(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    let mut read = |from: &mut dyn Read| from.take(MAX_FILE_BYTES as u64 + 1).read_to_string(&mut text);
    if is_stdin(file) {
        read(&mut io::stdin().lock())?
    } else {
        read(&mut File::open(file)?)?
    };
    Ok(text)
}

/// A resource of the file that is in order.
struct Entry<'a> {
    resource: &'a RegistryRetention,
    endpoint: Endpoint,
    policy: Policy,
    names: RegistryNames,
}

fn group(
    resources: &[RegistryRetention],
    registry: Option<&Endpoint>,
    complete_lists: bool,
) -> Result<Vec<Group>, Vec<String>> {
    let mut errors = Vec::new();
    let mut entries: Vec<Option<Entry<'_>>> = Vec::new();
    let mut identities = Vec::new();
    for resource in resources {
        match entry(resource, registry, complete_lists) {
            Ok((entry, known_by)) => {
                identities.push((entries.len(), known_by));
                entries.push(Some(entry));
            }
            Err(wrong) => errors.extend(wrong),
        }
    }
    let mut groups = Vec::new();
    for registry in cluster::group(&identities) {
        let members: Vec<Entry<'_>> = registry.members.iter().filter_map(|index| entries[*index].take()).collect();
        let Some(endpoint) = members.first().map(|entry| entry.endpoint.clone()) else { continue };
        let mut group = Group {
            endpoint,
            resources: Vec::new(),
            policies: Vec::new(),
            objects: Vec::new(),
            identities: registry.identities,
            names: RegistryNames::default(),
            scopes: Vec::new(),
            others: Vec::new(),
        };
        for member in members {
            errors.extend(group.take(member));
        }
        groups.push(group);
    }
    groups.sort_by_cached_key(|group| group.endpoint.host_port());
    if errors.is_empty() { Ok(groups) } else { Err(errors) }
}

impl Group {
    /// Takes one of its resources in; what is wrong with that.
    fn take(&mut self, entry: Entry<'_>) -> Option<String> {
        let Entry { resource, endpoint, policy, names } = entry;
        let name = shown(resource);
        let clash = self.endpoint != endpoint && self.endpoint.host_port() == endpoint.host_port();
        let error = clash.then(|| {
            let first = &self.endpoint;
            format!("{name}: spec.registry.url: {endpoint} and {first} are the same host and port; write one of them")
        });
        let spec = &resource.spec;
        let login = spec.registry.secret_ref.is_some();
        let secrets = Secrets { login, certificates: spec.registry.cert_secret_ref.is_some() };
        let key = (resource.namespace(), resource.name_any());
        self.resources.push(Resource { name, mode: spec.mode, suspend: spec.suspend, key, secrets });
        self.scopes.push((spec.protect.in_use.scope, resource.namespace()));
        self.objects.extend(serde_json::to_value(resource).and_then(serde_json::from_value::<DynamicObject>));
        self.policies.push(if spec.suspend { policy.keeps_only() } else { policy });
        self.names.absorb(names);
        error
    }
}

/// One resource, and by what names its registry is known; or all that is wrong with it.
fn entry<'a>(
    resource: &'a RegistryRetention,
    registry: Option<&Endpoint>,
    complete_lists: bool,
) -> Result<(Entry<'a>, BTreeSet<Identity>), Vec<String>> {
    let name = shown(resource);
    let mut errors = Vec::new();
    let written = resource.spec.registry.url.parse::<Endpoint>();
    let endpoint = match (registry, &written) {
        (Some(given), _) => Some(given.clone()),
        (None, Ok(written)) => Some(written.clone()),
        (None, Err(why)) => {
            errors.push(format!("{name}: spec.registry.url: {why}"));
            None
        }
    };
    let policy = Policy::compile(resource)
        .map_err(|faults| errors.extend(faults.iter().map(|fault| format!("{name}: {fault}"))));
    let (Some(endpoint), Ok(mut policy)) = (endpoint, policy) else { return Err(errors) };
    policy.complete_tag_lists |= complete_lists;
    let (aliases, namespace) = (&resource.spec.registry.aliases, resource.namespace());
    let deployment = resource.spec.registry.deployment();
    // Whoever reaches it by another way still means the registry that the resource names.
    let mut identities = BTreeSet::new();
    let mut names = RegistryNames::default();
    for url in [Some(&endpoint), written.as_ref().ok()].into_iter().flatten() {
        identities.append(&mut cluster::identities(url, aliases, deployment, namespace.as_deref()));
        names.absorb(cluster::names(url, aliases, namespace.as_deref()));
    }
    Ok((Entry { resource, endpoint, policy, names }, identities))
}

/// `namespace/name`, or `name`.
fn shown(resource: &RegistryRetention) -> String {
    match resource.namespace() {
        Some(namespace) => format!("{namespace}/{}", resource.name_any()),
        None => resource.name_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources(urls: &[&str]) -> Vec<RegistryRetention> {
        let document = |(index, url): (usize, &&str)| {
            format!(
                "---\n{{apiVersion: registry-retention.dev/v1alpha1, kind: RegistryRetention, metadata: {{name: r{index}}}, \
                 spec: {{registry: {{url: '{url}'}}, protect: {{inUse: {{scope: None}}}}, rules: [{{name: a, \
                 repositories: {{include: [a]}}, tags: {{include: ['*']}}, action: Keep}}]}}}}\n"
            )
        };
        read_resources(&urls.iter().enumerate().map(document).collect::<String>()).unwrap()
    }

    fn names(groups: &[Group]) -> Vec<(String, Vec<&str>)> {
        let names = |group: &Group| group.endpoint.to_string();
        groups.iter().map(|it| (names(it), it.resources.iter().map(|it| it.name.as_str()).collect())).collect()
    }

    #[test]
    fn resources_of_one_registry_are_one_group() {
        let resources = resources(&["http://r.r:5000", "http://q.q", "http://R.r:5000/", "http://q.q:80"]);
        let groups = group(&resources, None, false).unwrap();
        assert_eq!(
            names(&groups),
            [("http://q.q".into(), vec!["r1", "r3"]), ("http://r.r:5000".into(), vec!["r0", "r2"])]
        );
        assert!(groups.iter().flat_map(|group| &group.policies).all(|policy| !policy.complete_tag_lists));
    }

    #[test]
    fn the_command_line_overrides_every_resource() {
        let resources = resources(&["http://r.r:5000", "http://q.q:99999"]);
        let registry: Endpoint = "https://other".parse().unwrap();
        let groups = group(&resources, Some(&registry), true).unwrap();
        assert_eq!(names(&groups), [("https://other".into(), vec!["r0", "r1"])]);
        assert!(groups[0].policies.iter().all(|policy| policy.complete_tag_lists));
    }

    #[test]
    fn every_wrong_url_is_named() {
        let errors =
            group(&resources(&["http://q.q:99999", "http://r.r:80", "https://r.r:80"]), None, false).unwrap_err();
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert!(errors[0].starts_with("r0: spec.registry.url: ") && errors[1].contains("same host and port"));
    }
}
