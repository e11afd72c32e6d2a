use k8s_openapi::api::apps::v1::{ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Pod, PodTemplate, ReplicationController};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::*;

/// The images of `value`, which is read as a `K` first, so that no field is misspelt.
#[track_caller]
fn images<K: DeserializeOwned + Serialize>(value: Value) -> Vec<String> {
    let typed: K = serde_json::from_value(value.clone()).expect("an object of the kind");
    let again = serde_json::to_value(&typed).expect("JSON");
    let workload: Workload = serde_json::from_value(value).expect("a workload");
    let of_typed: Workload = serde_json::from_value(again).expect("a workload");
    assert_eq!(of_typed.images(), workload.images(), "a field that {} has not", std::any::type_name::<K>());
    assert_eq!(workload.name(), "shop/web");
    workload.into_images().into_iter().collect()
}

#[expect(clippy::needless_pass_by_value, reason = "callers make it on the spot")]
fn object(fields: Value) -> Value {
    let mut object = json!({"metadata": {"name": "web", "namespace": "shop", "resourceVersion": "7"}});
    object.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    object
}

/// A pod's spec that names `a` to `d`, `a` twice, and nothing in places that may be empty.
fn pod_spec() -> Value {
    json!({
        "containers": [{"name": "1", "image": "a"}, {"name": "2", "image": "a"}, {"name": "3"}, {"name": "4", "image": ""}],
        "initContainers": [{"name": "5", "image": "b"}],
        "ephemeralContainers": [{"name": "6", "image": "c"}],
        "volumes": [{"name": "7", "image": {"reference": "d", "pullPolicy": "Always"}}, {"name": "8", "emptyDir": {}},
                    {"name": "9", "image": {}}]
    })
}

fn template() -> Value {
    json!({"metadata": {"labels": {"app": "web"}}, "spec": pod_spec()})
}

const TEMPLATE: [&str; 4] = ["a", "b", "c", "d"];

#[test]
fn a_pod_names_images_in_its_spec_and_its_status() {
    let status = |name: &str, image: &str, id: &str| json!([{"name": name, "image": image, "imageID": id, "ready": true, "restartCount": 0}]);
    let pod = object(json!({
        "spec": pod_spec(),
        "status": {
            "containerStatuses": status("1", "e", "r/a@sha256:1"),
            "initContainerStatuses": status("5", "b", "f"),
            "ephemeralContainerStatuses": status("6", "", "g")
        }
    }));
    assert_eq!(images::<Pod>(pod), ["a", "b", "c", "d", "e", "f", "g", "r/a@sha256:1"]);
    assert_eq!(images::<Pod>(object(json!({"spec": pod_spec()}))), TEMPLATE);
    assert!(images::<Pod>(object(json!({}))).is_empty());
    assert!(images::<Pod>(object(json!({"spec": {"containers": null}, "status": {}}))).is_empty());
}

#[test]
fn every_kind_of_template_is_read_at_zero_replicas_and_suspended_too() {
    let selector = json!({"matchLabels": {"app": "web"}});
    let spec = json!({"template": template(), "replicas": 0, "selector": selector, "serviceName": "web"});
    let of = |spec: &Value| object(json!({"spec": spec, "status": {"replicas": 0, "observedGeneration": 1}}));
    assert_eq!(images::<Deployment>(of(&spec)), TEMPLATE);
    assert_eq!(images::<ReplicaSet>(of(&spec)), TEMPLATE);
    assert_eq!(images::<StatefulSet>(of(&spec)), TEMPLATE);
    let daemon = json!({"spec": {"template": template(), "selector": selector}});
    assert_eq!(images::<DaemonSet>(object(daemon)), TEMPLATE);
    let controller = json!({"spec": {"template": template(), "replicas": 0, "selector": {"app": "web"}}});
    assert_eq!(images::<ReplicationController>(object(controller)), TEMPLATE);
    let job = json!({"template": template(), "suspend": true});
    assert_eq!(images::<Job>(object(json!({"spec": job}))), TEMPLATE);
    let cron = json!({"spec": {"schedule": "0 0 * * *", "suspend": true, "jobTemplate": {"spec": job}}});
    assert_eq!(images::<CronJob>(object(cron)), TEMPLATE);
    assert_eq!(images::<PodTemplate>(object(json!({"template": template()}))), TEMPLATE);
}

#[test]
fn of_a_revision_only_the_template_of_a_workload_counts() {
    let mut patch = template();
    patch["$patch"] = "replace".into();
    let revision = |data: Value| images::<ControllerRevision>(object(json!({"revision": 3, "data": data})));
    assert_eq!(revision(json!({"spec": {"template": patch}})), TEMPLATE);
    for other in [
        json!(null),
        json!("text"),
        json!({"spec": "a"}),
        json!({"spec": {"template": "a"}}),
        json!({"spec": {"template": {"spec": {"containers": "a"}}}}),
        json!({"image": "a", "template": template()}),
    ] {
        assert!(revision(other.clone()).is_empty(), "{other}");
    }
}

#[test]
fn what_does_not_fit_is_an_error_and_not_nothing() {
    for malformed in [
        json!({}),
        json!({"metadata": {"namespace": "shop"}}),
        object(json!({"spec": {"containers": "a"}})),
        object(json!({"spec": {"containers": [{"image": 7}]}})),
        object(json!({"spec": {"template": []}})),
        object(json!({"status": {"containerStatuses": {"a": 1}}})),
    ] {
        assert!(serde_json::from_value::<Workload>(malformed.clone()).is_err(), "{malformed}");
    }
}
