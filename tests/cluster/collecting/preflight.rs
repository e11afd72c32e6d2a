use std::time::Duration;

use registry_retention::cluster::preflight::{Ask, Failure, Passed, preflight};
use registry_retention::cluster::{Configuration, Place};
use registry_retention::collection::marks::{GUARD_PROBE, GUARD_WORDS, KEEPER_ACCOUNT, READ_ONLY, READ_ONLY_VALUE};
use registry_retention::collection::preflight::{Objection, Wish};
use registry_retention::collection::protocol::{Guard, GuardDemand, Strategy};
use registry_retention::collection::{Auth, Serving};
use registry_retention::registry::{Access, Credentials as Login, Tls};
use serde_json::{Value, json};

use crate::registries::{Artifact, Credentials, Version};
use crate::support::{Cluster, RegistryPod, eventually};

fn wish() -> Wish {
    Wish {
        container: None,
        configuration: None,
        strategy: Strategy::ReadOnly,
        guard: GuardDemand::BestEffort,
        store_is_exclusive: false,
        max_read_only: Duration::from_secs(1800),
        minimum_reclaim: None,
    }
}

/// Looks at the Deployment `registry` as an administrator.
fn look(cluster: &Cluster, namespace: &str, wish: Wish, access: &Access) -> Result<Passed, Failure> {
    let place = Place { kubeconfig: Some(cluster.kubeconfig()), context: None };
    let ask = Ask {
        namespace,
        deployment: "registry",
        executable: None,
        wish,
        image: Cluster::OPERATOR_IMAGE,
        run: "run-1",
        deadline: Duration::from_secs(600),
        host: None,
        access,
    };
    let looked = cluster.block_on(async {
        let configuration = Configuration::find(&place).await.expect("it can be used").expect("a kubeconfig");
        Box::pin(preflight(&configuration.client().expect("a client"), &ask)).await
    });
    let left = ["jobs,pods", "-n", namespace, "-l", "app.kubernetes.io/managed-by=registry-retention"];
    assert_eq!(cluster.get_json(&left)["items"], json!([]), "nothing is left");
    looked
}

fn reasons(looked: Result<Passed, Failure>) -> Vec<&'static str> {
    match looked {
        Ok(_) => Vec::new(),
        Err(Failure::Refused(objections)) => objections.iter().map(Objection::reason).collect(),
        Err(failure) => panic!("{failure}"),
    }
}

/// What stands against a registry that is open to everybody.
fn against(cluster: &Cluster, namespace: &str) -> Vec<&'static str> {
    reasons(look(cluster, namespace, wish(), &Access::default()))
}

fn with_keeper_account(cluster: &Cluster, namespace: &str) {
    let metadata = json!({"name": KEEPER_ACCOUNT, "namespace": namespace});
    cluster.apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}).to_string());
}

fn patch(cluster: &Cluster, patch: &Value) {
    let text = patch.to_string();
    cluster.kubectl(&["patch", "deployment/registry", "-n", "registry", "-p", &text]);
}

/// What a patch of the registry's container is.
fn of_container(mut container: Value) -> Value {
    container["name"] = json!("registry");
    json!({"spec": {"template": {"spec": {"containers": [container]}}}})
}

/// The registry's pods and the Deployment, as far as a change would show.
fn seen(cluster: &Cluster) -> (Value, Value) {
    let pods = cluster.get_json(&["pods", "-n", "registry", "-l", "app=registry"]);
    let pods = pods["items"].as_array().expect("a list").iter().map(|pod| pod["metadata"]["uid"].clone());
    let deployment = cluster.get_json(&["deployment/registry", "-n", "registry"]);
    (pods.collect(), json!([deployment["metadata"]["generation"], deployment["metadata"]["annotations"]]))
}

#[test]
fn a_sound_registry_passes_untouched_on_2_8() {
    a_sound_registry_passes_untouched(Version::V2_8);
}

#[test]
fn a_sound_registry_passes_untouched_on_3_1() {
    a_sound_registry_passes_untouched(Version::V3_1);
}

