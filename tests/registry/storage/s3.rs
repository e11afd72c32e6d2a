use std::process::Command;

use jiff::Timestamp;
use registry_retention::storage::{AccessKey, Bucket, Location, S3, Service, read};

use super::buckets::{inventory, refused};
use super::{digest_of, tags};
use crate::support::{Artifact, ObjectServer, Registry, S3Server, Version};

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_there_and_a_wrong_login_are_said() {
    let server = ObjectServer::s3(&["images"]).await;
    let registry = Registry::builder(Version::V3_1).bucket(&server, "images", "").start().await;
    for (over, part, advice) in [
        (("REGISTRY_STORAGE_S3_BUCKET", "missing"), "404 (NoSuchBucket)", "check bucket, region and endpoint"),
        (("REGISTRY_STORAGE_S3_SECRETKEY", "hush"), "403 (SignatureDoesNotMatch)", "s3:GetObject"),
    ] {
        let told = refused(&server, &registry, &[over]).await;
        assert!(told.contains(part) && told.contains(advice) && told.contains("no inventory was made"), "{told}");
        assert!(!told.contains("hush") && !told.contains("AWSAccessKey"), "{told}");
    }
}

/// The lists of 3.1.1 lack tags there; the store shows them.
#[tokio::test(flavor = "multi_thread")]
async fn tags_that_lists_hide_are_seen() {
    let all = ["latest", "v1", "v1-alpine", "v1-alpine3", "v1.2", "v1.2-alpine", "v2"];
    let server = ObjectServer::s3(&["images"]).await;
    let registry = Registry::builder(Version::V3_1).hiding_tags().bucket(&server, "images", "").start().await;
    let pusher = registry.pusher();
    for of in all {
        pusher.push("app", of, &Artifact::image(of).build()).await;
    }
    let listed = pusher.tags("app").await.unwrap();
    assert!(!listed.iter().any(|of| of == "v1-alpine3"), "it is hidden: {listed:?}");
    let inventory = inventory(&server, &registry).await;
    assert_eq!(tags(&inventory, "app"), all);
    for of in all {
        assert_eq!(digest_of(&inventory, "app", of), Some(Artifact::image(of).build().digest()), "{of}");
    }
}

/// In the terminal the login is that of the environment.
#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_reads_a_bucket() {
    let server = S3Server::start(&["images"]).await;
    let storage = format!("s3://images/root?endpoint={}&region=us-east-1", server.url());
    let server = ObjectServer::S3(server);
    let registry = Registry::builder(Version::V3_1).bucket(&server, "images", "root").start().await;
    registry.pusher().push("app", "v1", &Artifact::image("one").build()).await;
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
    let key = Some(AccessKey { id: "test".into(), secret: "hush".into() });
    let mut bucket = Bucket::new(Service::S3(S3 { key, ..S3::default() }), "images", "");
    bucket.endpoint = Some("http://127.0.0.1:1".parse().unwrap());
    let error = read(&Location::from(bucket), Timestamp::now()).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "s3://images at http://127.0.0.1:1/: it does not answer; no inventory was made; check the endpoint"
    );
}
