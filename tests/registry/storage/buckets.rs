//! Every object store, with every release that can store there: 2.8 and Azure's emulator do not understand one another.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Output;

use jiff::Timestamp;
use registry_retention::oci::Digest;
use registry_retention::retention::{Store as Inventory, StoredTag};
use registry_retention::storage::load;

use super::{digest_of, repository, tag, tags};
use crate::support::{Artifact, ObjectServer, Registry, Version};

/// Runs tests that take a server, with the buckets `images` and `empty`, and a version.
macro_rules! every_bucket {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use crate::support::{ObjectServer, Version};

            const BUCKETS: &[&str] = &["images", "empty"];

            #[tokio::test(flavor = "multi_thread")]
            async fn s3_v2_8() {
                super::$name(ObjectServer::s3(BUCKETS).await, Version::V2_8).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn s3_v3_1() {
                super::$name(ObjectServer::s3(BUCKETS).await, Version::V3_1).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn gcs_v2_8() {
                super::$name(ObjectServer::gcs(BUCKETS).await, Version::V2_8).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn gcs_v3_1() {
                super::$name(ObjectServer::gcs(BUCKETS).await, Version::V3_1).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn azure_v3_1() {
                super::$name(ObjectServer::azure(BUCKETS).await, Version::V3_1).await;
            }
        }
    )+};
}

every_bucket![what_a_bucket_holds_is_what_was_pushed, damage_in_a_bucket_is_said];

/// Makes an inventory of what a registry's configuration leads to, with this put over it.
pub(super) async fn run(
    server: &ObjectServer,
    registry: &Registry,
    over: &[(&str, &str)],
) -> (Output, Option<Inventory>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("inventory");
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_registry-retention"));
    command.arg("inventory").arg("--configuration").arg(registry.config_path()).arg("--output").arg(&path);
    command.env_clear().envs(server.environment()).envs(over.iter().copied());
    let output = command.output().await.expect("it runs");
    let inventory = output.status.success().then(|| load(&path).expect("a saved inventory"));
    (output, inventory)
}

/// The same where it must succeed.
pub(crate) async fn inventory(server: &ObjectServer, registry: &Registry) -> Inventory {
    let (output, inventory) = run(server, registry, &[]).await;
    inventory.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

/// The same where it must fail; what it says.
pub(super) async fn refused(server: &ObjectServer, registry: &Registry, over: &[(&str, &str)]) -> String {
    let (output, inventory) = run(server, registry, over).await;
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(inventory.is_none(), "{told}");
    told
}

async fn what_a_bucket_holds_is_what_was_pushed(server: ObjectServer, version: Version) {
    for root in ["", "/some/root/"] {
        let registry = Registry::builder(version).bucket(&server, "images", root).start().await;
        let pusher = registry.pusher();
        let image = |seed: &str| Artifact::image(seed).layers(2, 1000).build();
        let before = Timestamp::now();
        pusher.push("a", "v1", &image("one")).await;
        pusher.tag("a", "v1", "alias").await;
        let old = pusher.push("a", "latest", &image("old")).await;
        pusher.push("a", "latest", &image("new")).await;
        pusher.push("a/b", "v1", &image("one")).await;
        let index = Artifact::index([image("one"), image("two")]);
        pusher.push("a/b/c", "all", &index).await;
        let session = pusher.begin_upload("upload").await.unwrap();
        let inventory = inventory(&server, &registry).await;

        let names: Vec<_> = inventory.repositories.keys().map(ToString::to_string).collect();
        assert_eq!(names, ["a", "a/b", "a/b/c", "upload"]);
        for name in &names[..3] {
            let listed = pusher.tags(name).await.unwrap();
            assert_eq!(tags(&inventory, name), listed, "{name}");
            for of in listed {
                assert_eq!(digest_of(&inventory, name, &of), pusher.digest_of(name, &of).await, "{name}:{of}");
            }
        }
        let revisions: BTreeSet<_> = repository(&inventory, "a").revisions.keys().cloned().collect();
        assert_eq!(revisions, BTreeSet::from([image("one").digest(), old, image("new").digest()]));
        let uploads = &repository(&inventory, "upload").uploads;
        assert!(uploads.len() == 1 && session.contains(&uploads[0].id), "{uploads:?} {session}");
        assert_eq!((inventory.capacity, inventory.oddities.count), (None, 0), "{:?}", inventory.oddities);
        let root = root.trim_matches('/');
        let base = if root.is_empty() { String::new() } else { format!("{root}/") } + "docker/registry/v2/";
        is_what_the_server_holds(&inventory, &server.objects("images").await, &base, before);
    }
}

/// Compares push times and sizes with the server's own list.
fn is_what_the_server_holds(
    inventory: &Inventory,
    objects: &BTreeMap<String, (u64, Timestamp)>,
    base: &str,
    before: Timestamp,
) {
    // Whole seconds are all that the lists tell.
    let written = |key: String| objects[&format!("{base}repositories/{key}")].1.as_second();
    for (name, repository) in &inventory.repositories {
        for (of, stored) in &repository.tags {
            let StoredTag::At { pushed, .. } = stored else { panic!("{of} has a link") };
            assert_eq!(pushed.as_second(), written(format!("{name}/_manifests/tags/{of}/current/link")), "{name}:{of}");
            assert!(before.as_second() <= pushed.as_second() && *pushed <= inventory.ended, "{pushed}");
        }
        for (digest, link) in &repository.revisions {
            let (algorithm, hex) = digest.parts();
            let key = format!("{name}/_manifests/revisions/{algorithm}/{hex}/link");
            assert_eq!(link.pushed.as_second(), written(key), "{name}@{digest}");
        }
    }
    let blobs = objects.iter().filter_map(|(key, (size, _))| {
        let path = key.strip_prefix(base)?.strip_prefix("blobs/")?.strip_suffix("/data")?;
        let [algorithm, _, hex] = path.split('/').collect::<Vec<_>>()[..] else { panic!("{key}") };
        Some((format!("{algorithm}:{hex}").parse::<Digest>().expect("a digest"), *size))
    });
    assert_eq!(inventory.blobs, blobs.collect());
    // Of five images: a config and two layers each, one manifest each, and the index.
    assert!(inventory.blobs.len() > 10, "{:?}", inventory.blobs);
}

async fn damage_in_a_bucket_is_said(server: ObjectServer, version: Version) {
    let registry = Registry::builder(version).bucket(&server, "images", "").start().await;
    let image = Artifact::image("one").build();
    for of in ["good", "empty", "gone"] {
        registry.pusher().push("app", of, &image).await;
    }
    let base = "docker/registry/v2/repositories";
    let link = |of: &str| format!("{base}/app/_manifests/tags/{of}/current/link");
    server.put("images", &link("empty"), b"").await;
    server.delete("images", &link("gone")).await;
    server.put("images", &format!("{base}/README"), b"x").await;
    let inventory = inventory(&server, &registry).await;
    assert_eq!(tags(&inventory, "app"), ["empty", "gone", "good"]);
    assert_eq!(digest_of(&inventory, "app", "good"), Some(image.digest()));
    for of in ["empty", "gone"] {
        assert_eq!(*tag(&inventory, "app", of), StoredTag::Broken, "{of}");
    }
    assert_eq!(inventory.oddities.examples, ["repositories/README: not part of the registry's layout"]);

    let elsewhere = match server {
        ObjectServer::S3(_) => "REGISTRY_STORAGE_S3_BUCKET",
        ObjectServer::Gcs(_) => "REGISTRY_STORAGE_GCS_BUCKET",
        ObjectServer::Azure(_) => "REGISTRY_STORAGE_AZURE_CONTAINER",
    };
    let told = refused(&server, &registry, &[(elsewhere, "empty")]).await;
    assert!(told.contains("no registry stores anything there"), "{told}");
}
