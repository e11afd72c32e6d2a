use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Container, PodSpec};

use super::entry_point::EntryPoint;
use super::volumes::{self, Volumes};
use super::{Claims, Place, Refusal};

/// What of a Deployment describes the registry.
#[derive(Clone, Debug)]
pub struct Template<'a> {
    pub(super) deployment: &'a Deployment,
    pub(super) pod: &'a PodSpec,
    /// The registry's.
    pub(super) container: &'a Container,
    pub(super) entry_point: EntryPoint,
}

impl<'a> Template<'a> {
    /// Reads a Deployment. The registry's container is the one that is named, else the only one, else the one named
    /// `registry`. `configuration` is its configuration file, where somebody says so.
    pub fn of(
        deployment: &'a Deployment,
        container: Option<&str>,
        configuration: Option<&str>,
    ) -> Result<Self, Refusal> {
        let pod = deployment.spec.template.spec.as_ref();
        // The API server lets none be made without.
        let none = || Refusal::ContainerUnclear { deployment: name_of(deployment), containers: Vec::new() };
        let pod = pod.ok_or_else(none)?;
        let container = registrys(pod, container, &name_of(deployment))?;
        let entry_point = EntryPoint::of(container, configuration).ok_or_else(|| Refusal::EntryPointUnknown {
            deployment: name_of(deployment),
            container: container.name.clone(),
        })?;
        let template = Self { deployment, pod, container, entry_point };
        template.must_be_shared()?;
        Ok(template)
    }

    /// The Deployment's name.
    pub fn name(&self) -> String {
        name_of(self.deployment)
    }

    /// How the registry is started.
    pub fn entry_point(&self) -> &EntryPoint {
        &self.entry_point
    }

    /// The claims of the registry's container; how they may be mounted decides where a pod beside it can run.
    pub fn claims(&self) -> impl Iterator<Item = &'a str> {
        self.volumes().claims()
    }

    /// On which nodes a pod reaches the volumes of the registry, whose pods run on `nodes`.
    pub fn place(&self, claims: &Claims, nodes: impl IntoIterator<Item = String>) -> Result<Place, Refusal> {
        Place::of(self, claims, nodes.into_iter().collect())
    }

    pub(super) fn volumes(&self) -> Volumes<'a> {
        Volumes { pod: self.pod, container: self.container }
    }

    /// Refuses a storage that is known to be the pod's own. Where the template does not tell where it is, the program in
    /// the pod finds that out.
    fn must_be_shared(&self) -> Result<(), Refusal> {
        let Some(root) = self.entry_point.root() else { return Ok(()) };
        let Some(volume) = self.volumes().at(root) else { return Ok(()) };
        if volumes::is_shared(volume) {
            return Ok(());
        }
        let (deployment, volume, kind) = (self.name(), volume.name.clone(), volumes::kind(volume));
        Err(Refusal::StoreNotShared { deployment, volume, kind })
    }
}

/// The registry's container where nobody names it, as in [`Template::of`], which refuses more.
pub fn unnamed_container(deployment: &Deployment) -> Option<&str> {
    let pod = deployment.spec.template.spec.as_ref()?;
    registrys(pod, None, &name_of(deployment)).ok().map(|container| container.name.as_str())
}

fn registrys<'a>(pod: &'a PodSpec, named: Option<&str>, deployment: &str) -> Result<&'a Container, Refusal> {
    let all = || pod.containers.iter().map(|container| container.name.clone()).collect();
    let find = |name: &str| pod.containers.iter().find(|container| container.name == name);
    let deployment = || deployment.to_owned();
    if let Some(name) = named {
        let absent =
            || Refusal::ContainerNotFound { deployment: deployment(), container: name.to_owned(), others: all() };
        return find(name).ok_or_else(absent);
    }
    match pod.containers.as_slice() {
        [only] => Ok(only),
        _ => find("registry").ok_or_else(|| Refusal::ContainerUnclear { deployment: deployment(), containers: all() }),
    }
}

fn name_of(deployment: &Deployment) -> String {
    deployment.metadata.name.clone().unwrap_or_default()
}
