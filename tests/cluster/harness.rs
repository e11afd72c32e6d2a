//! Proves the harness itself: what other tests build on must be true of the real cluster.

use std::collections::BTreeSet;
use std::fs;
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
    let new = RegistryPod::builder(Version::V3_1).namespace("new").node_port(30501).start(&cluster);
    for registry in [&old, &new] {
        let pusher = registry.pusher();
        let image = runnable(registry.namespace());
        let digest = cluster.block_on(pusher.push("apps/shop", "v1", &image));
        cluster.block_on(pusher.push("apps/other", "v1", &Artifact::image("other").build()));

        // The volume's files are this machine's.
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
    let before = Traces::now();
    for _ in 0..2 {
        let cluster = Cluster::up();
        let folder = cluster.folder().to_owned();
        // It answers on this thread's network and not on the machine's.
        assert!(cluster.kubectl(&["get", "--raw", "/readyz"]).contains("ok"));
        assert_ne!(Traces::now().cgroups, before.cgroups);
        assert_eq!(Traces::now().settings, before.settings);
        drop(cluster);
        assert_eq!(Traces::now(), before);
        assert!(!folder.exists());
    }
}

/// What a cluster could leave on the machine: only what is its own by name, for others work on the machine meanwhile.
#[derive(Debug, PartialEq, Eq)]
struct Traces {
    processes: BTreeSet<String>,
    mounts: BTreeSet<String>,
    interfaces: BTreeSet<String>,
    cgroups: BTreeSet<String>,
    settings: Vec<String>,
}

impl Traces {
    fn now() -> Self {
        let settings = ["vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops"];
        let own = format!("/clusters/{}-", std::process::id());
        let lines = |text: String| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
        let printed = |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).output().expect("it runs");
            lines(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let mut processes = printed("ps", &["-A", "-o", "args"]);
        processes.retain(|line| line.contains(&own));
        let mounts = lines(fs::read_to_string("/proc/self/mounts").expect("the mounts can be read"));
        let interfaces = fs::read_to_string("/proc/thread-self/net/dev").expect("the interfaces can be read");
        let names = interfaces.lines().filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned()));
        Self {
            processes,
            mounts: mounts.into_iter().filter(|line| line.contains(&own)).collect(),
            interfaces: names.collect(),
            cgroups: printed("find", &["/sys/fs/cgroup", "-name", "registry-retention-*", "-o", "-name", "kubepods"]),
            settings: settings
                .iter()
                .map(|name| fs::read_to_string(format!("/proc/sys/{name}")).unwrap_or_default())
                .collect(),
        }
    }
}
