use std::fs;

use registry_retention::collection::garbage::{Deleted, Outcome};
use registry_retention::oci::{Digest, Tombstone};

use super::{Beside, delete, image};
use crate::support::{Artifact, Credentials, ObjectServer, Registry, Tmpfs, Version, both_versions, fill};

both_versions![
    what_a_plan_condemns_goes_and_its_bytes_are_freed,
    what_anything_needs_by_now_stays,
    the_registrys_own_settings_do_not_matter,
    a_process_that_is_not_ours_alone_deletes_nothing,
    what_a_run_left_half_done_is_finished,
    what_would_end_the_run_afterwards_ends_it_before,
    a_full_disk_is_pruned_and_collected,
    a_bucket_is_pruned_and_collected,
];

/// The size of the blobs, the manifest's among them.
fn size(artifact: &Artifact) -> u64 {
    (artifact.bytes().len() + artifact.blobs.iter().map(Vec::len).sum::<usize>()) as u64
}

/// Tags, an index with its children, one of which is another index's, a tag that shares its manifest, a signature.
async fn what_a_plan_condemns_goes_and_its_bytes_are_freed(version: Version) {
    let registry = Registry::start(version).await;
    let (pusher, store) = (registry.pusher(), registry.store());
    let (gone, stays) = (image("gone"), image("stays"));
    let (all, other) = (Artifact::index([image("arm"), image("amd")]), Artifact::index([image("amd"), image("risc")]));
    let signature = Artifact::attachment(&gone, "application/vnd.example.signature");
    pusher.push("app", "pr-1", &gone).await;
    pusher.tag("app", "pr-1", "pr-2").await;
    pusher.push("app", &gone.cosign_tag("sig"), &signature).await;
    pusher.push("app", "v1", &stays).await;
    pusher.tag("app", "v1", "pr-3").await;
    pusher.push("app", "old", &all).await;
    pusher.push("app", "new", &other).await;
    pusher.push("web/deep", "pr-1", &gone).await;
    pusher.push("web/deep", "v1", &image("deep")).await;
    registry.restart_as(|it| it.read_only(true)).await;
    let before = (store.blobs(), store.blob_bytes());
    let beside = Beside::of(&registry, version);
    let lines = [
        format!("untag app pr-3 {}", stays.digest()),
        delete("app", &signature, &[&gone.cosign_tag("sig")]),
        delete("app", &gone, &["pr-1", "pr-2"]),
        delete("app", &image("arm"), &[]),
        delete("app", &image("amd"), &[]),
        delete("app", &all, &["old"]),
        delete("web/deep", &gone, &["pr-1"]),
    ];
    let ended = beside.carry_out(&lines).await.is(Outcome::Collected, "Collected");
    assert_eq!(ended.pruned(), (5, 6, 1), "{}", ended.said);
    assert!(ended.said.contains("by plan:    5 manifests and 6 tags deleted; 1 deletion of the plan left"));
    // Where a tag cannot be deleted alone, its placeholder is garbage.
    let placeholder = Tombstone { run: "frozen".into(), tag: "pr-3".parse().unwrap(), original: stays.digest() };
    let placeholder = if version == Version::V2_8 { placeholder.to_bytes().len() as u64 } else { 0 };
    // The signature's empty config is nobody else's.
    let freed = [&gone, &signature, &image("arm"), &all].map(size).iter().sum::<u64>();
    assert_eq!(before.1 - store.blob_bytes(), freed, "to the byte");
    let deleted = ended.account.deleted.unwrap();
    assert_eq!((deleted.manifests, deleted.bytes), (5, freed + placeholder), "{}", ended.said);
    registry.restart_as(|it| it.read_only(false)).await;
    for (repository, tags) in [("app", vec!["new", "v1"]), ("web/deep", vec!["v1"])] {
        assert_eq!(pusher.tags(repository).await.unwrap(), tags);
        for tag in tags {
            assert_eq!(pusher.is_whole(repository, tag).await, Ok(()), "{repository}:{tag}");
        }
    }
    for digest in [gone.digest(), signature.digest(), all.digest(), image("arm").digest()] {
        assert!(pusher.digest_of("app", digest.as_str()).await.is_none(), "{digest}");
    }
    pusher.push("app", "pr-1", &gone).await;
    assert_eq!(pusher.is_whole("app", "pr-1").await, Ok(()));
}

