use jiff::Timestamp;
use registry_retention::storage::{AccessKey, Bucket, Location, S3, Service, read};
use serde_json::{Value, json};

use super::{assert_nothing_left, assert_same, inventory};
use crate::registries::{Artifact, Pusher, S3Server, Version};
use crate::support::{Cluster, eventually};

/// The port of the node on which the registry answers.
const NODE_PORT: u16 = 30500;

#[test]
fn a_job_reads_what_the_bucket_holds_on_2_8() {
    a_job_reads_what_the_bucket_holds(Version::V2_8);
}

#[test]
fn a_job_reads_what_the_bucket_holds_on_3_1() {
    a_job_reads_what_the_bucket_holds(Version::V3_1);
}

/// With the login in a Secret that the Deployment names, and no volume at all.
fn a_job_reads_what_the_bucket_holds(version: Version) {
    let cluster = Cluster::up();
    // Beside the cluster, on the node's network.
    let server = cluster.block_on(S3Server::start_at(Cluster::NODE, &["images"]));
    cluster.apply(&registry(version, &server).to_string());
    cluster.wait_rolled_out("registry", "deployment/registry");
    let pusher = Pusher::new(&format!("http://{}:{NODE_PORT}", Cluster::NODE));
    eventually("the registry answers", || cluster.block_on(pusher.begin_upload("only/an/upload")).ok());
    let image = |seed: &str| Artifact::image(seed).layers(2, 1000).build();
    cluster.block_on(async {
        pusher.push("apps/shop", "v1", &image("one")).await;
        pusher.push("apps/shop", "latest", &image("before")).await;
        pusher.push("apps/shop", "latest", &image("now")).await;
        pusher.push("apps", "all", &Artifact::index([image("one"), image("two")])).await;
    });

    let read_by_job = cluster.block_on(inventory(&cluster, "registry")).expect("an inventory");
    let directly = cluster.block_on(read(&bucket(&server), Timestamp::now())).expect("the bucket can be read");
    assert_same(&read_by_job, &directly);
    let names: Vec<_> = read_by_job.repositories.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["apps", "apps/shop", "only/an/upload"]);
    assert_nothing_left(&cluster, "registry");

    // A login that is none any more is named, and not shown.
    let wrong = json!({"stringData": {"secret": "hush"}}).to_string();
    cluster.kubectl(&["patch", "secret/bucket", "-n", "registry", "-p", &wrong]);
    let error = cluster.block_on(inventory(&cluster, "registry")).expect_err("a wrong login");
    assert_eq!(error.reason(), "StorageUnreadable", "{error}");
    assert!(
        error.to_string().contains("403 (SignatureDoesNotMatch)") && !error.to_string().contains("hush"),
        "{error}"
    );
    assert_nothing_left(&cluster, "registry");
}

/// What the registry's own settings lead to.
fn bucket(server: &S3Server) -> Location {
    let [(_, id), (_, secret)] = S3Server::LOGIN;
    let key = AccessKey { id: id.to_owned(), secret: secret.into() };
    let s3 = S3 { region: Some("us-east-1".into()), path_style: true, key: Some(key) };
    let endpoint = server.url().parse().ok();
    Location::from(Bucket { endpoint, ..Bucket::new(Service::S3(s3), "images", "root") })
}

/// A Deployment `registry` that has a bucket, and a Service.
fn registry(version: Version, server: &S3Server) -> Value {
    let image = match version {
        Version::V2_8 => "localhost/registry:2.8",
        Version::V3_1 => "localhost/registry:3.1",
    };
    let [(_, id), (_, secret)] = S3Server::LOGIN;
    let plain = [
        ("REGISTRY_STORAGE", "s3"),
        ("REGISTRY_STORAGE_S3_BUCKET", "images"),
        ("REGISTRY_STORAGE_S3_ROOTDIRECTORY", "/root"),
        ("REGISTRY_STORAGE_S3_REGION", "us-east-1"),
        ("REGISTRY_STORAGE_S3_REGIONENDPOINT", server.url()),
        ("REGISTRY_STORAGE_S3_FORCEPATHSTYLE", "true"),
        ("OTEL_TRACES_EXPORTER", "none"),
    ];
    let plain = plain.map(|(name, value)| json!({"name": name, "value": value}));
    let secrets = [("REGISTRY_STORAGE_S3_ACCESSKEY", "id"), ("REGISTRY_STORAGE_S3_SECRETKEY", "secret")];
    let secrets =
        secrets.map(|(name, key)| json!({"name": name, "valueFrom": {"secretKeyRef": {"name": "bucket", "key": key}}}));
    let environment: Vec<_> = plain.into_iter().chain(secrets).collect();
    let metadata = json!({"name": "registry", "namespace": "registry"});
    let labels = json!({"app": "registry"});
    let container = json!({"name": "registry", "image": image, "env": environment,
        "readinessProbe": {"httpGet": {"path": "/", "port": 5000}, "periodSeconds": 1, "failureThreshold": 60}});
    let items = json!([
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "registry"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "bucket", "namespace": "registry"},
         "stringData": {"id": id, "secret": secret}},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata,
         "spec": {"type": "NodePort", "selector": labels, "ports": [{"port": 5000, "nodePort": NODE_PORT}]}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
         "spec": {"replicas": 1, "selector": {"matchLabels": labels},
                  "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}}}},
    ]);
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}
