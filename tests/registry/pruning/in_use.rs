//! What workloads use stays, however they name it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use registry_retention::oci::Digest;
use registry_retention::retention::{InUse, Policy, StoredPlan, entries};
use registry_retention::worker::{Report, Workloads, WorkloadsError};

use crate::aftermath::{exactly_survives, is_there, tags};
use crate::desk::{Desk, condemned, in_use, reason, rules, set};
use crate::support::{Artifact, Registry, Version, both_versions};

both_versions![
    what_is_in_use_stays_however_it_is_named,
    what_an_untagged_index_in_use_needs_stays,
    what_comes_into_use_after_the_first_deletion_stays,
    what_an_untagged_index_needs_stays_when_that_comes_into_use,
];

const PR: &str = "[{name: pr, repositories: {include: [app]}, tags: {include: ['pr-*']}, action: Delete}]";

fn image(seed: &str) -> Artifact {
    Artifact::image(seed).created("2026-01-01T00:00:00Z").layers(1, 500).build()
}

fn config_of(artifact: &Artifact) -> String {
    artifact.manifest["config"]["digest"].as_str().expect("an image").to_owned()
}

async fn shop(version: Version, tagged: &[(&str, Artifact)]) -> Registry {
    let registry = Registry::start(version).await;
    registry.pusher().push("app", "v1", &image("released")).await;
    for (tag, artifact) in tagged {
        registry.pusher().push("app", tag, artifact).await;
    }
    registry
}

async fn what_is_in_use_stays_however_it_is_named(version: Version) {
    let (child, index) = (image("child"), Artifact::index([image("amd64"), image("arm64")]));
    let tagged = [
        ("pr-tag", image("tag")),
        ("pr-digest", image("digest")),
        ("pr-config", image("config")),
        ("pr-holds-child", Artifact::index([Artifact::index([child.clone()]), image("other")])),
        ("pr-index", index.clone()),
        ("pr-arm64", image("arm64")),
        ("pr-gone", image("gone")),
        ("pr-gone-index", Artifact::index([image("gone"), image("other")])),
    ];
    let registry = shop(version, &tagged).await;
    let mut desk = Desk::at(&registry);
    desk.in_use = in_use([
        "elsewhere.example:5000/app:pr-tag",
        &format!("r.example/wrong@{}", image("digest").digest()),
        &config_of(&image("config")),
        &format!("docker-pullable://r.example/wrong@{}", child.digest()),
        &format!("r.example/app:gone-since@{}", index.digest()),
    ]);
    let policies = rules(PR);
    let plan = desk.plan(&policies).await.unwrap();
    let used = ["pr-tag", "pr-digest", "pr-config", "pr-holds-child", "pr-index", "pr-arm64"];
    for tag in used {
        assert_eq!(reason(&plan, "app", tag), "InUse", "{tag}");
    }
    assert_eq!(condemned(&plan, "app"), set(["pr-gone", "pr-gone-index"]));
    let report = desk.prune(&policies).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
    assert!(!is_there(&registry, "app", &image("gone").digest()).await);
    let left = used.into_iter().chain(["v1"]);
    exactly_survives(&registry, "app", &set(left)).await;
}

async fn what_an_untagged_index_in_use_needs_stays(version: Version) {
    let index = Artifact::index([Artifact::index([image("deep")]), image("child")]);
    let tagged = [("pr-deep", image("deep")), ("pr-child", image("child")), ("pr-gone", image("gone"))];
    let registry = shop(version, &tagged).await;
    let digest = registry.pusher().push_untagged("app", &index).await;
    let mut desk = Desk::at(&registry);
    let missing = format!("r.example/app@{}", Digest::of(b"nowhere"));
    desk.in_use = in_use([missing.as_str(), &format!("r.example/app@{digest}")]);
    let report = desk.prune(&rules(PR)).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
    exactly_survives(&registry, "app", &set(["v1", "pr-deep", "pr-child"])).await;
    assert_eq!(registry.pusher().is_whole("app", digest.as_str()).await, Ok(()));
}

/// Workloads that come when they have been asked for so many times: once for a batch, once before each operation.
struct Coming {
    asked: AtomicUsize,
    times: usize,
    then: Arc<InUse>,
}

impl Workloads for Coming {
    fn in_use(&self) -> Result<Arc<InUse>, WorkloadsError> {
        let came = self.asked.fetch_add(1, Ordering::SeqCst) >= self.times;
        Ok(if came { Arc::clone(&self.then) } else { Arc::default() })
    }
}

/// Carries out what was planned when nothing was in use.
async fn prune_beside(registry: &Registry, policies: &[Policy], times: usize, images: &[String]) -> Report {
    let mut desk = Desk::at(registry);
    let plan = desk.plan(policies).await.unwrap();
    let stored = StoredPlan::new(entries(&plan), Vec::new(), desk.now);
    let then = in_use(images.iter().map(String::as_str));
    let workloads = Coming { asked: AtomicUsize::new(0), times, then };
    let report = desk.carry_out_beside(&workloads, policies, &stored).await.unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert!(desk.journal.0.is_empty(), "{:?}", desk.journal.0);
    for skipped in &report.skipped {
        assert_eq!(skipped.why, "Pod shop/web-1 came to use it meanwhile");
    }
    report
}

async fn what_comes_into_use_after_the_first_deletion_stays(version: Version) {
    let names = ["pr-1", "pr-2", "pr-3"];
    let by_tag = |tag: &str| format!("r.example/app:{tag}");
    let by_digest = |tag: &str| format!("r.example/other@{}", image(tag).digest());
    let by_config = |tag: &str| config_of(&image(tag));
    for way in [&by_tag as &(dyn Fn(&str) -> String + Sync), &by_digest, &by_config] {
        let registry = shop(version, &names.map(|tag| (tag, image(tag)))).await;
        let images = names.map(way);
        let report = prune_beside(&registry, &rules(PR), 2, &images).await;
        assert_eq!(report.deleted_tags, 1, "{report:?}");
        let left = tags(&registry, "app").await;
        assert_eq!(left.len(), 3, "{left:?}");
        exactly_survives(&registry, "app", &left).await;
        // 3.x had removed a tag, and leaves its manifest.
        assert_eq!(report.deleted_manifests, usize::from(version == Version::V2_8), "{report:?}");
    }
}

async fn what_an_untagged_index_needs_stays_when_that_comes_into_use(version: Version) {
    let index = Artifact::index([Artifact::index([image("deep")]), image("child")]);
    let registry = shop(version, &[("pr-deep", image("deep")), ("pr-child", image("child"))]).await;
    let digest = registry.pusher().push_untagged("app", &index).await;
    let report = prune_beside(&registry, &rules(PR), 1, &[format!("r.example/app@{digest}")]).await;
    assert_eq!((report.deleted_tags, report.deleted_manifests), (0, 0), "{report:?}");
    assert!(report.skipped.len() >= 2, "{report:?}");
    exactly_survives(&registry, "app", &set(["v1", "pr-deep", "pr-child"])).await;
    assert_eq!(registry.pusher().is_whole("app", digest.as_str()).await, Ok(()));
}
