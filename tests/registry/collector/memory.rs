use std::fs;
use std::time::Duration;

use registry_retention::collection::garbage::Outcome;
use registry_retention::oci::Digest;

use super::{Beside, COLLECT, Ended, image};
use crate::support::{Registry, Version, both_versions};

both_versions![an_output_of_any_length_takes_the_same_little_memory];

/// The most that a collector of 12,000 blobs may take, in KiB.
const MOST: u64 = 80_000;

/// The most memory that a process had, in KiB, as far as it was looked at.
async fn peak(child: tokio::process::Child) -> (u64, Ended) {
    let path = format!("/proc/{}/status", child.id().unwrap());
    let (tell, mut peak) = tokio::sync::watch::channel(0);
    let watching = tokio::spawn(async move {
        while let Ok(status) = fs::read_to_string(&path) {
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            if let Some(kib) = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()) {
                tell.send_replace(kib);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let ended = Ended::of(child).await;
    watching.abort();
    let kib = *peak.borrow_and_update();
    assert!(kib > 1_000, "{kib} KiB: nobody looked");
    (kib, ended)
}

/// 12,000 blobs that nothing needs, and a dry run that prints 200 MB.
async fn an_output_of_any_length_takes_the_same_little_memory(version: Version) {
    let registry = Registry::start(version).await;
    registry.pusher().push("app", "v1", &image("v1")).await;
    let store = registry.store();
    for n in 0..12_000 {
        let bytes = format!("garbage {n}");
        let path = store.blob(&Digest::of(bytes.as_bytes()));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    registry.restart_as(|it| it.read_only(true)).await;
    let layer = &image("v1").blob_digests()[1];
    let line = format!("app: marking blob {layer}");
    let verbose = format!("$real \"$@\" | sed '/^app$/q'; yes '{line}' | head -n 2000000; $real \"$@\" | sed 1d");
    let beside = Beside::of(&registry, version).with_program(version, &verbose, "exec $real \"$@\"");
    let (kib, ended) = peak(beside.spawn(&[COLLECT])).await;
    let ended = ended.is(Outcome::Collected, "Collected");
    assert_eq!(ended.account.deleted.unwrap().blobs, 12_000);
    assert!(kib < MOST, "{kib} KiB");
    assert!(ended.said.len() < 5_000, "it prints nothing for each blob: {}", ended.said.len());
}