/// The plan is of before.
async fn what_anything_needs_by_now_stays(version: Version) {
    let registry = Registry::start(version).await;
    let (pusher, store) = (registry.pusher(), registry.store());
    let names = ["shared", "kept", "used", "child", "moved", "signed"];
    for name in names {
        pusher.push("app", name, &image(name)).await;
    }
    pusher.tag("app", "shared", "came-later").await;
    pusher.push("app", "index", &Artifact::index([image("child")])).await;
    pusher.push("app", "moved", &image("moved anew")).await;
    let signature = Artifact::attachment(&image("shared"), "application/vnd.example.signature");
    pusher.push_untagged("app", &signature).await;
    pusher.push("app", &image("kept").cosign_tag("sig"), &image("cosign")).await;
    registry.restart_as(|it| it.read_only(true)).await;
    let before = store.files();
    let beside = Beside::of(&registry, version);
    let mut lines = vec![format!("keep {} apps/shop", image("kept").digest())];
    lines.extend(["shared", "kept", "used", "child"].map(|name| delete("app", &image(name), &[name])));
    lines.push(delete("app", &image("moved anew"), &[]));
    lines.push(delete("app", &signature, &[]));
    lines.push(delete("app", &image("cosign"), &[&image("kept").cosign_tag("sig")]));
    lines.push(format!("untag app moved {}", image("moved").digest()));
    lines.push(delete("elsewhere", &image("x"), &["v1"]));
    let mut options = beside.plan(&lines);
    options.extend(["--in-use".to_owned(), image("used").blob_digests()[0].to_string()]);
    let ended = beside.run(&options.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let ended = ended.is(Outcome::Collected, "NothingToDelete");
    assert_eq!(ended.pruned(), (0, 0, 8), "{}", ended.said);
    assert_eq!(store.files(), before);
}

/// It is read-only and deletes nothing, asks for a login, and remembers; in its file and in its environment.
async fn the_registrys_own_settings_do_not_matter(version: Version) {
    let login = Credentials::new("robot", "s3cret");
    let registry = Registry::builder(version).basic_auth(&login).descriptor_cache().start().await;
    let pusher = registry.pusher();
    pusher.push("app", "v1", &image("v1")).await;
    let names: Vec<String> = (0..6).map(|n| format!("old-{n}")).collect();
    for name in &names {
        pusher.push("app", name, &image(name)).await;
    }
    registry.restart_as(|it| it.read_only(true).deletes(false)).await;
    let text = fs::read_to_string(registry.config_path()).unwrap();
    let port = registry.url().rsplit(':').next().unwrap().to_owned();
    let whole =
        format!("filesystem: {{rootdirectory: {}}}", registry.store().root().ancestors().nth(3).unwrap().display());
    let told = |name, value: &str| (name, value.to_owned());
    let readonly = told("REGISTRY_STORAGE_MAINTENANCE_READONLY", "{\"enabled\": true}");
    let environments = [
        vec![],
        vec![readonly.clone(), told("REGISTRY_STORAGE_DELETE_ENABLED", "false")],
        vec![
            told("REGISTRY_HTTP_ADDR", &format!("127.0.0.1:{port}")),
            told("REGISTRY_HTTP_NET", "tcp"),
            told("REGISTRY_HTTP_DEBUG_ADDR", "127.0.0.1:0"),
            told("REGISTRY_STORAGE_CACHE_BLOBDESCRIPTOR", "inmemory"),
        ],
        vec![told("REGISTRY_STORAGE_maintenance_readonly", "{enabled: true}"), told("REGISTRY_AUTH", "silly")],
        vec![told("REGISTRY_STORAGE", &format!("{{{whole}, maintenance: {{readonly: {{enabled: true}}}}}}"))],
        // The file says Redis, and the environment says no; garbage-collect itself asks neither.
        vec![told("REGISTRY_STORAGE_CACHE", "{blobdescriptor: inmemory}"), readonly],
    ];
    for (n, (name, environment)) in names.iter().zip(environments).enumerate() {
        let mut beside = Beside::of(&registry, version);
        if n == 5 {
            let redis = text.replace("inmemory", "redis");
            assert_ne!(redis, text);
            beside.configuration = beside.file("config.yml", &redis).into();
            let refused = beside.carry_out(&[delete("app", &image(name), &[name])]).await;
            refused.is(Outcome::Refused, "RedisCache");
        }
        let seen = beside.home.path().join("seen");
        let script = format!(
            "if [ \"$1\" = serve ]; then env | grep -o '^REGISTRY_[^=]*' >{0}; cat \"$2\" >{0}.yml; fi; exec $real \"$@\"",
            seen.display()
        );
        let mut beside = beside.with_program(version, "exec $real \"$@\"", &script);
        beside.environment = environment;
        let ended = beside.carry_out(&[delete("app", &image(name), &[name])]).await.is(Outcome::Collected, "Collected");
        assert_eq!(ended.pruned(), (1, 1, 0), "{}", ended.said);
        assert_eq!(fs::read_to_string(&seen).unwrap(), "", "{n}");
        let served: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(seen.with_extension("yml")).unwrap()).unwrap();
        assert_eq!(served["http"]["net"], "unix");
        assert!(served.get("auth").is_none() && served["storage"].get("cache").is_none(), "{served}");
    }
    registry.restart_as(|it| it.read_only(false)).await;
    assert_eq!(pusher.tags("app").await.unwrap(), ["v1"]);
    assert_eq!(pusher.is_whole("app", "v1").await, Ok(()));
}

