//! How a registry is reached that wants a certificate and a login, both from Secrets beside the resource.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::registries::{Artifact, Authority, Credentials, Version};
use crate::support::{Cluster, Operator, RegistryPod, Retention};

#[test]
fn a_registry_is_reached_with_the_certificates_and_the_login_of_the_resource_alone() {
    let cluster = Cluster::up();
    let (authority, login) = (Arc::new(Authority::new()), Credentials::new("retention", "for the test"));
    let at = |version, namespace, port| {
        let builder = RegistryPod::builder(version).namespace(namespace).node_port(port);
        builder.mutual_tls(&authority).login(&login).start(&cluster)
    };
    let registries = [at(Version::V2_8, "old", 30500), at(Version::V3_1, "new", 30501)];
    for registry in &registries {
        for tag in ["pr-1", "stable"] {
            cluster.block_on(registry.pusher().push("app", tag, &Artifact::image(tag).layers(1, 1000).build()));
        }
    }
    Operator::install(&cluster, &["namespaces={old,new}"]);
    let own = authority.client();
    let certificates =
        |ca: &Authority| json!({"ca.crt": ca.certificate(), "tls.crt": own.certificate, "tls.key": own.key});
    let dockerconfig = |registry: &RegistryPod, password: &str| {
        let auth = STANDARD.encode(format!("{}:{password}", login.user));
        json!({".dockerconfigjson": json!({"auths": {registry.service_host(): {"auth": auth}}}).to_string()})
    };
    let told = |registry: &RegistryPod, request: &str| {
        let team = Retention::new(&cluster, registry.namespace(), "team");
        let status = team.run(request);
        let deleted = status.last_run.as_ref().expect("a run").deleted;
        (team.conditions()[0].clone(), deleted, cluster.block_on(registry.pusher().tags("app")).expect("tags").len())
    };
    for registry in &registries {
        let namespace = registry.namespace();
        Retention::apply(&cluster, namespace, "team", &spec(registry));
        let refused = |reason: &str| (format!("Ready=False {reason}"), 0, 2);
        assert_eq!(told(registry, "without"), refused("SecretNotFound"));

        // Signed by somebody else; then by the right one, but nothing of our own to show.
        secret(&cluster, namespace, "login", "kubernetes.io/dockerconfigjson", &dockerconfig(registry, "wrong"));
        secret(&cluster, namespace, "certificates", "Opaque", &certificates(&Authority::new()));
        assert_eq!(told(registry, "foreign"), refused("CertificateRefused"));
        secret(&cluster, namespace, "certificates", "Opaque", &json!({"ca.crt": authority.certificate()}));
        let (condition, deleted, left) = told(registry, "nameless");
        // A server that ends the connection with its refusal may take the words away before they are read.
        let conditions = ["TlsMisconfigured", "Interrupted"].map(|reason| refused(reason).0);
        assert!(conditions.contains(&condition) && (deleted, left) == (0, 2), "{condition}");
        secret(&cluster, namespace, "certificates", "Opaque", &certificates(&authority));
        assert_eq!(told(registry, "wrong password"), refused("Unauthorized"));
        secret(
            &cluster,
            namespace,
            "login",
            "kubernetes.io/dockerconfigjson",
            &dockerconfig(registry, &login.password),
        );
        assert_eq!(told(registry, "right"), ("Ready=True Pruned".to_owned(), 1, 1));
    }
}

/// Deletes `app:pr-*`.
fn spec(registry: &RegistryPod) -> Value {
    json!({
        "mode": "Enforce",
        "registry": {"url": registry.service_url(), "completeTagLists": true, "secretRef": {"name": "login"},
                     "certSecretRef": {"name": "certificates"}},
        "rules": [{"name": "pull-requests", "repositories": {"include": ["app"]}, "tags": {"include": ["pr-*"]},
                   "action": "Delete"}],
        "protect": {"minimumAge": "0h"},
    })
}

fn secret(cluster: &Cluster, namespace: &str, name: &str, kind: &str, data: &Value) {
    let metadata = json!({"name": name, "namespace": namespace});
    // Applied as `stringData`, a key that is gone would stay.
    let encoded = |(key, text): (&String, &Value)| (key.clone(), json!(STANDARD.encode(text.as_str().expect("text"))));
    let data: Map<String, Value> = data.as_object().into_iter().flatten().map(encoded).collect();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": metadata, "data": data});
    cluster.apply(&secret.to_string());
}
