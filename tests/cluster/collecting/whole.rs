//! A collection as a person asks for it, from beginning to end.

use serde_json::json;

use super::Collection;
use super::collection::{assert_nothing_left, deployment};
use crate::registries::{Artifact, Version};
use crate::support::{Cluster, Operator, RegistryPod};

#[test]
fn the_space_comes_back_and_the_deployment_is_as_it_was_on_2_8() {
    the_space_comes_back_and_the_deployment_is_as_it_was(Version::V2_8);
}

#[test]
fn the_space_comes_back_and_the_deployment_is_as_it_was_on_3_1() {
    the_space_comes_back_and_the_deployment_is_as_it_was(Version::V3_1);
}

fn the_space_comes_back_and_the_deployment_is_as_it_was(version: Version) {
    let cluster = Cluster::up();
    let registry = RegistryPod::start(&cluster, version);
    let _operator = Operator::install(&cluster, &["namespaces={registry}"]);
    let (pusher, store) = (registry.pusher(), registry.store());
    let image = |text: &str| Artifact::image(text).layers(2, 100_000).build();
    let (kept, gone) = (image("kept"), image("gone"));
    cluster.block_on(pusher.push("apps/shop", "kept", &kept));
    let digest = cluster.block_on(pusher.push("apps/shop", "gone", &gone));
    cluster.block_on(pusher.delete("apps/shop", &digest.to_string()));
    let before = deployment(&cluster, "registry");
    let bytes = store.blob_bytes();

    let collection = Collection::create(&cluster, "registry", "now", &json!({}));
    let ended = collection.ended();
    assert_eq!(collection.conditions(), ["Ready=True Collected"], "{ended:?}");
    let deleted = ended.deleted.expect("what was deleted");
    assert!(deleted.bytes > 200_000, "{deleted:?}");
    assert_eq!(bytes - store.blob_bytes(), deleted.bytes.unsigned_abs());
    let seconds = ended.read_only_seconds.expect("for how long");
    println!("{version:?}: {seconds:?}");
    assert!(seconds.total > 0.0 && seconds.operator < seconds.total, "{seconds:?}");

    registry.wait_ready(&cluster);
    assert_eq!(cluster.block_on(pusher.is_whole("apps/shop", "kept")), Ok(()));
    assert_eq!(deployment(&cluster, "registry"), before);
    assert_nothing_left(&cluster, "registry");
    // The layers that went are not believed to be there.
    let digest = cluster.block_on(pusher.push("apps/shop", "again", &gone));
    assert_eq!(cluster.block_on(pusher.is_whole("apps/shop", "again")), Ok(()));

    // Without any pod meanwhile.
    cluster.block_on(pusher.delete("apps/shop", &digest.to_string()));
    let zero = Collection::create(&cluster, "registry", "zero", &json!({"strategy": "ScaleToZero"}));
    let ended = zero.ended();
    assert_eq!(zero.conditions(), ["Ready=True Collected"], "{ended:?}");
    assert!(ended.deleted.is_some_and(|deleted| deleted.bytes > 200_000), "{ended:?}");
    registry.wait_ready(&cluster);
    assert_eq!(cluster.block_on(pusher.is_whole("apps/shop", "kept")), Ok(()));
    assert_eq!(deployment(&cluster, "registry"), before);
    assert_nothing_left(&cluster, "registry");
}
