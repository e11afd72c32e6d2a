use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Container, EnvVar, PodSpec, Volume};

use super::Template;
use super::marks::{READ_ONLY, READ_ONLY_VALUE};
use super::volumes::{Volumes, names};

/// What tells a pod that has the registry's store, whatever its labels and owners are.
///
/// Where the store is on claims, that is a volume of one of them. Else it is whatever may lead there: the same volume of
/// another kind, the registry's image, one of its storage variables, one of its configuration volumes; in doubt, it does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoreMark {
    claims: BTreeSet<String>,
    /// Shared volumes that are no claims, and volumes of configuration; without their names, which are the pod's own.
    volumes: Vec<Volume>,
    images: BTreeSet<String>,
    variables: Vec<EnvVar>,
}

impl StoreMark {
    /// Of the registry that the template describes.
    pub fn of(template: &Template<'_>) -> Self {
        Self::at(template.volumes())
    }

    /// Of a registry that a run has begun with: by its claims, for the Deployment may have been edited since.
    pub fn known(claims: &[String], deployment: Option<&Deployment>, container: &str) -> Self {
        if !claims.is_empty() {
            return Self { claims: claims.iter().cloned().collect(), ..Self::default() };
        }
        let pod = deployment.and_then(|deployment| deployment.spec.template.spec.as_ref());
        let volumes = pod.and_then(|pod| {
            let container = pod.containers.iter().find(|it| it.name == container)?;
            Some(Volumes { pod, container })
        });
        volumes.map(Self::at).unwrap_or_default()
    }

    fn at(of: Volumes<'_>) -> Self {
        let claims: BTreeSet<String> = of.claims().map(str::to_owned).collect();
        if !claims.is_empty() {
            return Self { claims, ..Self::default() };
        }
        let volumes = of.mounted().filter(|it| is_telling(it)).map(nameless).collect();
        let container = of.container;
        let variables = container.env.iter().flatten().filter(|it| it.name.starts_with("REGISTRY_STORAGE"));
        let variables = variables.filter(|it| it.name != READ_ONLY).cloned().collect();
        Self {
            claims,
            volumes,
            images: container.image.iter().map(|image| repository(image).to_owned()).collect(),
            variables,
        }
    }

    /// The claims that the store is on; there may be none.
    pub fn claims(&self) -> impl Iterator<Item = &str> {
        self.claims.iter().map(String::as_str)
    }

    /// Whether the pod has the store.
    pub fn is_on(&self, pod: &PodSpec) -> bool {
        pod.volumes.iter().flatten().any(|volume| self.names(volume))
            || containers(pod).any(|container| self.is_like(container))
    }

    /// Whether whatever of the pod has the store was started with our entry.
    pub fn is_frozen(&self, pod: &PodSpec) -> bool {
        let mut having = self.holders(pod).peekable();
        having.peek().is_some() && having.all(is_read_only)
    }

    /// The containers of the pod that have the store.
    pub(super) fn holders<'a>(&self, pod: &'a PodSpec) -> impl Iterator<Item = &'a Container> {
        let stores: BTreeSet<&str> =
            pod.volumes.iter().flatten().filter(|it| self.names(it)).map(|it| it.name.as_str()).collect();
        containers(pod).filter(move |it| self.is_like(it) || !names(it).is_disjoint(&stores))
    }

    fn names(&self, volume: &Volume) -> bool {
        let claim = volume.persistent_volume_claim.as_ref();
        claim.is_some_and(|claim| self.claims.contains(&claim.claim_name)) || self.volumes.contains(&nameless(volume))
    }

    fn is_like(&self, container: &Container) -> bool {
        let image = container.image.as_deref().map(repository);
        image.is_some_and(|image| self.images.contains(image))
            || container.env.iter().flatten().any(|variable| self.variables.contains(variable))
    }
}

/// Whether its environment makes a registry read-only: the last entry of a name holds.
pub(super) fn is_read_only(container: &Container) -> bool {
    let entry = container.env.iter().flatten().rfind(|entry| entry.name == READ_ONLY);
    entry.is_some_and(|entry| entry.value.as_deref() == Some(READ_ONLY_VALUE))
}

/// Every container of a pod that runs for longer than its beginning, or may be one of those.
fn containers(pod: &PodSpec) -> impl Iterator<Item = &Container> {
    pod.containers.iter().chain(pod.init_containers.iter().flatten())
}

