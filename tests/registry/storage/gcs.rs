use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use registry_retention::storage::{Bucket, Gcs, Location, Service, ServiceAccount, read};
use tokio::process::Command;

use super::buckets::{refused, run};
use crate::support::{Artifact, GcsServer, ObjectServer, Registry, Version};

/// The key stands in the registry's configuration itself, and in the environment's own place.
#[tokio::test(flavor = "multi_thread")]
async fn the_login_is_the_registrys_or_that_of_the_environment() {
    let server = GcsServer::start(&["images"]).await;
    let keyfile = server.keyfile().to_str().unwrap().to_owned();
    let credentials = format!("{{bucket: images, credentials: {}}}", GcsServer::key("http://127.0.0.1:1/token"));
    let server = ObjectServer::Gcs(server);
    let registry = Registry::builder(Version::V3_1).bucket(&server, "images", "").start().await;
    registry.pusher().push("app", "v1", &Artifact::image("one").build()).await;
    for over in [
        vec![("REGISTRY_STORAGE_GCS", credentials.as_str())],
        vec![("REGISTRY_STORAGE_GCS", "{bucket: images}"), ("GOOGLE_APPLICATION_CREDENTIALS", &keyfile)],
    ] {
        let (output, inventory) = run(&server, &registry, &over).await;
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(inventory.map(|inventory| inventory.repositories.len()), Some(1), "{told}");
    }

    let told = refused(&server, &registry, &[("REGISTRY_STORAGE_GCS_KEYFILE", "/nowhere")]).await;
    assert!(told.contains("gs://images: the keyfile /nowhere cannot be read: No such file"), "{told}");
    let no_key = "{bucket: images, credentials: {private_key: hush, private_key_id: '1', client_email: a@b}}";
    let told = refused(&server, &registry, &[("REGISTRY_STORAGE_GCS", no_key)]).await;
    assert!(told.contains("gs://images: it cannot be asked") && !told.contains("hush"), "{told}");
    // Nor does this machine know one.
    let nobody = ("GCE_METADATA_HOST", "127.0.0.1:1");
    let over = [("REGISTRY_STORAGE_GCS", "{bucket: images}"), nobody, ("GCE_METADATA_IP", nobody.1)];
    let told = refused(&server, &registry, &over).await;
    assert!(told.contains("there is no login for it") && told.contains("set GOOGLE_APPLICATION_CREDENTIALS"), "{told}");
}

/// In the terminal, where the location says where.
#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_reads_a_bucket_of_google() {
    let server = GcsServer::start(&["images"]).await;
    let (keyfile, environment) = (server.keyfile(), server.environment());
    let server = ObjectServer::Gcs(server);
    let registry = Registry::builder(Version::V2_8).bucket(&server, "images", "root").start().await;
    registry.pusher().push("app", "v1", &Artifact::image("one").build()).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_registry-retention"));
    command.args(["inventory", "--storage", "gs://images/root"]).env_clear().envs(environment);
    let output = command.env("GOOGLE_APPLICATION_CREDENTIALS", keyfile).output().await.unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && told.contains("gs://images/root: 1 repository, 1 tag, 1 manifest"), "{told}");
}

/// The emulator looks at no login, and has no word for a bucket that it does not have. These are Google's own answers,
/// as its documentation of the XML API has them, to whoever shows a token.
#[tokio::test(flavor = "multi_thread")]
async fn what_google_answers_is_said() {
    for (status, code, parts) in [
        (403, "AccessDenied", ["it answered 403 (AccessDenied)", "the role Storage Object Viewer"]),
        (404, "NoSuchBucket", ["it answered 404 (NoSuchBucket)", "check bucket and endpoint"]),
        (401, "", ["it answered 401;", "the role Storage Object Viewer"]),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = async move |headers: HeaderMap| {
            let token = headers.get("authorization").map_or("", |token| token.to_str().unwrap());
            // A token that was made with the key, without asking anybody for one.
            assert!(token.starts_with("Bearer ey") && token.split('.').count() == 3, "{token}");
            let body = if code.is_empty() {
                "hush".to_owned()
            } else {
                format!(
                    "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>hush</Message></Error>"
                )
            };
            (StatusCode::from_u16(status).unwrap(), body)
        };
        let serving = tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        let key = GcsServer::key("http://127.0.0.1:1/token").to_string();
        let service = Service::Gcs(Gcs { account: Some(ServiceAccount::Key(key.into())) });
        let mut bucket = Bucket::new(service, "images", "");
        bucket.endpoint = Some(url.parse().unwrap());
        let error = read(&Location::from(bucket), Timestamp::now()).await.unwrap_err().to_string();
        serving.abort();
        for part in parts {
            assert!(error.contains(part) && error.contains("no inventory was made"), "{part:?} is not in {error}");
        }
        assert!(!error.contains("hush") && !error.contains("ey"), "{error}");
    }
}
