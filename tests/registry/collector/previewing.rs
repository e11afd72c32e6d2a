use std::fs;

use registry_retention::collection::garbage::{Account, Outcome};
use registry_retention::collection::{Auth, Listening, Serving, Stored, Unreachable};

use super::{Beside, image, quoted};
use crate::support::{Artifact, Registry, Version, both_versions};

both_versions![
    pushes_meanwhile_are_no_objection,
    what_is_deleted_meanwhile_is_no_objection,
    a_preview_changes_nothing_and_objects_as_a_collection_does,
    a_preview_tells_how_the_registry_serves,
];

async fn pushes_meanwhile_are_no_objection(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    pusher.push("app", "v1", &image("v1")).await;
    let pushing = tokio::spawn(async move {
        for n in 0.. {
            let index = Artifact::index([image(&format!("a{n}")), image(&format!("b{n}"))]);
            pusher.push("app", &format!("n{n}"), &index).await;
            pusher.push("app", "latest", &image(&format!("l{n}"))).await;
        }
    });
    let beside = Beside::of(&registry, version);
    for _ in 0..10 {
        let ended = beside.run(&["--dry-run"]).await.is(Outcome::Previewed, "Previewed");
        assert!(ended.account.predicted_seconds.is_some() && ended.account.deleted.is_none(), "{}", ended.said);
    }
    pushing.abort();
}

/// The program deletes a tag with its manifest before it looks.
async fn what_is_deleted_meanwhile_is_no_objection(version: Version) {
    let registry = Registry::start(version).await;
    let (pusher, store) = (registry.pusher(), registry.store());
    pusher.push("app", "v1", &image("v1")).await;
    let digest = pusher.push("app", "v2", &image("v2")).await;
    let revision = store.revision_link("app", &digest);
    let tag = store.repository("app").join("_manifests/tags/v2");
    let delete = format!("rm -rf {} {}; exec $real \"$@\"", quoted(revision.parent().unwrap()), quoted(&tag));
    let beside = Beside::of(&registry, version).with_program(version, &delete, "exit 1");
    let ended = beside.run(&["--dry-run"]).await.is(Outcome::Previewed, "Previewed");
    assert_eq!(ended.account.predicted.unwrap().blobs, 4, "{}", ended.said);
    assert_eq!(ended.account.stays.unwrap().tags, 1);
}

async fn a_preview_changes_nothing_and_objects_as_a_collection_does(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    pusher.push("app", "v1", &image("v1")).await;
    pusher.upload("app", b"garbage").await.unwrap();
    let before = registry.store().files();
    let beside = Beside::of(&registry, version);
    let ended = beside.run(&["--dry-run"]).await.is(Outcome::Previewed, "Previewed").says("1 blobs of 7 bytes");
    assert_eq!(ended.code, Some(0));
    let blind = beside.with_program(version, "$real \"$@\" | grep -v manifest.sha256", "exit 1");
    blind.run(&["--dry-run"]).await.is(Outcome::Refused, "KeptNotMarked");
    assert_eq!(registry.store().files(), before);
}

/// What it writes into a file is what it prints.
async fn a_preview_tells_how_the_registry_serves(version: Version) {
    let registry = Registry::builder(version).read_only(true).start().await;
    let mut beside = Beside::of(&registry, version);
    let report = beside.file("report", "");
    let options = ["--dry-run", "--report", &report];
    let read = || Account::read(fs::read_to_string(&report).unwrap().trim_end());
    let ended = beside.run(&options).await.is(Outcome::Refused, "StorageEmpty");
    assert_eq!(ended.account.serving, Some(Listening::Nowhere { unreachable: Unreachable::Loopback }));
    assert_eq!(read(), Ok(ended.account));

    registry.restart_as(|it| it.read_only(false)).await;
    registry.pusher().push("app", "v1", &image("v1")).await;
    registry.restart_as(|it| it.read_only(true)).await;
    let configuration = fs::read_to_string(registry.config_path()).unwrap();
    let port = registry.host().split_once(':').unwrap().1.parse().unwrap();
    beside.configuration = beside.file("config.yml", &configuration.replace("127.0.0.1:", "0.0.0.0:")).into();
    let ended = beside.run(&options).await.is(Outcome::Previewed, "Previewed");
    let serving = Serving { port, tls: false, prefix: String::new(), auth: Auth::None, read_only: true };
    assert_eq!(ended.account.serving, Some(Listening::At(serving)));
    let root = registry.store().root().ancestors().nth(3).unwrap().canonicalize().unwrap();
    assert_eq!(ended.account.stored, Some(Stored::Folder(root.to_str().unwrap().to_owned())));
    assert_eq!(read(), Ok(ended.account));

    // Nothing is told of it where nobody will ask its pods.
    let ended = beside.run(&["--registry-is-read-only"]).await.is(Outcome::Collected, "NothingToDelete");
    assert_eq!((ended.account.serving, ended.account.stored), (None, None));
}
