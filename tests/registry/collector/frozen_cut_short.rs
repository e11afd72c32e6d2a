use std::fs;
use std::path::Path;

use registry_retention::collection::garbage::Outcome;
use tokio::process::{Child, Command};

use super::{Beside, Ended, delete, image, until};
use crate::support::{Registry, Version, both_versions};

both_versions![
    a_run_that_is_killed_while_it_deletes_is_finished_by_the_next,
    whoever_is_told_to_end_while_it_deletes_ends_its_registry,
];

const OLD: usize = 250;

/// Many images that go, and two that stay, one of them the brother of one that goes.
async fn registry(version: Version) -> (Registry, Vec<String>) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    pusher.push("app", "v1", &image("v1")).await;
    let names: Vec<String> = (0..OLD).map(|n| format!("old-{n}")).collect();
    let tagged: Vec<_> = names.iter().map(|name| (name.clone(), image(name))).collect();
    pusher.push_all("app", &tagged).await;
    registry.restart_as(|it| it.read_only(true)).await;
    let lines = names.iter().map(|name| delete("app", &image(name), &[name])).collect();
    (registry, lines)
}

fn spawn(beside: &Beside, lines: &[String]) -> Child {
    let options = beside.plan(lines);
    beside.spawn(&options.iter().map(String::as_str).collect::<Vec<_>>())
}

fn manifests(registry: &Registry) -> usize {
    registry.store().links("app").iter().filter(|link| link.to_str().unwrap().contains("/revisions/")).count()
}

/// The processes that were told of a file in this folder.
fn processes(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let of = |entry: fs::DirEntry| {
        let id = entry.file_name().into_string().ok().filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).into_owned();
        (line.contains("serve") && line.contains(folder)).then_some(id)
    };
    fs::read_dir("/proc").unwrap().flatten().filter_map(of).collect()
}

async fn signal(name: &str, id: &str) {
    assert!(Command::new("kill").args([name, id]).status().await.unwrap().success());
}

async fn finish(registry: &Registry, beside: &Beside, lines: &[String]) {
    let ended = beside.carry_out(lines).await.is(Outcome::Collected, "Collected");
    assert_eq!(ended.pruned().2, 0, "{}", ended.said);
    assert_eq!((manifests(registry), registry.store().blobs().len()), (1, 4), "{}", ended.said);
    assert_eq!(registry.pusher().tags("app").await.unwrap(), ["v1"]);
    assert_eq!(registry.pusher().is_whole("app", "v1").await, Ok(()));
}

/// The registry's process is halted in the middle of a deletion, and dies with the collector.
async fn a_run_that_is_killed_while_it_deletes_is_finished_by_the_next(version: Version) {
    let (registry, lines) = registry(version).await;
    let beside = Beside::of(&registry, version);
    let mut child = spawn(&beside, &lines);
    let scratch = beside.home.path().join("scratch");
    until("a manifest less", || manifests(&registry) <= OLD).await;
    let served = processes(&scratch);
    assert_eq!(served.len(), 1);
    signal("-STOP", &served[0]).await;
    let left = manifests(&registry);
    assert!(left > 1, "it was too fast");
    child.kill().await.unwrap();
    until("no process", || processes(&scratch).is_empty()).await;
    assert_eq!(manifests(&registry), left);
    // What it left in the scratch folder is nobody's.
    fs::remove_dir_all(&scratch).unwrap();
    finish(&registry, &beside, &lines).await;
}

async fn whoever_is_told_to_end_while_it_deletes_ends_its_registry(version: Version) {
    let (registry, lines) = registry(version).await;
    let beside = Beside::of(&registry, version);
    let child = spawn(&beside, &lines);
    until("a manifest less", || manifests(&registry) <= OLD).await;
    signal("-TERM", &child.id().unwrap().to_string()).await;
    let ended = Ended::of(child).await.is(Outcome::Incomplete, "Stopped").says("and no blob; run it again");
    assert_eq!(ended.code, Some(143), "{}", ended.said);
    assert!(processes(&beside.home.path().join("scratch")).is_empty());
    assert!(manifests(&registry) > 1, "it was too fast");
    finish(&registry, &beside, &lines).await;
}
