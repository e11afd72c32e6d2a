use registry_retention::oci::Digest;

use crate::support::{Cluster, eventually};

/// Starts what uses images, and returns when it does: two pods run that the kubelet has pulled from the registry, and
/// two revisions that are no longer current are left to return to.
pub fn start(cluster: &Cluster, by_digest: &Digest) {
    cluster.apply(&include_str!("workloads.yaml").replace("DIGEST", by_digest.as_str()));
    update(cluster, "deployment/updated", "replicasets");
    update(cluster, "statefulset/stateful", "controllerrevisions");
    cluster.wait("condition=Ready", &["pod/by-digest", "pod/by-tag", "-n", "shop"]);
}

/// Has a workload use another image, once its first revision is there.
fn update(cluster: &Cluster, workload: &str, revisions: &str) {
    let wait_for = |count: usize| {
        eventually(&format!("{count} {revisions}"), || {
            let there = cluster.kubectl(&["get", revisions, "-n", "shop", "-o", "name"]);
            (there.lines().count() == count).then_some(())
        });
    };
    wait_for(1);
    cluster.kubectl(&["set", "image", workload, "-n", "shop", "main=registry.example.com/apps/web:1.0.5"]);
    wait_for(2);
}
