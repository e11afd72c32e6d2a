//! Proves the harness itself: what other tests build on must be true of the real cluster.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::registries::{Artifact, Version};
use crate::support::{Cluster, RegistryPod, eventually, runnable};

/// Pods named after what they run, each of an image that the node pulls.
fn run_pods(cluster: &Cluster, images: &[(&str, String)]) {
    for (name, image) in images {
        let container = json!({"name": "main", "image": image, "imagePullPolicy": "Always",
            "command": ["/bin/busybox", "sleep", "3600"]});
        let spec = json!({"terminationGracePeriodSeconds": 0, "containers": [container]});
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec});
        cluster.apply(&pod.to_string());
    }
    for (name, _) in images {
        cluster.wait("condition=Ready", &[&format!("pod/{name}")]);
    }
}

#[test]
fn both_registries_take_images_that_the_node_pulls_and_runs() {
    let cluster = Cluster::up();
    let old = RegistryPod::start(&cluster, Version::V2_8);
    let new = RegistryPod::builder(Version::V3_1).namespace("new").node_port(30501).env("REGISTRY_LOG_LEVEL", "warn");
    let new = new.start(&cluster);
    for registry in [&old, &new] {
        let pusher = registry.pusher();
        let image = runnable(registry.namespace());
        let digest = cluster.block_on(pusher.push("apps/shop", "v1", &image));
        cluster.block_on(pusher.push("apps/other", "v1", &Artifact::image("other").build()));

        // The volume's files are this machine's.
        assert!(registry.store().root().starts_with(registry.volume()));
        assert!(registry.store().blobs().contains(&digest));
        assert!(fs::exists(registry.store().tag_link("apps/shop", "v1")).expect("the store can be read"));
    }
    run_pods(
        &cluster,
        &[
            ("by-node-port", format!("{}/apps/shop:v1", old.node_host())),
            ("by-service", format!("{}/apps/shop:v1", old.service_host())),
            ("by-other-service", format!("{}/apps/shop@{}", new.service_host(), runnable("new").digest())),
        ],
    );
    let pod = cluster.get_json(&["pod/by-service"]);
    let running = pod["status"]["containerStatuses"][0]["imageID"].as_str().expect("a running container");
    assert!(running.ends_with(runnable("registry").digest().as_str()), "{running}");

    // Pods find Services by name, and the terminal's program is on the node.
    let answer = cluster.kubectl(&["exec", "by-service", "--", "/bin/busybox", "wget", "-qO-", &old.service_url()]);
    assert_eq!(answer, "");
    let operator = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "operator"}, "spec": {
        "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": true},
        "containers": [{"name": "main", "image": Cluster::OPERATOR_IMAGE, "args": ["--version"],
            "securityContext": {"readOnlyRootFilesystem": true}}]}});
    cluster.apply(&operator.to_string());
    cluster.wait("jsonpath={.status.phase}=Succeeded", &["pod/operator"]);
    assert!(cluster.kubectl(&["logs", "operator"]).contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_killed_kubelet_is_started_again() {
    let cluster = Cluster::up();
    cluster.kill_daemon("kubelet");
    cluster.apply(
        &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "waits"}, "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": "localhost/busybox:1", "command": ["sleep", "3600"]}]}})
        .to_string(),
    );
    eventually("the scheduler takes the pod", || {
        cluster.get_json(&["pod/waits"])["spec"]["nodeName"].as_str().map(str::to_owned)
    });
    assert_eq!(cluster.get_json(&["pod/waits"])["status"]["phase"], "Pending");
    cluster.start_daemon("kubelet");
    cluster.wait("condition=Ready", &["pod/waits"]);
    assert!(cluster.helm(&["list", "--all-namespaces", "--output", "json"]).starts_with("[]"));
    assert!(cluster.try_kubectl(&["get", "pod/absent"]).is_err_and(|error| error.contains("NotFound")));
}

#[test]
fn nothing_is_left_behind() {
    let (interfaces, settings) = (interfaces(), settings());
    for _ in 0..2 {
        let cluster = Cluster::up();
        let folder = cluster.folder().to_owned();
        let group = group(&folder);
        // It answers on this thread's network, which is not the machine's.
        assert!(cluster.kubectl(&["get", "--raw", "/readyz"]).contains("ok"));
        assert_ne!(self::interfaces(), interfaces);
        assert!(!processes(&folder).is_empty());
        assert!(!cgroups(&group).is_empty());
        assert_eq!(self::settings(), settings, "the kubelet's are not the machine's");

        drop(cluster);
        assert_eq!(self::interfaces(), interfaces);
        assert_eq!(processes(&folder), [""; 0]);
        assert_eq!(cgroups(&group), [""; 0]);
        let mounts = fs::read_to_string("/proc/self/mounts").expect("the mounts can be read");
        assert!(!mounts.contains(folder.to_str().expect("UTF-8")), "{mounts}");
        assert!(!folder.exists());
    }
}

/// The interfaces of the calling thread's network.
fn interfaces() -> Vec<String> {
    let table = fs::read_to_string("/proc/thread-self/net/dev").expect("the interfaces can be read");
    table.lines().filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned())).collect()
}

/// What a kubelet sets if it is let.
fn settings() -> [String; 3] {
    ["vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops"]
        .map(|name| fs::read_to_string(format!("/proc/sys/{name}")).expect("the setting can be read"))
}

/// The processes that have been started with something of the cluster's folder.
fn processes(folder: &Path) -> Vec<String> {
    lines(Command::new("ps").args(["-A", "-o", "args"]), |line| line.contains(folder.to_str().expect("UTF-8")))
}

/// The name of the cluster's control groups.
fn group(folder: &Path) -> String {
    let first = fs::read_to_string(folder.join("ns.pid")).expect("the cluster has a first process");
    let groups = fs::read_to_string(format!("/proc/{}/cgroup", first.trim())).expect("it is in control groups");
    let name = groups.split(['/', '\n']).find(|part| part.starts_with("registry-retention-"));
    name.expect("one of its own").to_owned()
}

/// The folders of the control groups of that name.
fn cgroups(name: &str) -> Vec<String> {
    lines(Command::new("find").args(["/sys/fs/cgroup", "-name", name]), |_| true)
}

fn lines(command: &mut Command, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter(|line| wanted(line)).map(str::to_owned).collect()
}
