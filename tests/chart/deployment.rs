//! The operator's pod, and how it is reached.

use k8s_openapi::api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Container, PodSpec, Probe, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use registry_retention::collection::marks::KEEPER_ACCOUNT;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::helm::{account, of_kind, only, render, value_sets};

fn typed<T: DeserializeOwned>(object: &Value) -> T {
    T::deserialize(object).unwrap_or_else(|why| panic!("{why}: {object}"))
}

fn deployment(values: &Value) -> Deployment {
    typed(only(&render(values), "Deployment"))
}

fn pod(values: &Value) -> PodSpec {
    deployment(values).spec.template.spec.unwrap()
}

fn container(values: &Value) -> Container {
    let mut containers = pod(values).containers;
    assert_eq!(containers.len(), 1);
    containers.remove(0)
}

/// A field that the type does not know would be lost on the way there and back.
fn there_and_back<T: DeserializeOwned + Serialize>(object: &Value) {
    assert_eq!(serde_json::to_value(typed::<T>(object)).unwrap(), *object);
}

#[test]
fn every_object_has_known_fields_only_its_labels_and_its_place() {
    let cluster_scoped = [
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    ];
    for (name, values) in value_sets() {
        for object in render(&values) {
            let kind = object["kind"].as_str().unwrap();
            match kind {
                "ClusterRole" => there_and_back::<ClusterRole>(&object),
                "ClusterRoleBinding" => there_and_back::<ClusterRoleBinding>(&object),
                "Deployment" => there_and_back::<Deployment>(&object),
                "Role" => there_and_back::<Role>(&object),
                "RoleBinding" => there_and_back::<RoleBinding>(&object),
                "Service" => there_and_back::<Service>(&object),
                "ServiceAccount" => there_and_back::<ServiceAccount>(&object),
                "ValidatingAdmissionPolicy" => there_and_back::<ValidatingAdmissionPolicy>(&object),
                "ValidatingAdmissionPolicyBinding" => there_and_back::<ValidatingAdmissionPolicyBinding>(&object),
                // Compared with the committed one elsewhere.
                "CustomResourceDefinition" => continue,
                "ServiceMonitor" => {}
                other => panic!("{name}: {other}"),
            }
            let metadata = &object["metadata"];
            assert_eq!(metadata["namespace"].is_null(), cluster_scoped.contains(&kind), "{name}: {object}");
            let is_keepers = metadata["name"] == KEEPER_ACCOUNT && !metadata["namespace"].is_null();
            let is_ours = metadata["name"].as_str().unwrap().starts_with("rr-registry-retention");
            assert!(is_keepers || is_ours, "{name}: {object}");
            assert_eq!(metadata["labels"]["app.kubernetes.io/name"], "registry-retention", "{name}: {object}");
            assert_eq!(metadata["labels"]["app.kubernetes.io/instance"], "rr", "{name}: {object}");
        }
    }
}

#[test]
fn a_release_called_as_the_chart_is_not_called_so_twice() {
    let mut helm = super::helm::helm();
    helm.args(["template", "my-registry-retention", super::helm::CHART, "--kube-version", super::helm::KUBERNETES]);
    let rendered = super::helm::objects(&super::helm::printed(super::helm::run(&mut helm, "")));
    assert_eq!(only(&rendered, "Deployment")["metadata"]["name"], "my-registry-retention");
}

#[test]
fn exactly_one_operator_runs() {
    let spec = deployment(&json!({})).spec;
    assert_eq!(spec.replicas, Some(1));
    let strategy = spec.strategy.unwrap();
    assert_eq!((strategy.type_.as_deref(), strategy.rolling_update), (Some("Recreate"), None));
    assert_eq!(spec.template.spec.unwrap().termination_grace_period_seconds, Some(60));
}

#[test]
fn the_pod_satisfies_the_restricted_standard() {
    for (name, values) in value_sets() {
        let pod = pod(&values);
        assert_eq!((pod.host_network, pod.host_pid, pod.host_ipc), (None, None, None), "{name}");
        assert_eq!((pod.volumes, pod.init_containers, pod.ephemeral_containers), (None, None, None), "{name}");
        let security = pod.security_context.unwrap();
        assert_eq!(security.run_as_non_root, Some(true), "{name}");
        assert_eq!((security.run_as_user, security.run_as_group), (Some(65532), Some(65532)), "{name}");
        assert_eq!(security.seccomp_profile.unwrap().type_, "RuntimeDefault", "{name}");

        let container = container(&values);
        let security = container.security_context.unwrap();
        assert_eq!(security.allow_privilege_escalation, Some(false), "{name}");
        assert_eq!(security.read_only_root_filesystem, Some(true), "{name}");
        assert_eq!(security.privileged, None, "{name}");
        assert_eq!((security.run_as_non_root, security.run_as_user), (None, None), "{name}");
        let capabilities = security.capabilities.unwrap();
        assert_eq!((capabilities.drop, capabilities.add), (Some(vec!["ALL".to_owned()]), None), "{name}");
        assert!(container.ports.unwrap().iter().all(|port| port.host_port.is_none()), "{name}");
    }
}

