//! The images that an object names, taken out of it while it is read: nothing else of the object is ever held.

use std::borrow::Cow;
use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{ApiResource, DynamicResourceScope};
use serde::Deserialize;
use serde_json::Value;

/// An object of one of the kinds that name images, as far as it matters: who it is, and what it names.
///
/// At zero replicas, suspended or ended it names the same.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Object")]
pub struct Workload {
    metadata: ObjectMeta,
    images: BTreeSet<String>,
}

impl Workload {
    /// `namespace/name`.
    pub fn name(&self) -> String {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        format!("{}/{}", text(&self.metadata.namespace), text(&self.metadata.name))
    }

    /// Every image that it names, each once, as it is written there; in specs and in what a kubelet reports.
    pub fn images(&self) -> &BTreeSet<String> {
        &self.images
    }

    pub(super) fn into_images(self) -> BTreeSet<String> {
        self.images
    }
}

/// What is read of an object, whatever its kind: none has a field of another's name with another meaning.
#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
    spec: Option<Spec>,
    status: Option<Status>,
    /// Of a `PodTemplate`.
    template: Option<Nested>,
    /// Of a `ControllerRevision`; whose, and so in which form, is up to its owner.
    data: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    namespace: Option<String>,
    resource_version: Option<String>,
}

/// Of a pod, or of something with templates of it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    containers: Option<Vec<Container>>,
    init_containers: Option<Vec<Container>>,
    ephemeral_containers: Option<Vec<Container>>,
    volumes: Option<Vec<Volume>>,
    /// Of whatever makes pods.
    template: Option<Nested>,
    /// Of a `CronJob`.
    job_template: Option<Nested>,
}

#[derive(Deserialize)]
struct Nested {
    spec: Option<Box<Spec>>,
}

#[derive(Deserialize)]
struct Container {
    image: Option<String>,
}

#[derive(Deserialize)]
struct Volume {
    image: Option<ImageVolume>,
}

#[derive(Deserialize)]
struct ImageVolume {
    reference: Option<String>,
}

/// What a kubelet reports of a pod.
#[derive(Deserialize)]
struct Status {
    #[serde(rename = "containerStatuses")]
    containers: Option<Vec<ContainerStatus>>,
    #[serde(rename = "initContainerStatuses")]
    init_containers: Option<Vec<ContainerStatus>>,
    #[serde(rename = "ephemeralContainerStatuses")]
    ephemeral_containers: Option<Vec<ContainerStatus>>,
}

#[derive(Deserialize)]
struct ContainerStatus {
    image: Option<String>,
    #[serde(rename = "imageID")]
    image_id: Option<String>,
}

impl From<Object> for Workload {
    fn from(object: Object) -> Self {
        let Object { metadata: Metadata { name, namespace, resource_version }, spec, status, template, data } = object;
        let mut images = Images::default();
        images.of_spec(spec);
        images.of_status(status);
        images.of_nested(template);
        images.of_nested(data.and_then(revised));
        Self {
            metadata: ObjectMeta { name: Some(name), namespace, resource_version, ..ObjectMeta::default() },
            images: images.0,
        }
    }
}

/// The template in what a `StatefulSet` or `DaemonSet` was; nothing, if it is something else's past.
fn revised(mut data: Value) -> Option<Nested> {
    serde_json::from_value(data.pointer_mut("/spec/template")?.take()).ok()
}

#[derive(Default)]
struct Images(BTreeSet<String>);

impl Images {
    fn add(&mut self, image: Option<String>) {
        self.0.extend(image.filter(|image| !image.is_empty()));
    }

    fn of_spec(&mut self, spec: Option<Spec>) {
        let Spec { containers, init_containers, ephemeral_containers, volumes, template, job_template } =
            spec.unwrap_or_default();
        for container in [containers, init_containers, ephemeral_containers].into_iter().flatten().flatten() {
            self.add(container.image);
        }
        for volume in volumes.into_iter().flatten() {
            self.add(volume.image.and_then(|image| image.reference));
        }
        self.of_nested(template);
        self.of_nested(job_template);
    }

    fn of_nested(&mut self, nested: Option<Nested>) {
        if let Some(spec) = nested.and_then(|nested| nested.spec) {
            self.of_spec(Some(*spec));
        }
    }

    fn of_status(&mut self, status: Option<Status>) {
        let Some(status) = status else { return };
        let Status { containers, init_containers, ephemeral_containers } = status;
        for status in [containers, init_containers, ephemeral_containers].into_iter().flatten().flatten() {
            self.add(status.image);
            self.add(status.image_id);
        }
    }
}

impl kube::Resource for Workload {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn api_version(resource: &ApiResource) -> Cow<'_, str> {
        resource.api_version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests;
