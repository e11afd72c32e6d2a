use std::os::unix::fs::chown;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{assert_nothing_left, assert_same, files, inventory, inventory_as};
use crate::registries::{Artifact, Pusher, Version};
use crate::support::{Cluster, Operator, RegistryPod};

#[test]
fn a_job_reads_what_the_files_say_on_2_8() {
    a_job_reads_what_the_files_say(Version::V2_8);
}

#[test]
fn a_job_reads_what_the_files_say_on_3_1() {
    a_job_reads_what_the_files_say(Version::V3_1);
}

/// Push times to the nanosecond, a moved tag, an index, a broken link, an upload that did not end, foreign files.
async fn push(registry: &RegistryPod, pusher: &Pusher) {
    let image = |seed: &str| Artifact::image(seed).layers(2, 1000).build();
    for tag in ["old", "future", "broken"] {
        pusher.push("apps/shop", tag, &image("one")).await;
    }
    pusher.push("apps/shop", "latest", &image("before")).await;
    pusher.push("apps/shop", "latest", &image("now")).await;
    pusher.push("apps", "all", &Artifact::index([image("one"), image("two")])).await;
    pusher.begin_upload("apps/shop").await.expect("an upload begins");
    let store = registry.store();
    store.set_push_time("apps/shop", "old", UNIX_EPOCH + Duration::new(1_600_000_000, 123_456_789));
    store.set_push_time("apps/shop", "future", SystemTime::now() + Duration::from_secs(3600 * 24 * 365));
    store.empty_tag_link("apps/shop", "broken");
    std::fs::write(store.root().join("repositories/README"), "x").expect("it is written");
}

/// The registry's pod: its uid, how often it was restarted, and what its Deployment was last changed to.
fn seen(cluster: &Cluster, namespace: &str) -> (Value, Value, Value) {
    let pods = cluster.get_json(&["pods", "-n", namespace, "-l", "app=registry"]);
    let deployment = cluster.get_json(&["deployment/registry", "-n", namespace]);
    let [pod] = pods["items"].as_array().expect("a list").as_slice() else { panic!("one pod, not {pods}") };
    let restarts = &pod["status"]["containerStatuses"][0]["restartCount"];
    (pod["metadata"]["uid"].clone(), restarts.clone(), deployment["metadata"]["generation"].clone())
}

fn a_job_reads_what_the_files_say(version: Version) {
    let cluster = Cluster::up();
    let registry = RegistryPod::start(&cluster, version);
    let pusher = registry.pusher();
    cluster.block_on(push(&registry, &pusher));
    let before = (seen(&cluster, "registry"), registry.store().files());

    let read = cluster.block_on(inventory(&cluster, "registry")).expect("an inventory");
    assert_same(&read, &cluster.block_on(files(registry.volume())));
    assert_eq!(read.repositories.len(), 2);
    assert_eq!(read.oddities.count, 1);
    assert!(registry.store().files() == before.1, "nothing was written");
    assert_nothing_left(&cluster, "registry");

    // The next one, while somebody pushes.
    let artifact = Artifact::image("meanwhile").layers(1, 1000).build();
    let (read, ()) = cluster.block_on(async {
        let meanwhile = async {
            for number in 0..100 {
                pusher.push("meanwhile", &format!("T{number}"), &artifact).await;
            }
        };
        tokio::join!(inventory(&cluster, "registry"), meanwhile)
    });
    let read = read.expect("an inventory");
    let files = cluster.block_on(files(registry.volume()));
    for (name, repository) in files.repositories.iter().filter(|(name, _)| name.to_string() != "meanwhile") {
        assert_eq!(read.repositories[name], *repository, "{name}");
    }
    assert_eq!(seen(&cluster, "registry"), before.0, "it was not restarted, nor changed");
    assert_nothing_left(&cluster, "registry");
}