#[test]
fn it_is_started_with_what_the_values_say() {
    let args = |values: &Value| container(values).args.unwrap().join(" ");
    let image = concat!("ghcr.io/registry-retention/registry-retention:", env!("CARGO_PKG_VERSION"));
    let common = format!("controller --listen=0.0.0.0:8080 --image={image}");
    assert_eq!(args(&json!({})), format!("{common} --namespaces=registry"));
    assert_eq!(args(&json!({"namespaces": ["team-b", "team-a"]})), format!("{common} --namespaces=team-a,team-b"));
    assert_eq!(args(&json!({"allNamespaces": true})), common);

    let container = container(&json!({"logLevel": "warn,kube=debug"}));
    assert_eq!(container.command, None, "the image's own");
    let environment = serde_json::to_value(container.env).unwrap();
    assert_eq!(
        environment,
        json!([
            {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": "RUST_LOG", "value": "warn,kube=debug"},
        ])
    );
}

#[test]
fn the_image_is_that_of_the_chart_unless_one_is_named() {
    let image = |values: &Value| container(values).image.unwrap();
    let default = concat!("ghcr.io/registry-retention/registry-retention:", env!("CARGO_PKG_VERSION"));
    assert_eq!(image(&json!({})), default);
    let named = json!({"image": {"repository": "example.com:5000/a/b", "tag": "1.2-rc.1"}});
    assert_eq!(image(&named), "example.com:5000/a/b:1.2-rc.1");
    // Jobs beside a registry run the same.
    assert!(container(&named).args.unwrap().contains(&"--image=example.com:5000/a/b:1.2-rc.1".to_owned()));
}

#[test]
fn probes_and_metrics_reach_the_port_that_it_listens_on() {
    let rendered = render(&json!({"metrics": {"serviceMonitor": {"enabled": true}}}));
    let container = container(&json!({}));
    let ports = container.ports.unwrap();
    assert_eq!((ports.len(), ports[0].name.as_deref(), ports[0].container_port), (1, Some("http"), 8080));
    let http = IntOrString::String("http".to_owned());
    let path = |probe: Option<Probe>| {
        let get = probe.unwrap().http_get.unwrap();
        assert_eq!(get.port, http);
        get.path.unwrap()
    };
    assert_eq!(path(container.liveness_probe), "/livez");
    assert_eq!(path(container.readiness_probe), "/readyz");

    let service: Service = typed(only(&rendered, "Service"));
    let spec = service.spec.unwrap();
    let port = &spec.ports.as_ref().unwrap()[0];
    assert_eq!((port.name.as_deref(), port.port, port.target_port.as_ref()), (Some("metrics"), 8080, Some(&http)));
    let deployment = deployment(&json!({})).spec;
    let labels = deployment.template.metadata.unwrap().labels;
    assert_eq!(spec.selector, labels);
    assert_eq!(deployment.selector.match_labels, labels);

    let monitor = &only(&rendered, "ServiceMonitor")["spec"];
    assert_eq!(monitor["endpoints"], json!([{"port": "metrics", "path": "/metrics"}]));
    for (label, value) in monitor["selector"]["matchLabels"].as_object().unwrap() {
        assert_eq!(service.metadata.labels.as_ref().unwrap()[label], value.as_str().unwrap());
    }
}

#[test]
fn no_label_of_a_users_changes_what_is_selected() {
    let values = json!({"podLabels": {"app.kubernetes.io/name": "mine", "team": "a"}});
    let spec = deployment(&values).spec;
    let labels = spec.template.metadata.unwrap().labels.unwrap();
    assert_eq!(labels["team"], "a");
    for (label, value) in spec.selector.match_labels.unwrap() {
        assert_eq!(labels[&label], value);
    }
}

#[test]
fn only_the_pod_asks_for_the_token() {
    let rendered = render(&json!({}));
    let account: ServiceAccount = typed(account(&rendered));
    assert_eq!(account.automount_service_account_token, Some(false));
    let pod = pod(&json!({}));
    assert_eq!(pod.automount_service_account_token, Some(true));
    assert_eq!(pod.service_account_name, account.metadata.name);
}

#[test]
fn what_a_user_asks_for_reaches_the_pod() {
    let values = value_sets().pop().unwrap().1;
    let rendered = render(&values);
    let template = &only(&rendered, "Deployment")["spec"]["template"];
    let container = &template["spec"]["containers"][0];
    for field in ["nodeSelector", "tolerations", "affinity"] {
        let mut wanted = values[field].clone();
        if field == "nodeSelector" {
            wanted["kubernetes.io/os"] = json!("linux");
        }
        assert_eq!(template["spec"][field], wanted, "{field}");
    }
    assert_eq!(template["metadata"]["annotations"], values["podAnnotations"]);
    assert_eq!(template["spec"]["imagePullSecrets"], values["image"]["pullSecrets"]);
    assert_eq!(container["imagePullPolicy"], "Always");
    assert_eq!(container["resources"]["limits"], values["resources"]["limits"]);
    assert_eq!(account(&rendered)["metadata"]["annotations"], values["serviceAccount"]["annotations"]);
    let monitor = only(&rendered, "ServiceMonitor");
    assert_eq!(monitor["metadata"]["labels"]["release"], "prometheus");
    assert_eq!(monitor["spec"]["endpoints"][0]["interval"], "1m30s");
}

#[test]
fn what_is_switched_off_is_not_there() {
    let rendered = render(&json!({
        "crds": {"install": false},
        "guard": {"create": false},
        "metrics": {"service": {"enabled": false}},
        "nodeSelector": null,
        "resources": null,
    }));
    let policies = ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"];
    for kind in ["CustomResourceDefinition", "Service", "ServiceMonitor"].into_iter().chain(policies) {
        assert_eq!(of_kind(&rendered, kind).len(), 0, "{kind}");
    }
    let pod = &only(&rendered, "Deployment")["spec"]["template"]["spec"];
    assert!(pod["nodeSelector"].is_null() && pod["containers"][0]["resources"].is_null(), "{pod}");
}
