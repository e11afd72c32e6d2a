//! From a file of resources to what is done with each registry.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::Serialize;

use super::args::Source;
use super::error::CliError;
use crate::api::file::MAX_FILE_BYTES;
use crate::api::{Mode, RegistryRetention, read_resources};
use crate::registry::Endpoint;
use crate::retention::Policy;

/// All resources of one registry; they are judged together.
#[derive(Debug)]
pub(super) struct Group {
    /// Where it is.
    pub(super) endpoint: Endpoint,
    /// Which resources, in the order of the file.
    pub(super) resources: Vec<Resource>,
    /// The same, compiled.
    pub(super) policies: Vec<Policy>,
}

/// A resource, as reports name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Resource {
    /// `namespace/name`, or `name`.
    pub(super) name: String,
    /// What it says of itself.
    pub(super) mode: Mode,
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

fn group(
    resources: &[RegistryRetention],
    registry: Option<&Endpoint>,
    complete_lists: bool,
) -> Result<Vec<Group>, Vec<String>> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let mut errors = Vec::new();
    for resource in resources {
        let name = match (&resource.metadata.namespace, &resource.metadata.name) {
            (Some(namespace), name) => format!("{namespace}/{}", name.as_deref().unwrap_or_default()),
            (None, name) => name.clone().unwrap_or_default(),
        };
        let written = &resource.spec.registry.url;
        let endpoint = match registry.map_or_else(|| written.parse(), |given| Ok(given.clone())) {
            Ok(endpoint) => Some(endpoint),
            Err(why) => {
                errors.push(format!("{name}: spec.registry.url: {why}"));
                None
            }
        };
        let policy = match Policy::compile(resource) {
            Ok(policy) => Some(policy),
            Err(faults) => {
                errors.extend(faults.iter().map(|fault| format!("{name}: {fault}")));
                None
            }
        };
        let (Some(endpoint), Some(mut policy)) = (endpoint, policy) else { continue };
        policy.complete_tag_lists |= complete_lists;
        let group = groups.entry(endpoint.host_port()).or_insert_with(|| Group {
            endpoint: endpoint.clone(),
            resources: Vec::new(),
            policies: Vec::new(),
        });
        if group.endpoint != endpoint {
            errors.push(format!(
                "{name}: spec.registry.url: {endpoint} and {} are the same host and port; write one of them",
                group.endpoint
            ));
        }
        group.resources.push(Resource { name, mode: resource.spec.mode });
        group.policies.push(policy);
    }
    if errors.is_empty() { Ok(groups.into_values().collect()) } else { Err(errors) }
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
