//! With the registry's bucket at hand, by its location alone and a login of the environment.

use super::{Resource, Terminal, condemned, push, reason};
use crate::support::{AzureServer, ObjectServer, Registry, Version};

const PUSHED_LATELY: &str =
    "[{name: recent, repositories: {include: [app]}, tags: {include: ['*']}, keep: {pushedWithin: 30d}}]";

#[tokio::test(flavor = "multi_thread")]
async fn google_on_2_8() {
    let server = ObjectServer::gcs(&["images"]).await;
    let ObjectServer::Gcs(gcs) = &server else { unreachable!("it was just made") };
    let login = ("GOOGLE_APPLICATION_CREDENTIALS", gcs.keyfile().to_str().expect("UTF-8").to_owned());
    what_was_pushed_lately_stays(&server, Version::V2_8, "gs://images/some/root", login).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_on_3_1() {
    let server = ObjectServer::azure(&["images"]).await;
    let login = (AzureServer::LOGIN.0, AzureServer::LOGIN.1.to_owned());
    what_was_pushed_lately_stays(&server, Version::V3_1, "azure://images/some/root?account=acme", login).await;
}

async fn what_was_pushed_lately_stays(
    server: &ObjectServer,
    version: Version,
    storage: &str,
    (login, secret): (&'static str, String),
) {
    let registry = Registry::builder(version).bucket(server, "images", "some/root").start().await;
    push(&registry, &["v1", "pr-1"]).await;
    let terminal = server.environment().into_iter().fold(Terminal::new(), |it, (name, value)| it.with(name, value));
    let terminal = terminal.with(login, secret.clone().into());
    terminal.resources(&[Resource::of(&registry, PUSHED_LATELY)]);
    // Nobody but the storage can tell.
    assert_eq!(reason(&terminal.plan("").await, "v1"), "AgeUnknown");
    assert_eq!(reason(&terminal.plan(&format!("--storage {storage}")).await, "v1"), "KeptByRule");

    terminal.resources(&[Resource::of(&registry, super::PR)]);
    let plan = terminal.plan(&format!("--storage {storage}")).await;
    assert_eq!(condemned(&plan), ["app:pr-1"]);
    let promised = plan["plan"]["reclaimableBytes"].as_u64().expect("bytes");
    let shown = terminal.run(&format!("plan -f --storage {storage}")).await.code(0);
    shown.says(&["prune -f", storage]).conceals(&[&secret]);
    terminal.run(&format!("prune -f --yes --storage {storage}")).await.code(0).says(&["Deleted 1 tag"]);
    let before = blob_bytes(server).await;
    registry.garbage_collect().await;
    assert_eq!(before - blob_bytes(server).await, promised, "to the byte");
    assert_eq!(registry.pusher().is_whole("app", "v1").await, Ok(()));
}

/// The size of all blobs in the bucket.
async fn blob_bytes(server: &ObjectServer) -> u64 {
    let objects = server.objects("images").await;
    objects.iter().filter(|(key, _)| key.contains("/v2/blobs/")).map(|(_, (size, _))| size).sum()
}