fn a_sound_registry_passes_untouched(version: Version) {
    let cluster = Cluster::up();
    let registry = RegistryPod::start(&cluster, version);
    assert_eq!(against(&cluster, "registry"), ["KeeperForbidden"]);
    with_keeper_account(&cluster, "registry");
    assert_eq!(against(&cluster, "registry"), ["StorageEmpty"]);
    cluster.block_on(async {
        registry.pusher().push("app", "v1", &Artifact::image("one").layers(2, 1000).build()).await;
        registry.pusher().upload("app", b"garbage").await.expect("a blob");
    });
    let before = (seen(&cluster), registry.store().files());
    let passed = look(&cluster, "registry", wish(), &Access::default()).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!((seen(&cluster), registry.store().files()), before, "nothing was changed");
    let serving = Serving { port: 5000, tls: false, prefix: String::new(), auth: Auth::None, read_only: false };
    assert_eq!(passed.serving, Some(serving));
    assert_eq!(passed.claims, ["registry".to_owned()].into());
    assert_eq!((passed.nodes.len(), passed.guard), (1, Guard::Absent));
    let preview = passed.preview.expect("a preview");
    assert_eq!(preview.predicted.map(|it| (it.blobs, it.bytes)), Some((1, 7)), "{}", preview.message);
    assert!(passed.window.is_some_and(|window| window >= Duration::from_secs(120)), "{:?}", passed.window);
    assert_eq!(cluster.block_on(registry.pusher().is_whole("app", "v1")), Ok(()));
}

#[test]
fn what_stands_against_a_registry_is_said_without_touching_it() {
    let cluster = Cluster::up();
    let registry = RegistryPod::start(&cluster, Version::V3_1);
    cluster.block_on(registry.pusher().push("app", "v1", &Artifact::image("one").build()));
    with_keeper_account(&cluster, "registry");
    let against_registry = || against(&cluster, "registry");
    assert_eq!(against_registry(), [""; 0]);
    assert_eq!(against(&cluster, "default"), ["DeploymentNotFound"]);
    let too_long = Wish { max_read_only: Duration::from_secs(100), ..wish() };
    assert_eq!(reasons(look(&cluster, "registry", too_long, &Access::default())), ["WindowTooLong"]);

    // Whoever else has the store, in whatever state.
    let volumes = json!([{"name": "v", "persistentVolumeClaim": {"claimName": "registry"}}]);
    let spec = json!({"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "volumes": volumes,
        "containers": [{"name": "a", "image": "localhost/busybox:1", "command": ["sleep", "3600"]}]});
    let metadata = json!({"name": "other", "namespace": "registry"});
    cluster.apply(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}).to_string());
    assert_eq!(against_registry(), ["StoreShared"]);
    cluster.kubectl(&["delete", "pod/other", "-n", "registry"]);
    let template = json!({"spec": {"template": {"spec": spec}}});
    let job = json!({"schedule": "0 0 1 1 *", "suspend": true, "jobTemplate": template});
    cluster.apply(&json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": job}).to_string());
    assert_eq!(against_registry(), ["StoreShared"]);
    cluster.kubectl(&["delete", "cronjob/other", "-n", "registry"]);

    // A pod that left its Deployment goes on writing. Its successor takes its place.
    let pods = cluster.get_json(&["pods", "-n", "registry", "-l", "app=registry"]);
    let name = pods["items"][0]["metadata"]["name"].as_str().expect("a name").to_owned();
    cluster.kubectl(&["label", "pod", &name, "-n", "registry", "app=lost", "--overwrite"]);
    // While the successor comes up it is unhealthy as well.
    let comes_to = |expected: &[&str]| {
        eventually(&format!("{expected:?}"), || (against_registry() == expected).then_some(()));
    };
    comes_to(&["StoreShared"]);
    cluster.kubectl(&["delete", "pod", &name, "-n", "registry"]);
    comes_to(&[]);

    cluster.kubectl(&["rollout", "pause", "deployment/registry", "-n", "registry"]);
    assert!(against_registry().contains(&"Paused"));
    patch(&cluster, &of_container(json!({"env": [{"name": READ_ONLY, "value": "{\"enabled\":false}"}]})));
    assert!(against_registry().contains(&"EntryExists"));
    patch(&cluster, &of_container(json!({"env": [{"name": READ_ONLY, "$patch": "delete"}]})));
    cluster.kubectl(&["rollout", "resume", "deployment/registry", "-n", "registry"]);
    registry.wait_ready(&cluster);

    // Read-only from elsewhere, which only the pod knows.
    let data = json!({READ_ONLY: READ_ONLY_VALUE});
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data});
    cluster.apply(&map.to_string());
    patch(&cluster, &of_container(json!({"envFrom": [{"configMapRef": {"name": "other"}}]})));
    registry.wait_ready(&cluster);
    comes_to(&["FrozenBySomeoneElse"]);

    // Where nobody can ask it.
    let address = json!([{"name": "REGISTRY_HTTP_ADDR", "value": "127.0.0.1:5000"}]);
    patch(&cluster, &of_container(json!({"envFrom": null, "env": address, "readinessProbe": null})));
    cluster.wait_rolled_out("registry", "deployment/registry");
    comes_to(&["ListenerUnreachable"]);
    let empty = json!({"spec": {"template": {"spec": {"volumes": [
        {"name": "data", "persistentVolumeClaim": null, "emptyDir": {}}]}}}});
    patch(&cluster, &empty);
    assert_eq!(against_registry(), ["StoreNotShared"]);
}