/// Whether two pods that have it have the same store, or the same configuration.
fn is_telling(volume: &Volume) -> bool {
    super::volumes::is_shared(volume) || volume.config_map.is_some() || volume.secret.is_some()
}

fn nameless(volume: &Volume) -> Volume {
    Volume { name: String::new(), ..volume.clone() }
}

/// An image without tag and digest.
fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => image,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn deployment(container: &Value, volumes: &Value) -> Deployment {
        let template = json!({"metadata": {}, "spec": {"containers": [container], "volumes": volumes}});
        let spec = json!({"selector": {}, "template": template});
        serde_json::from_value(json!({"metadata": {"name": "registry"}, "spec": spec})).unwrap()
    }

    fn pod(value: &Value) -> PodSpec {
        serde_json::from_value(value.clone()).unwrap()
    }

    fn entry(value: &str) -> Value {
        json!([{"name": READ_ONLY, "value": value}])
    }

    #[test]
    fn a_claim_tells_whatever_the_pod_is() {
        let container = json!({"name": "registry", "image": "registry:3", "command": ["registry", "serve", "/c"],
            "volumeMounts": [{"name": "data", "mountPath": "/var/lib/registry"}]});
        let volumes = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "store"}}]);
        let deployment = deployment(&container, &volumes);
        let mark = StoreMark::of(&Template::of(&deployment, None, None).unwrap());
        let other = |claim: &str, containers: Value| {
            pod(&json!({"containers": containers,
                "volumes": [{"name": "x", "persistentVolumeClaim": {"claimName": claim}}]}))
        };
        let mounting =
            |env: Value| json!({"name": "a", "env": env, "volumeMounts": [{"name": "x", "mountPath": "/x"}]});
        let writer = other("store", json!([mounting(json!([]))]));
        assert!(mark.is_on(&writer) && !mark.is_frozen(&writer));
        let frozen = other("store", json!([mounting(entry(READ_ONLY_VALUE)), {"name": "sidecar"}]));
        assert!(mark.is_on(&frozen) && mark.is_frozen(&frozen));
        let half = other("store", json!([mounting(entry(READ_ONLY_VALUE)), mounting(json!([]))]));
        assert!(mark.is_on(&half) && !mark.is_frozen(&half));
        for wrong in [entry("true"), entry(r#"{"enabled":false}"#)] {
            assert!(!mark.is_frozen(&other("store", json!([mounting(wrong)]))));
        }
        // Named and mounted by nothing: an ephemeral container can still be given it.
        let idle = other("store", json!([{"name": "a"}]));
        assert!(mark.is_on(&idle) && !mark.is_frozen(&idle));
        assert!(!mark.is_on(&other("another", json!([{"name": "a", "image": "registry:3"}]))));
    }

    #[test]
    fn without_a_claim_whatever_may_lead_to_the_store_tells() {
        let container = json!({"name": "registry", "image": "r.example.com:5000/registry:3", "command": ["registry", "serve", "/c"],
            "env": [{"name": "REGISTRY_STORAGE_S3_BUCKET", "value": "images"}],
            "volumeMounts": [{"name": "config", "mountPath": "/c"}, {"name": "tmp", "mountPath": "/tmp"}]});
        let volumes = json!([{"name": "config", "configMap": {"name": "registry"}}, {"name": "tmp", "emptyDir": {}}]);
        let deployment = deployment(&container, &volumes);
        let mark = StoreMark::of(&Template::of(&deployment, None, None).unwrap());
        let on = |value: Value| mark.is_on(&pod(&value));
        assert!(on(json!({"containers": [{"name": "a", "image": "r.example.com:5000/registry@sha256:12"}]})));
        assert!(on(
            json!({"containers": [{"name": "a", "env": [{"name": "REGISTRY_STORAGE_S3_BUCKET", "value": "images"}]}]})
        ));
        assert!(on(
            json!({"containers": [{"name": "a"}], "volumes": [{"name": "x", "configMap": {"name": "registry"}}]})
        ));
        assert!(!on(json!({"containers": [{"name": "a", "image": "registry:3"}],
            "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "y", "configMap": {"name": "other"}}]})));
        let frozen = json!({"containers": [{"name": "a", "image": "r.example.com:5000/registry:3", "env": entry(READ_ONLY_VALUE)}]});
        assert!(mark.is_frozen(&pod(&frozen)));
    }
}