/// Where Pod Security `restricted` is enforced, and the registry runs as a user without a name, with a configuration of
/// its own and a proxy before it.
#[test]
fn a_registry_that_may_do_next_to_nothing_is_read_as_well() {
    let cluster = Cluster::up();
    let registry = RegistryPod::start(&cluster, Version::V3_1);
    cluster.block_on(push(&registry, &registry.pusher()));
    own(registry.volume(), 1000);
    let store = json!({"filesystem": {"rootdirectory": "/srv/store"}, "delete": {"enabled": true}});
    let configuration = json!({"version": 0.1, "storage": store, "http": {"addr": ":5000"}}).to_string();
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "registry", "namespace": "registry"},
        "data": {"mine.yml": configuration}});
    cluster.apply(&map.to_string());
    let security = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": true});
    let mounts = json!([{"name": "data", "mountPath": "/srv/store"}, {"name": "config", "mountPath": "/config"}]);
    let containers = json!([
        {"name": "registry", "command": ["/bin/registry"], "args": ["serve", "/config/mine.yml"],
         "securityContext": security, "volumeMounts": mounts,
         "resources": {"limits": {"memory": "200Mi"}, "requests": {"cpu": "10m"}}},
        {"name": "proxy", "image": "localhost/busybox:1", "command": ["sleep", "3600"], "securityContext": security},
    ]);
    let identity = json!({"runAsNonRoot": true, "runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000,
        "seccompProfile": {"type": "RuntimeDefault"}});
    // The one that says where it is to be rendered from, and one that must not run twice.
    let inits = json!([
        {"name": "check", "image": "localhost/busybox:1", "command": ["test", "-s", "/config/mine.yml"],
         "securityContext": security, "volumeMounts": [{"name": "config", "mountPath": "/config"}]},
        {"name": "once", "image": "localhost/busybox:1", "command": ["sh", "-c", "echo ran >>/data/ran"],
         "securityContext": security, "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
    ]);
    let pod = json!({"securityContext": identity, "containers": containers, "initContainers": inits,
        "volumes": [{"name": "config", "configMap": {"name": "registry"}}]});
    let patch = json!({"spec": {"template": {"spec": pod}}}).to_string();
    // A patch adds mounts and variables; the old ones go.
    let replaced = r#"[{"op": "remove", "path": "/spec/template/spec/containers/0/volumeMounts"}]"#;
    cluster.kubectl(&["patch", "deployment/registry", "-n", "registry", "--type", "json", "-p", replaced]);
    cluster.kubectl(&["patch", "deployment/registry", "-n", "registry", "-p", &patch]);
    cluster.kubectl(&["label", "namespace", "registry", "pod-security.kubernetes.io/enforce=restricted"]);
    registry.wait_ready(&cluster);
    assert!(
        cluster
            .try_apply(
                &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "namespace": "registry"},
        "spec": {"containers": [{"name": "x", "image": "localhost/busybox:1"}]}})
                .to_string()
            )
            .is_err()
    );

    let read = cluster.block_on(inventory(&cluster, "registry")).expect("an inventory");
    assert_same(&read, &cluster.block_on(files(registry.volume())));
    let ran = std::fs::read_to_string(registry.volume().join("ran")).expect("it ran");
    assert_eq!(ran.lines().count(), ran.lines().filter(|line| *line == "ran").count());
    assert_eq!(ran.lines().count(), 1, "an init container that mounts the store is the registry's alone");
    assert_nothing_left(&cluster, "registry");
}

/// With the operator's own account, as the chart binds it.
#[test]
fn the_operators_role_suffices_and_ends_with_its_namespaces() {
    let cluster = Cluster::up();
    let registry = RegistryPod::start(&cluster, Version::V2_8);
    cluster.block_on(registry.pusher().push("app", "v1", &Artifact::image("one").build()));
    let _operator = Operator::install(&cluster, &["namespaces={registry}", "workloads.clusterWide=false"]);
    let kubeconfig = cluster.folder().join("operator.conf");
    std::fs::copy(cluster.kubeconfig(), &kubeconfig).expect("a copy");
    let token = cluster.kubectl(&["create", "token", "rr-registry-retention", "-n", Operator::NAMESPACE]);
    for arguments in [
        &["set-credentials", "operator", "--token", token.trim()][..],
        &["set-context", "operator", "--user", "operator", "--cluster", &cluster_name(&cluster)],
        &["use-context", "operator"],
    ] {
        let file = ["config", "--kubeconfig", kubeconfig.to_str().expect("UTF-8")];
        cluster.kubectl(&[&file[..], arguments].concat());
    }
    let read = cluster.block_on(inventory_as(kubeconfig.clone(), "registry")).expect("an inventory");
    assert_same(&read, &cluster.block_on(files(registry.volume())));
    assert_nothing_left(&cluster, "registry");
    let error = cluster.block_on(inventory_as(kubeconfig, "default")).expect_err("no right");
    assert_eq!(error.reason(), "Forbidden", "{error}");
    assert!(!error.is_transient());
}

/// What an administrator's kubeconfig calls the cluster.
fn cluster_name(cluster: &Cluster) -> String {
    cluster.kubectl(&["config", "view", "--output", "jsonpath={.clusters[0].name}"])
}

/// Gives a folder with all that is in it to somebody.
fn own(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).expect("root may do that");
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("a folder") {
            own(&entry.expect("an entry").path(), user);
        }
    }
}
