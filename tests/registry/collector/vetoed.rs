use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use registry_retention::collection::garbage::{Outcome, Seal};
use registry_retention::oci::Digest;

use super::{Beside, COLLECT, image, quoted};
use crate::support::{Artifact, Registry, Version, both_versions};

both_versions![
    a_dry_run_that_is_not_as_it_should_be_is_a_veto,
    what_is_in_use_or_kept_by_a_plan_is_not_deleted,
    a_collection_that_does_otherwise_than_its_dry_run_is_ended,
    damage_is_named_before_anything_is_deleted,
    a_repository_that_the_collector_does_not_see_is_a_veto,
];

/// A registry that is read-only, with an index, and garbage.
async fn registry(version: Version) -> Registry {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    pusher.push("app", "all", &Artifact::index([image("one"), image("two")])).await;
    pusher.push("app", "v1", &image("v1")).await;
    pusher.upload("app", b"garbage").await.unwrap();
    pusher.upload("app", b"more garbage").await.unwrap();
    registry.restart_as(|it| it.read_only(true)).await;
    registry
}

async fn a_dry_run_that_is_not_as_it_should_be_is_a_veto(version: Version) {
    let registry = registry(version).await;
    let store = registry.store();
    let real = registry.try_garbage_collect(&["--dry-run"]).await.unwrap().output;
    let (child, layer) = (image("one").digest(), image("v1").blob_digests()[1].clone());
    let marking = format!("app: marking manifest {child} \n");
    let eligible = "blob eligible for deletion: ";
    let summary = |marked, blobs| format!("{marked} blobs marked, {blobs} blobs and 0 manifests eligible for deletion");
    let counts = registry.try_garbage_collect(&["--dry-run"]).await.unwrap();
    let whole = summary(counts.marked, counts.eligible.len());
    assert!(real.contains(&marking) && real.contains(&whole), "{real}");
    let first_eligible = real.find(eligible).unwrap();
    let usage = "Error: unknown flag: --dry-run\nUsage:\n  registry garbage-collect <config> [flags]\n";
    let kept_goes = format!("{}{eligible}{layer}\n{}", &real[..first_eligible], &real[first_eligible..]);
    let less = real.replace(&format!("app: marking blob {layer}\n"), "");
    for (name, printed, then, reason) in [
        ("something kept goes", kept_goes.replace(&whole, &summary(counts.marked, 3)), "exit 0", "KeptWouldBeDeleted"),
        ("something kept goes, uncounted", kept_goes, "exit 0", "OutputNotUnderstood"),
        ("a manifest is not marked", real.replace(&marking, ""), "exit 0", "KeptNotMarked"),
        ("a layer is not marked", less.replace(&whole, &summary(counts.marked - 1, 2)), "exit 0", "StoreDiffers"),
        ("it counts more", real.replace(&whole, &summary(counts.marked + 1, 2)), "exit 0", "OutputNotUnderstood"),
        ("cut in the mark", real[..real.find(&marking).unwrap()].to_owned(), "exit 0", "OutputNotUnderstood"),
        ("cut before the summary", real[..real.find(&whole).unwrap()].to_owned(), "exit 0", "OutputNotUnderstood"),
        ("cut in the list", real[..first_eligible].to_owned(), "exit 0", "OutputNotUnderstood"),
        ("nothing", String::new(), "exit 0", "OutputNotUnderstood"),
        ("the usage", usage.to_owned(), "exit 0", "OutputNotUnderstood"),
        ("it fails", real.clone(), "echo 'failed to garbage collect: why' >&2; exit 1", "GarbageCollectFailed"),
        ("it is killed", real.clone(), "kill -9 $$", "GarbageCollectFailed"),
    ] {
        let beside = Beside::of(&registry, version);
        let output = beside.file("output", &printed);
        let swept = beside.home.path().join("swept");
        let beside =
            beside.with_program(version, &format!("cat {output}; {then}"), &format!("touch {}", quoted(&swept)));
        let before = store.files();
        let ended = beside.run(&[COLLECT]).await.is(Outcome::Refused, reason).says("nothing was deleted");
        assert_eq!(ended.code, Some(3), "{name}: {}", ended.said);
        assert!(!swept.exists(), "{name}: it was let go on");
        assert_eq!(store.files(), before, "{name}");
        assert!(reason != "GarbageCollectFailed" || then != "exit 1" || ended.account.message.contains("why"));
    }
}