/// Nor does one that does not start, does not delete, or serves another storage.
async fn a_process_that_is_not_ours_alone_deletes_nothing(version: Version) {
    let registry = Registry::start(version).await;
    registry.pusher().push("app", "v1", &image("v1")).await;
    registry.pusher().push("app", "old", &image("old")).await;
    registry.restart_as(|it| it.read_only(true)).await;
    let before = registry.store().files();
    let empty = tempfile::tempdir().unwrap();
    let elsewhere = format!("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY={}", empty.path().display());
    for (told, reason, says) in [
        ("REGISTRY_HTTP_DEBUG_ADDR=127.0.0.1:0", "PrivateRegistryUnusable", "it listens on TCP"),
        ("REGISTRY_STORAGE_DELETE_ENABLED=false", "PrivateRegistryUnusable", "it does not delete"),
        ("REGISTRY_STORAGE_MAINTENANCE_READONLY={\"enabled\":true}", "PrivateRegistryUnusable", "it does not delete"),
        (elsewhere.as_str(), "StoreDiffers", "app:old is missing there; app:v1 is missing there"),
        ("REGISTRY_STORAGE_MAINTENANCE_READONLY=true", "PrivateRegistryUnusable", "it ended with"),
    ] {
        let script = format!("[ \"$1\" = serve ] && export '{told}'; exec $real \"$@\"");
        let beside = Beside::of(&registry, version).with_program(version, "exec $real \"$@\"", &script);
        let ended = beside.carry_out(&[delete("app", &image("old"), &["old"])]).await.is(Outcome::Refused, reason);
        let ended = ended.says(says).says("nothing was deleted");
        assert_eq!((ended.code, ended.pruned()), (Some(3), (0, 0, 0)), "{}", ended.said);
        assert_eq!(registry.store().files(), before, "{told}");
    }
    let beside = Beside::of(&registry, version);
    let mut options = beside.plan(&[delete("app", &image("old"), &["old"])]);
    *options.last_mut().unwrap() = "/nowhere".into();
    let ended = beside.run(&options.iter().map(String::as_str).collect::<Vec<_>>()).await;
    ended.is(Outcome::Refused, "PrivateRegistryUnusable").says("/nowhere");
    assert_eq!(registry.store().files(), before);
}

