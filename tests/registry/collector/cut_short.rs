use std::fs;
use std::path::Path;

use registry_retention::collection::garbage::Outcome;
use tokio::process::Command;

use super::{Beside, COLLECT, Ended, image, quoted, until};
use crate::support::{Registry, Version, both_versions};

both_versions![whoever_is_told_to_end_ends_the_collection_at_once, a_collection_that_is_killed_is_finished_by_the_next];

/// Three blobs are garbage.
async fn registry(version: Version) -> Registry {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    pusher.push("app", "v1", &image("v1")).await;
    for garbage in [b"one", b"two", b"333"] {
        pusher.upload("app", garbage).await.unwrap();
    }
    registry.restart_as(|it| it.read_only(true)).await;
    registry
}

async fn finish(registry: &Registry, version: Version) {
    let ended = Beside::of(registry, version).run(&[COLLECT, "--verify", "Content"]).await;
    assert_eq!(ended.is(Outcome::Collected, "Collected").account.deleted.unwrap().blobs, 2);
    assert_eq!(registry.store().blobs().len(), 4);
    assert_eq!(registry.pusher().is_whole("app", "v1").await, Ok(()));
}

/// A program that prints what it deletes, deletes one, and then does as told.
async fn begun(registry: &Registry, version: Version, then: &str) -> Beside {
    let real = registry.try_garbage_collect(&["--dry-run"]).await.unwrap();
    let beside = Beside::of(registry, version);
    let line = real.output.find("blob eligible").unwrap();
    let end = line + real.output[line..].find('\n').unwrap() + 1;
    let first = real.output[line..end].trim_end().rsplit(' ').next().unwrap().parse().unwrap();
    let output = beside.file("output", &real.output[..end]);
    let blob = registry.store().blob(&first);
    let pid = beside.home.path().join("pid");
    let sweep = format!("cat {output}; echo $$ >{}; rm -r {}; {then}", quoted(&pid), quoted(blob.parent().unwrap()));
    beside.with_program(version, "exec $real \"$@\"", &sweep)
}

async fn whoever_is_told_to_end_ends_the_collection_at_once(version: Version) {
    let registry = registry(version).await;
    let beside = begun(&registry, version, "exec sleep 600").await;
    let child = beside.spawn(&[COLLECT]);
    until("a blob less", || registry.store().blobs().len() == 6).await;
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    let ended = Ended::of(child).await.is(Outcome::Incomplete, "Stopped").says("run it again");
    assert_eq!(ended.code, Some(143), "{}", ended.said);
    let pid = fs::read_to_string(beside.home.path().join("pid")).unwrap();
    assert!(!Path::new("/proc").join(pid.trim()).exists(), "it still runs");
    finish(&registry, version).await;
}

async fn a_collection_that_is_killed_is_finished_by_the_next(version: Version) {
    let registry = registry(version).await;
    let beside = begun(&registry, version, "kill -9 $$").await;
    let ended = beside.run(&[COLLECT]).await.is(Outcome::Incomplete, "GarbageCollectFailed").says("run it again");
    assert_eq!((ended.code, ended.account.deleted.unwrap().blobs), (Some(5), 1), "{}", ended.said);
    finish(&registry, version).await;
}