/// Its tag and its manifest were deleted, but it is in use.
async fn what_is_in_use_or_kept_by_a_plan_is_not_deleted(version: Version) {
    let registry = registry(version).await;
    let (store, beside) = (registry.store(), Beside::of(&registry, version));
    let gone = image("v1");
    registry.restart_as(|it| it.read_only(false)).await;
    assert!(registry.pusher().delete("app", gone.digest().as_str()).await.is_success());
    let list =
        beside.file("list", &format!("{} apps/shop:v1\n{} elsewhere\nend 2\n", gone.digest(), image("x").digest()));
    let before = store.files();
    for digest in [gone.digest(), gone.blob_digests()[0].clone()] {
        let ended = beside.run(&[COLLECT, "--in-use", digest.as_str()]).await;
        ended.is(Outcome::Refused, "KeptWouldBeDeleted").says(digest.as_str());
    }
    beside.run(&[COLLECT, "--keep", &list]).await.is(Outcome::Refused, "KeptWouldBeDeleted").says("apps/shop:v1 needs");
    let cut = beside.file("cut", &format!("{} apps/shop:v1\n", gone.digest()));
    for path in [cut.as_str(), "/nowhere"] {
        beside.run(&[COLLECT, "--keep", path]).await.is(Outcome::Refused, "KeepListIncomplete");
    }
    the_final_plan_keeps(&beside, &gone.digest()).await;
    assert_eq!(store.files(), before);
    // What is another registry's keeps nothing here.
    let ended = beside.run(&[COLLECT, "--in-use", image("x").digest().as_str()]).await;
    assert_eq!(ended.is(Outcome::Collected, "Collected").account.deleted.unwrap().blobs, 6);
}

/// In two pieces, one of which then differs, or is missing.
async fn the_final_plan_keeps(beside: &Beside, digest: &Digest) {
    let text = format!("registry-retention-final-plan 1\nkeep {digest} the plan\nend 1\n");
    let folder = beside.home.path().join("plan");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&text.as_bytes()[50..]).unwrap();
    let pieces = [text.as_bytes()[..50].to_vec(), encoder.finish().unwrap()];
    for (number, piece) in pieces.iter().enumerate() {
        fs::create_dir_all(folder.join(number.to_string())).unwrap();
        fs::write(folder.join(number.to_string()).join("plan"), piece).unwrap();
    }
    let hash = Seal::of(&pieces).hash;
    let options = [COLLECT, "--plan", folder.to_str().unwrap(), "--plan-pieces", "2", "--plan-hash", &hash];
    beside.run(&options).await.is(Outcome::Refused, "KeptWouldBeDeleted").says("the plan needs");
    fs::write(folder.join("0/plan"), "registry").unwrap();
    beside.run(&options).await.is(Outcome::Refused, "PlanIncomplete").says("their hash differs");
    fs::remove_file(folder.join("0/plan")).unwrap();
    beside.run(&options).await.is(Outcome::Refused, "PlanIncomplete").says("0 of its 2 pieces");
    let deletes = format!("registry-retention-final-plan 1\ndelete app {digest}\nend 1\n");
    fs::write(folder.join("0/plan"), &deletes).unwrap();
    let hash = Seal::of(&[deletes.into_bytes()]).hash;
    fs::remove_file(folder.join("1/plan")).unwrap();
    let options = ["--dry-run", "--plan", folder.to_str().unwrap(), "--plan-pieces", "1", "--plan-hash", &hash];
    beside.run(&options).await.is(Outcome::Refused, "DeletionsUnsupported");
}