/// A tag whose manifest is deleted already; a placeholder under a tag; a tag at a placeholder that is deleted already.
async fn what_a_run_left_half_done_is_finished(version: Version) {
    let registry = Registry::start(version).await;
    let (pusher, store) = (registry.pusher(), registry.store());
    pusher.push("app", "v1", &image("v1")).await;
    pusher.push("app", "old", &image("old")).await;
    for tag in ["dangling", "entombed", "lost"] {
        pusher.push("app", tag, &image("v1")).await;
    }
    pusher.push("app", "dangling", &image("gone")).await;
    store.remove_revision("app", &image("gone").digest());
    for tag in ["entombed", "lost"] {
        let (name, original) = (tag.parse().unwrap(), image("v1").digest());
        let tombstone = Tombstone { run: "frozen".into(), tag: name, original }.to_bytes();
        pusher.put_manifest("app", tag, Tombstone::MEDIA_TYPE, tombstone.clone()).await.unwrap();
        if tag == "lost" {
            store.remove_revision("app", &Digest::of(&tombstone));
        }
    }
    registry.restart_as(|it| it.read_only(true)).await;
    let beside = Beside::of(&registry, version);
    let untag = |tag: &str| format!("untag app {tag} {}", image("v1").digest());
    let lines = [delete("app", &image("gone"), &["dangling"]), untag("entombed"), untag("lost")];
    let ended = beside.carry_out(&lines).await.is(Outcome::Collected, "Collected");
    assert_eq!(ended.pruned(), (0, 3, 0), "{}", ended.said);
    let again = beside.carry_out(&lines).await.is(Outcome::Collected, "NothingToDelete");
    assert_eq!(again.pruned(), (0, 0, 0), "{}", again.said);
    registry.restart_as(|it| it.read_only(false)).await;
    assert_eq!(pusher.tags("app").await.unwrap(), ["old", "v1"]);
    assert_eq!(pusher.is_whole("app", "v1").await, Ok(()));
    assert!(store.empty_links().is_empty());
}

/// Damage to what stays; nothing would stay. Damage to what goes is no obstacle.
async fn what_would_end_the_run_afterwards_ends_it_before(version: Version) {
    let registry = Registry::start(version).await;
    let (pusher, store) = (registry.pusher(), registry.store());
    pusher.push("app", "v1", &image("v1")).await;
    pusher.push("app", "old", &image("old")).await;
    registry.restart_as(|it| it.read_only(true)).await;
    let before = store.files();
    let beside = Beside::of(&registry, version);
    let both = [delete("app", &image("v1"), &["v1"]), delete("app", &image("old"), &["old"])];
    beside.carry_out(&both).await.is(Outcome::Refused, "NothingKept").says("nothing was deleted");
    assert_eq!(store.files(), before);
    store.truncate_blob(&image("v1").blob_digests()[1]);
    store.remove_blob(&image("old").blob_digests()[1]);
    let before = store.files();
    beside.carry_out(&both[1..]).await.is(Outcome::Refused, "KeptDamaged").says("app:v1");
    assert_eq!(store.files(), before);
    let ended = beside.carry_out(&both[..1]).await.is(Outcome::Refused, "KeptDamaged").says("app:old");
    assert_eq!(ended.pruned(), (0, 0, 0));
    pusher.is_whole("app", "old").await.unwrap_err();
    registry.restart_as(|it| it.read_only(false)).await;
    pusher.push("app", "v2", &image("v2")).await;
    registry.restart_as(|it| it.read_only(true)).await;
    let ended = beside.carry_out(&both).await.is(Outcome::Collected, "Collected");
    assert_eq!(ended.pruned(), (2, 2, 0), "{}", ended.said);
    assert_eq!((pusher.tags("app").await.unwrap(), store.blobs().len()), (vec!["v2".to_owned()], 4));
}

