use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use registry_retention::oci::Digest;
use serde_json::json;

use super::{assert_nothing_left, assert_same, files, inventory};
use crate::registries::{Store, Version};
use crate::support::{Cluster, RegistryPod, eventually};

/// How many manifests there are. One in five has a tag: an index, of which the others are platforms.
const MANIFESTS: usize = 100_000;
const PLATFORMS: usize = 5;
const REPOSITORIES: usize = 100;

/// Puts the volume of the registry-to-be into the node's memory, since a disk takes many minutes for that many folders;
/// returns where it can be seen from outside of the node.
fn in_memory(cluster: &Cluster) -> PathBuf {
    let volume = cluster.volumes().join("registry-registry");
    fs::create_dir_all(&volume).expect("a folder for the volume");
    let path = volume.to_str().expect("UTF-8");
    cluster.on_node(&["mount", "-t", "tmpfs", "-o", "mode=755", "volume", path]);
    let first_process = fs::read_to_string(cluster.folder().join("ns.pid")).expect("the cluster has a first process");
    format!("/proc/{}/root{path}", first_process.trim()).into()
}

/// Has the kubelet look at the length of logs more often than every ten seconds; it puts away what is longer than 10 MiB,
/// as everywhere.
fn look_at_logs_often(cluster: &Cluster) {
    let path = cluster.folder().join("kubelet/config.yaml");
    let configuration = fs::read_to_string(&path).expect("the kubelet has a configuration");
    fs::write(&path, format!("{configuration}containerLogMonitorInterval: 3s\n")).expect("it is written");
    cluster.kill_daemon("kubelet");
    cluster.start_daemon("kubelet");
}

/// Writes what that many pushes leave, as far as an inventory looks at it. No blob's content is looked at, so that all of
/// them are one file.
fn fill(store: &Store) {
    let folder = |path: &Path| fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
    let write = |path: PathBuf, text: &str| {
        folder(&path);
        fs::write(path, text).expect("it is written");
    };
    let content = store.root().join("blobs/content");
    write(content.clone(), "content");
    let blob = |kind: &str, number: usize| {
        let digest = Digest::of(format!("{kind} {number}").as_bytes());
        let path = store.blob(&digest);
        folder(&path);
        fs::hard_link(&content, path).expect("it is linked");
        digest
    };
    let push = |number: usize| {
        let image = number / PLATFORMS;
        let name = format!("team-{}/app-{}", image % 7, image % REPOSITORIES);
        let manifest = blob("manifest", number);
        write(store.revision_link(&name, &manifest), manifest.as_str());
        if number.is_multiple_of(PLATFORMS) {
            write(store.tag_link(&name, &format!("build-{image}")), manifest.as_str());
            blob("config", image);
            blob("layer", image);
        }
    };
    thread::scope(|scope| {
        for part in 0..2 {
            scope.spawn(move || (part..MANIFESTS).step_by(2).for_each(push));
        }
    });
    fs::remove_file(content).expect("it is removed");
}

/// The folder of the log of the Job's container.
const LOG: &str = "/var/log/pods/registry_registry-inventory-*/registry-retention";
/// What the kubelet puts away, in bytes.
const ROTATED: u64 = 10 << 20;

/// What a command of the node prints, as a number; nothing is zero.
fn count(cluster: &Cluster, command: &str) -> u64 {
    cluster.on_node(&["bash", "-c", command]).trim().parse().unwrap_or(0)
}

/// Signals the program of the Job.
fn signal(cluster: &Cluster, signal: &str) {
    let program = "^/retention/registry-retention inventory";
    let each = format!(
        "for process in /proc/[0-9]*; do tr '\\0' ' ' <$process/cmdline 2>/dev/null | grep -q '{program}' \
         && kill -{signal} ${{process#/proc/}} && echo 1; done; true"
    );
    assert_eq!(count(cluster, &each), 1, "the Job has one such process");
}

/// Holds the program as soon as its log is long enough to be put away, and lets it go on once that was done.
fn hold_until_rotated(cluster: &Cluster) {
    let longest = format!("stat --format %s {LOG}/* 2>/dev/null | sort --numeric-sort | tail --lines 1");
    eventually("the log is long enough", || (count(cluster, &longest) > ROTATED).then_some(()));
    signal(cluster, "STOP");
    let files = format!("ls {LOG} 2>/dev/null | wc -l");
    eventually("the kubelet puts the log away", || (count(cluster, &files) > 1).then_some(()));
    signal(cluster, "CONT");
}

/// A log of 16 MB, while a kubelet gives out no more than the last 10 MiB.
#[test]
fn a_log_that_is_rotated_while_it_is_followed_is_read_whole() {
    let cluster = Cluster::up();
    let volume = in_memory(&cluster);
    let registry = RegistryPod::start(&cluster, Version::V3_1);
    fill(&Store::new(volume.join("docker/registry/v2")));
    look_at_logs_often(&cluster);
    // The Job gets what the registry gets: it is to be held before it has written all.
    let limits = json!({"limits": {"cpu": "200m"}});
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "registry", "resources": limits}]}}}});
    cluster.kubectl(&["patch", "deployment/registry", "-n", "registry", "-p", &patch.to_string()]);
    registry.wait_ready(&cluster);

    let read = thread::scope(|scope| {
        let holding = scope.spawn(|| hold_until_rotated(&cluster));
        let read = cluster.block_on(inventory(&cluster, "registry"));
        holding.join().expect("the log was put away while it was written");
        read
    });
    let read = read.expect("an inventory");
    assert_same(&read, &cluster.block_on(files(&volume)));
    assert_eq!(read.blobs.len(), MANIFESTS + 2 * MANIFESTS / PLATFORMS);
    assert_nothing_left(&cluster, "registry");
}
