use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use kube::core::ApiResource;
use serde_json::Value;

use super::{RegistryCollection, RegistryRetention};

/// The definition of `RegistryRetention`, as an API server takes it.
pub fn crd() -> CustomResourceDefinition {
    RegistryRetention::crd()
}

/// The definitions of all resources.
pub fn crds() -> [CustomResourceDefinition; 2] {
    [RegistryCollection::crd(), crd()]
}

/// The type of `RegistryRetention`, for requests that take it however it looks.
pub fn api_resource() -> ApiResource {
    RegistryRetention::api_resource()
}

/// A definition as YAML, always the same text.
///
/// # Panics
///
/// Never: a definition has nothing that YAML cannot say.
pub fn crd_yaml(crd: &CustomResourceDefinition) -> String {
    serde_saphyr::to_string(crd).expect("a CustomResourceDefinition is plain data")
}

/// The schema in [`crd`], as JSON.
pub(super) fn schema() -> Value {
    let mut definition = serde_json::to_value(crd()).unwrap_or_default();
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].take()
}
