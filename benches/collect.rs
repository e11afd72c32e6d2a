//! For how long the registry is read-only in a collection, and how much of that is the operator's own: what lies between the
//! roll-outs, the last writer's end and the collector. In a real cluster of one node; it needs root.

#![allow(clippy::disallowed_methods, reason = "the store's times are taken from the clock")]
#![allow(dead_code, unused_imports, unused_macros, reason = "the cluster tests use the rest")]
#![allow(unreachable_pub, missing_docs, reason = "a bench exports nothing")]

#[path = "../tests/cluster/collecting/collection.rs"]
mod collection;
#[path = "../tests/registry/support/mod.rs"]
mod registries;
#[path = "../tests/cluster/support/mod.rs"]
mod support;

use collection::Collection;
use registries::{Artifact, Version};
use serde_json::json;
use support::{Cluster, Operator, RegistryPod};

/// How many collections there are.
const COLLECTIONS: usize = 10;
/// What the operator's own share may be in the median, in seconds.
const BOUND: f64 = 2.0;

fn main() {
    let cluster = Cluster::up();
    let registry = RegistryPod::start(&cluster, Version::V3_1);
    let _operator = Operator::install(&cluster, &["namespaces={registry}"]);
    let pusher = registry.pusher();
    cluster.block_on(pusher.push("apps/shop", "kept", &Artifact::image("kept").build()));
    let mut own = Vec::new();
    println!("registry:3.1, one replica, Recreate, one node; seconds");
    println!("{:>8} {:>8} {:>8} {:>10} {:>8} {:>9}", "total", "freeze", "drain", "collector", "thaw", "operator");
    for number in 0..COLLECTIONS {
        let image = Artifact::image(format!("gone {number}")).layers(2, 100_000).build();
        let digest = cluster.block_on(pusher.push("apps/shop", "gone", &image));
        cluster.block_on(pusher.delete("apps/shop", &digest.to_string()));
        let collection = Collection::create(&cluster, "registry", &format!("bench-{number}"), &json!({}));
        let ended = collection.ended();
        let it = ended.read_only_seconds.expect("it was read-only");
        println!(
            "{:>8.2} {:>8.2} {:>8.2} {:>10.2} {:>8.2} {:>9.2}",
            it.total, it.freeze, it.drain, it.collector, it.thaw, it.operator
        );
        own.push(it.operator);
        registry.wait_ready(&cluster);
    }
    own.sort_by(f64::total_cmp);
    let median = f64::midpoint(own[(COLLECTIONS - 1) / 2], own[COLLECTIONS / 2]);
    println!("operator's own share, median of {COLLECTIONS}: {median:.2} s, at most {BOUND:.2} s");
    assert!(median <= BOUND, "the operator's own share is {median:.2} s");
}
