use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use jiff::Timestamp;
use registry_retention::retention::{Store as Inventory, StoredTag};
use registry_retention::storage::{AccessKey, Bucket, Location, StorageError, configured, read};

use super::{digest_of, repository, tag, tags};
use crate::support::{Artifact, Registry, S3Server, Version, both_versions};

both_versions![what_a_bucket_holds_is_what_was_pushed, damage_in_a_bucket_is_said];

/// What the registry's own configuration leads to.
pub(crate) async fn inventory(registry: &Registry) -> Inventory {
    try_inventory(&fs::read_to_string(registry.config_path()).unwrap()).await.expect("an inventory")
}

async fn try_inventory(configuration: &str) -> Result<Inventory, StorageError> {
    read(&configured(configuration, []).expect("a location"), Timestamp::now()).await
}

async fn what_a_bucket_holds_is_what_was_pushed(version: Version) {
    let server = S3Server::start(&["images"]).await;
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
        let inventory = inventory(&registry).await;

        let names: Vec<_> = inventory.repositories.keys().map(ToString::to_string).collect();
        assert_eq!(names, ["a", "a/b", "a/b/c", "upload"]);
        for name in &names[..3] {
            let listed = pusher.tags(name).await.unwrap();
            assert_eq!(tags(&inventory, name), listed, "{name}");
            for of in listed {
                assert_eq!(digest_of(&inventory, name, &of), pusher.digest_of(name, &of).await, "{name}:{of}");
                let StoredTag::At { pushed, .. } = tag(&inventory, name, &of) else { panic!("{of} has a link") };
                // Whole seconds are all that S3 tells.
                assert!(before.as_second() <= pushed.as_second() && *pushed <= inventory.ended, "{pushed}");
            }
        }
        let revisions: BTreeSet<_> = repository(&inventory, "a").revisions.keys().cloned().collect();
        assert_eq!(revisions, BTreeSet::from([image("one").digest(), old, image("new").digest()]));
        let wanted = [index, image("one"), image("two"), image("old"), image("new")];
        for artifact in wanted {
            assert_eq!(inventory.blobs.get(&artifact.digest()), Some(&(artifact.bytes().len() as u64)));
            for blob in &artifact.blobs {
                let digest = registry_retention::oci::Digest::of(blob);
                assert_eq!(inventory.blobs.get(&digest), Some(&(blob.len() as u64)), "{digest}");
            }
        }
        let uploads = &repository(&inventory, "upload").uploads;
        assert!(uploads.len() == 1 && session.contains(&uploads[0].id), "{uploads:?} {session}");
        assert_eq!((inventory.capacity, inventory.oddities.count), (None, 0), "{:?}", inventory.oddities);
    }
}

async fn damage_in_a_bucket_is_said(version: Version) {
    let server = S3Server::start(&["images", "empty"]).await;
    let registry = Registry::builder(version).bucket(&server, "images", "").start().await;
    let image = Artifact::image("one").build();
    for of in ["good", "empty", "gone"] {
        registry.pusher().push("app", of, &image).await;
    }
    let base = "docker/registry/v2/repositories";
    let link = |of: &str| server.object("images", &format!("{base}/app/_manifests/tags/{of}/current/link"));
    fs::write(link("empty"), "").unwrap();
    fs::remove_file(link("gone")).unwrap();
    fs::write(server.object("images", &format!("{base}/README")), "x").unwrap();
    let inventory = inventory(&registry).await;
    assert_eq!(tags(&inventory, "app"), ["empty", "gone", "good"]);
    assert_eq!(digest_of(&inventory, "app", "good"), Some(image.digest()));
    assert_eq!((digest_of(&inventory, "app", "empty"), digest_of(&inventory, "app", "gone")), (None, None));
    assert_eq!(inventory.oddities.examples, ["repositories/README: not part of the registry's layout"]);

    let configuration = fs::read_to_string(registry.config_path()).unwrap();
    let refused = async |from: &str, to: &str| {
        let changed = configuration.replace(from, to);
        assert_ne!(changed, configuration);
        try_inventory(&changed).await.unwrap_err()
    };
    assert!(matches!(refused("bucket: images", "bucket: empty").await, StorageError::Nothing { .. }));
    for (from, to, part) in [
        ("bucket: images", "bucket: missing", "404 (NoSuchBucket)"),
        ("secretkey: not-a-secret", "secretkey: hush", "403 (SignatureDoesNotMatch)"),
    ] {
        let error = refused(from, to).await.to_string();
        assert!(error.contains(part) && error.contains("no inventory was made"), "{error}");
        assert!(!error.contains("hush") && !error.contains("AWSAccessKey"), "{error}");
    }
}

/// The lists of 3.1.1 lack tags there; the store shows them.
#[tokio::test(flavor = "multi_thread")]
async fn tags_that_lists_hide_are_seen() {
    let all = ["latest", "v1", "v1-alpine", "v1-alpine3", "v1.2", "v1.2-alpine", "v2"];
    let server = S3Server::start(&["images"]).await;
    let registry = Registry::builder(Version::V3_1).hiding_tags().bucket(&server, "images", "").start().await;
    let pusher = registry.pusher();
    for of in all {
        pusher.push("app", of, &Artifact::image(of).build()).await;
    }
    let listed = pusher.tags("app").await.unwrap();
    assert!(!listed.iter().any(|of| of == "v1-alpine3"), "it is hidden: {listed:?}");
    let inventory = inventory(&registry).await;
    assert_eq!(tags(&inventory, "app"), all);
    for of in all {
        assert_eq!(digest_of(&inventory, "app", of), Some(Artifact::image(of).build().digest()), "{of}");
    }
}

/// In the terminal the login is that of the environment.
#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_reads_a_bucket() {
    let server = S3Server::start(&["images"]).await;
    let registry = Registry::builder(Version::V3_1).bucket(&server, "images", "root").start().await;
    registry.pusher().push("app", "v1", &Artifact::image("one").build()).await;
    let storage = format!("s3://images/root?endpoint={}&region=us-east-1", server.url());
    let inventory = |environment: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_registry-retention"));
        command.args(["inventory", "--storage", &storage]).env_clear().envs(environment.iter().copied());
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let [id, secret] = S3Server::LOGIN;
    let (code, written, told) = inventory(&[id, secret, ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")]);
    assert_eq!(code, Some(0), "{told}");
    assert!(written.contains(" tag app v1 sha256:") && told.contains("1 repository, 1 tag, 1 manifest"), "{told}");
    let (code, _, told) = inventory(&[id, ("AWS_SECRET_ACCESS_KEY", "hush")]);
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("403 (SignatureDoesNotMatch)") && told.contains("s3:GetObject"), "{told}");
}

/// With the login of the key given, and nobody there.
#[tokio::test]
async fn a_server_that_does_not_answer_is_said() {
    let mut bucket = Bucket::new("images", "");
    bucket.endpoint = Some("http://127.0.0.1:1".parse().unwrap());
    bucket.key = Some(AccessKey { id: "test".into(), secret: "hush".into() });
    let error = read(&Location::S3(bucket), Timestamp::now()).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "s3://images at http://127.0.0.1:1/: it does not answer; no inventory was made; check the endpoint"
    );
}