/// A placeholder cannot be written; what needs none is deleted all the same, and then there is space.
async fn a_full_disk_is_pruned_and_collected(version: Version) {
    let tmpfs = Tmpfs::mount(1_000);
    let registry = Registry::builder(version).store_in(tmpfs.path()).start().await;
    let (pusher, store) = (registry.pusher(), registry.store());
    pusher.push("app", "v1", &image("v1")).await;
    pusher.tag("app", "v1", "pr").await;
    let mut confirmed = fill(&pusher, "app", 20_000).await.confirmed;
    fill(&pusher, "small", 10).await;
    let kept = confirmed.split_off(confirmed.len() / 2);
    let empty = store.empty_links();
    registry.restart_as(|it| it.read_only(true)).await;
    let mut lines: Vec<String> = confirmed.iter().map(|(tag, digest)| format!("delete app {digest} {tag}")).collect();
    lines.push(format!("untag app pr {}", image("v1").digest()));
    let beside = Beside::of(&registry, version);
    let ended = beside.carry_out(&lines).await.is(Outcome::Collected, "Collected");
    let count = confirmed.len() as u64;
    let expected = if version == Version::V2_8 { (count, count, 1) } else { (count, count + 1, 0) };
    assert_eq!(ended.pruned(), expected, "{}", ended.said);
    assert!(ended.account.deleted.unwrap().bytes > count * 20_000, "{}", ended.said);
    assert!(store.empty_links().is_subset(&empty));
    let again = beside
        .carry_out(&lines)
        .await
        .is(Outcome::Collected, if version == Version::V2_8 { "Collected" } else { "NothingToDelete" });
    assert_eq!(again.pruned().2, 0, "{}", again.said);
    registry.restart_as(|it| it.read_only(false)).await;
    let tags = pusher.tags("app").await.unwrap();
    assert_eq!(tags.len(), kept.len() + 1);
    for tag in tags {
        assert_eq!(pusher.is_whole("app", &tag).await, Ok(()), "{tag}");
    }
    drop(registry);
}

async fn a_bucket_is_pruned_and_collected(version: Version) {
    let server = ObjectServer::s3(&["images"]).await;
    let registry = Registry::builder(version).bucket(&server, "images", "some/root").start().await;
    let pusher = registry.pusher();
    pusher.push("app", "kept", &Artifact::index([image("one"), image("two")])).await;
    pusher.push("app/sub", "gone", &image("gone")).await;
    pusher.push("app/sub", "stays", &image("stays")).await;
    pusher.tag("app/sub", "stays", "pr").await;
    registry.restart_as(|it| it.read_only(true)).await;
    let beside = Beside::of(&registry, version);
    let untag = format!("untag app/sub pr {}", image("stays").digest());
    let ended = beside.carry_out(&[delete("app/sub", &image("gone"), &["gone"]), untag]).await;
    let ended = ended.is(Outcome::Collected, "Collected");
    assert_eq!(ended.pruned(), (1, 2, 0), "{}", ended.said);
    let Deleted { manifests, blobs, .. } = ended.account.deleted.unwrap();
    assert_eq!((manifests, blobs), (1, if version == Version::V2_8 { 5 } else { 4 }));
    registry.restart_as(|it| it.read_only(false)).await;
    assert_eq!(pusher.tags("app/sub").await.unwrap(), ["stays"]);
    for (repository, tag) in [("app", "kept"), ("app/sub", "stays")] {
        assert_eq!(pusher.is_whole(repository, tag).await, Ok(()), "{repository}:{tag}");
    }
}
