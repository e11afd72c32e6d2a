use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use registry_retention::oci::Digest;
use serde_json::json;

use super::{assert_nothing_left, assert_same, files, inventory};
use crate::registries::{Store, Version};
use crate::support::{Cluster, RegistryPod};

/// How many manifests there are, each with a tag, a config and a layer of its own.
const MANIFESTS: usize = 100_000;
const REPOSITORIES: usize = 100;

/// Writes what that many pushes leave, as far as an inventory looks at it, and some more.
fn fill(store: &Store) {
    let write = |path: PathBuf, bytes: &[u8]| {
        fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        File::create(path).and_then(|mut file| file.write_all(bytes)).expect("it is written");
    };
    thread::scope(|scope| {
        for part in 0..4 {
            scope.spawn(move || {
                for number in (part..MANIFESTS).step_by(4) {
                    let name = format!("team-{}/app-{}", number % 7, number % REPOSITORIES);
                    let blob = |kind: &str| {
                        let bytes = format!("{kind} {number}").into_bytes();
                        let digest = Digest::of(&bytes);
                        write(store.blob(&digest), &bytes);
                        digest
                    };
                    let (manifest, _, _) = (blob("manifest"), blob("config"), blob("layer"));
                    write(store.revision_link(&name, &manifest), manifest.as_str().as_bytes());
                    write(store.tag_link(&name, &format!("build-{number}")), manifest.as_str().as_bytes());
                }
            });
        }
    });
}

/// How many files a container's log has on the node: one, and those that the kubelet has put away.
fn log_files(cluster: &Cluster) -> usize {
    let list = "ls /var/log/pods/registry_registry-inventory-*/registry-retention 2>/dev/null | wc -l";
    cluster.on_node(&["bash", "-c", list]).trim().parse().expect("a number")
}

/// 28 MB of log, while a kubelet gives out no more than the last 10 MiB.
#[test]
fn a_log_that_is_rotated_while_it_is_followed_is_read_whole() {
    let cluster = Cluster::up();
    let registry = RegistryPod::start(&cluster, Version::V3_1);
    fill(&registry.store());
    // The kubelet looks at logs every ten seconds; the Job gets what the registry gets.
    let limits = json!({"limits": {"cpu": "300m"}});
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "registry", "resources": limits}]}}}});
    cluster.kubectl(&["patch", "deployment/registry", "-n", "registry", "-p", &patch.to_string()]);
    registry.wait_ready(&cluster);

    let is_over = AtomicBool::new(false);
    let (read, most) = thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut most = 0;
            while !is_over.load(Ordering::Relaxed) {
                most = most.max(log_files(&cluster));
                thread::sleep(Duration::from_millis(500));
            }
            most
        });
        let read = cluster.block_on(inventory(&cluster, "registry"));
        is_over.store(true, Ordering::Relaxed);
        (read, looking.join().expect("it has looked"))
    });
    let read = read.expect("an inventory");
    assert!(most > 1, "the log was not rotated, so this shows nothing");
    assert_same(&read, &cluster.block_on(files(&registry)));
    assert_eq!(read.blobs.len(), 3 * MANIFESTS);
    assert_nothing_left(&cluster, "registry");
    // It takes a while, and the cluster's end has other things to do.
    remove(registry.volume());
}

fn remove(volume: &Path) {
    let store = volume.join("docker");
    fs::remove_dir_all(&store).unwrap_or_else(|why| panic!("{}: {why}", store.display()));
}