async fn a_collection_that_does_otherwise_than_its_dry_run_is_ended(version: Version) {
    let registry = registry(version).await;
    let store = registry.store();
    let real = registry.try_garbage_collect(&["--dry-run"]).await.unwrap().output;
    let layer = image("v1").blob_digests()[1].clone();
    let line = real.lines().find(|line| line.starts_with("blob eligible")).unwrap();
    for (printed, outcome, reason) in [
        (
            real.replace(line, &format!("blob eligible for deletion: {layer}")),
            Outcome::Incomplete,
            "GarbageCollectContradicted",
        ),
        (real.replace(", 2 blobs", ", 3 blobs"), Outcome::Incomplete, "GarbageCollectContradicted"),
        ("Usage:\n".to_owned(), Outcome::Incomplete, "OutputNotUnderstood"),
    ] {
        let beside = Beside::of(&registry, version);
        let output = beside.file("output", &printed);
        let went_on = beside.home.path().join("went-on");
        let sweep = format!("cat {output}; sleep 20; touch {}", quoted(&went_on));
        let beside = beside.with_program(version, "exec $real \"$@\"", &sweep);
        let ended = beside.run(&[COLLECT]).await.is(outcome, reason).says("run it again");
        assert_eq!(ended.code, Some(5));
        assert!(!went_on.exists());
    }
    // It deletes what it does not tell of, and somebody pushes.
    let beside = Beside::of(&registry, version);
    let lost = format!("$real \"$@\"; rm {}", quoted(&store.blob(&layer)));
    let beside = beside.with_program(version, "exec $real \"$@\"", &lost);
    let copy = fs::read(store.blob(&layer)).unwrap();
    let ended = beside.run(&[COLLECT]).await.is(Outcome::Damaged, "KeptLost").says(layer.as_str());
    assert_eq!(ended.code, Some(6));
    fs::write(store.blob(&layer), copy).unwrap();

    registry.restart_as(|it| it.read_only(false)).await;
    registry.pusher().upload("app", b"garbage again").await.unwrap();
    let beside = Beside::of(&registry, version);
    let tags = store.repository("app").join("_manifests/tags");
    let pushed = format!("$real \"$@\"; cp -r {} {}", quoted(&tags.join("v1")), quoted(&tags.join("pushed")));
    let beside = beside.with_program(version, "exec $real \"$@\"", &pushed);
    beside.run(&[COLLECT]).await.is(Outcome::Damaged, "StoreWritten").says("app:pushed");
}

async fn damage_is_named_before_anything_is_deleted(version: Version) {
    let (index, v1) = (Artifact::index([image("one"), image("two")]), image("v1"));
    for (name, is_cut, damaged) in [
        ("a cut manifest", true, v1.digest()),
        ("a missing layer", false, v1.blob_digests()[2].clone()),
        ("a cut config", true, image("two").blob_digests()[0].clone()),
        ("a missing child", false, image("one").digest()),
        ("a cut index", true, index.digest()),
    ] {
        let registry = registry(version).await;
        let store = registry.store();
        if is_cut {
            store.truncate_blob(&damaged);
        } else {
            store.remove_blob(&damaged);
        }
        let before = store.files();
        let beside = Beside::of(&registry, version);
        for options in [&[COLLECT][..], &["--dry-run"]] {
            let ended = beside.run(options).await.is(Outcome::Refused, "KeptDamaged").says(damaged.as_str());
            assert_eq!(ended.code, Some(3), "{name}");
        }
        assert_eq!(store.files(), before, "{name}");
    }
}

/// 2.8 finds repositories by their layers, so that it deletes all of one that has lost its folder of them.
async fn a_repository_that_the_collector_does_not_see_is_a_veto(version: Version) {
    let registry = registry(version).await;
    fs::remove_dir_all(registry.store().repository("app").join("_layers")).unwrap();
    let before = registry.store().files();
    let reason = if version == Version::V2_8 { "KeptWouldBeDeleted" } else { "GarbageCollectFailed" };
    Beside::of(&registry, version).run(&[COLLECT]).await.is(Outcome::Refused, reason);
    assert_eq!(registry.store().files(), before);
}
