use std::fs;

use registry_retention::collection::garbage::Outcome;

use super::{Beside, COLLECT, image};
use crate::support::{Registry, Version, both_versions};

both_versions![what_cannot_be_collected_is_refused_with_a_reason, a_registry_without_anything_tagged_is_refused];

async fn what_cannot_be_collected_is_refused_with_a_reason(version: Version) {
    let registry = Registry::start(version).await;
    Beside::of(&registry, version).run(&[COLLECT]).await.is(Outcome::Refused, "StorageEmpty");
    registry.pusher().push("app", "v1", &image("v1")).await;
    let before = registry.store().files();
    let configuration = fs::read_to_string(registry.config_path()).unwrap();
    for (change, reason, code) in [
        ("proxy: {remoteurl: \"http://127.0.0.1:1\"}\n", "PullThrough", 3),
        ("storage: [\n", "ConfigurationUnreadable", 2),
    ] {
        let mut beside = Beside::of(&registry, version);
        beside.configuration = beside.file("config.yml", &format!("{configuration}\n{change}")).into();
        let ended = beside.run(&[COLLECT]).await.is(Outcome::Refused, reason).says("nothing was deleted");
        assert_eq!(ended.code, Some(code), "{}", ended.said);
    }
    let mut beside = Beside::of(&registry, version);
    let redis = configuration.replace("storage:\n", "storage:\n  cache: {blobdescriptor: redis}\n");
    assert_ne!(redis, configuration);
    beside.configuration = beside.file("config.yml", &redis).into();
    beside.run(&[COLLECT]).await.is(Outcome::Refused, "RedisCache");
    beside.configuration = "/nowhere".into();
    beside.run(&[COLLECT]).await.is(Outcome::Refused, "ConfigurationUnreadable");
    for program in ["/nowhere", "/bin/true", "/bin/echo", "/etc/passwd"] {
        let mut beside = Beside::of(&registry, version);
        beside.executable = program.into();
        let ended = beside.run(&[COLLECT]).await.is(Outcome::Refused, "EntryPointUnknown").says(program);
        assert_eq!(ended.code, Some(2), "{}", ended.said);
    }
    let beside = Beside::of(&registry, version);
    beside.run(&[COLLECT, "--volumes", "/usr:/opt"]).await.is(Outcome::Refused, "StoreNotShared");
    assert_eq!(registry.store().files(), before);
}

/// All that there is would go.
async fn a_registry_without_anything_tagged_is_refused(version: Version) {
    let registry = Registry::start(version).await;
    let digest = registry.pusher().push("app", "v1", &image("v1")).await;
    assert!(registry.pusher().delete("app", digest.as_str()).await.is_success());
    let before = registry.store().files();
    Beside::of(&registry, version)
        .run(&[COLLECT])
        .await
        .is(Outcome::Refused, "NothingKept")
        .says("all 4 blobs would go");
    assert_eq!(registry.store().files(), before);
}