#[test]
fn a_registry_that_wants_a_login_is_asked_with_it() {
    let cluster = Cluster::up();
    let robot = Credentials::new("robot", "s3cret");
    let registry = RegistryPod::builder(Version::V2_8).login(&robot).start(&cluster);
    cluster.block_on(registry.pusher().push("app", "v1", &Artifact::image("one").build()));
    with_keeper_account(&cluster, "registry");
    let with = |password: &str| {
        let credentials = Login::Basic { username: "robot".into(), password: password.into() };
        look(&cluster, "registry", wish(), &Access { credentials, tls: Tls::default() })
    };
    let failure = look(&cluster, "registry", wish(), &Access::default()).expect_err("no login");
    assert_eq!(failure.reason(), "ProbeUnauthorized");
    assert!(failure.to_string().contains("secretRef"), "{failure}");
    assert_eq!(reasons(with("s3cre7")), ["ProbeUnauthorized"]);
    let passed = with("s3cret").unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(passed.serving.map(|it| it.auth), Some(Auth::Htpasswd));
    the_guard_is_known_by_its_words(&cluster, &|| with("s3cret"));
}

/// The chart's policy, as far as its answer to a probe goes.
fn the_guard_is_known_by_its_words(cluster: &Cluster, look: &dyn Fn() -> Result<Passed, Failure>) {
    let policy = |message: &str| {
        let rule = json!({"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments"]});
        let has = format!("has(object.metadata.annotations) && '{GUARD_PROBE}' in object.metadata.annotations");
        let spec = json!({"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": format!("!({has})"), "message": message}]});
        let api = "admissionregistration.k8s.io/v1";
        let bound = json!({"policyName": "guard", "validationActions": ["Deny"]});
        let items = json!([
            {"apiVersion": api, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "guard"}, "spec": spec},
            {"apiVersion": api, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": "guard"}, "spec": bound},
        ]);
        cluster.apply(&json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string());
        eventually("the policy is in force", || {
            let probe = format!("{GUARD_PROBE}=x");
            let annotate = ["annotate", "deployment/registry", "-n", "registry", &probe, "--dry-run=server"];
            cluster.try_kubectl(&annotate).is_err_and(|error| error.contains(message)).then_some(())
        });
    };
    policy(&format!("{GUARD_WORDS}: this is a probe"));
    let passed = look().unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(passed.guard, Guard::InForce);
    // Another refusal is none of the guard's.
    policy("somebody else says no");
    let failure = look().expect_err("the guard cannot be asked");
    assert!(matches!(failure.reason(), "Forbidden" | "ApiServer"), "{failure}");
}
