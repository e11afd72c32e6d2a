//! Images of several platforms: an index that stays keeps whatever it lists, at any depth, and nothing else does.

use crate::aftermath::{exactly_survives, is_there, tags};
use crate::desk::{Desk, condemned, reason, rules, set};
use crate::support::{Artifact, Registry, Relay, Version, both_versions};

both_versions![
    an_index_that_stays_keeps_its_children,
    a_tagged_child_of_an_index_that_stays_is_not_deleted,
    an_alias_of_an_index_that_stays_takes_nothing_along,
    an_index_goes_before_its_children,
];

const PR: &str = "[{name: pr, repositories: {include: [app]}, tags: {include: ['pr-*']}, action: Delete}]";

fn image(seed: &str) -> Artifact {
    Artifact::image(seed).created("2026-01-01T00:00:00Z").layers(2, 500).build()
}

fn docker(seed: &str) -> Artifact {
    Artifact::image(seed).docker().layers(1, 500).build()
}

async fn an_index_that_stays_keeps_its_children(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    let shared = Artifact::index([image("shared 1"), image("shared 2")]);
    for (tag, index) in [
        ("v1", Artifact::index([image("a"), image("b")])),
        ("pr-1", Artifact::index([image("b"), image("c")])),
        ("v2", Artifact::index([shared.clone(), image("d")])),
        ("pr-2", Artifact::index([shared, image("e")])),
        ("v3", Artifact::docker_list([docker("x"), docker("y")])),
        ("pr-3", Artifact::docker_list([docker("y"), docker("z")])),
        ("pr-4", Artifact::index([Artifact::index([Artifact::index([image("a")]), image("deep")]), image("e")])),
        ("v-c", image("c")),
    ] {
        pusher.push("app", tag, &index).await;
    }
    let mut desk = Desk::at(&registry);
    let policies = rules(PR);
    assert_eq!(condemned(&desk.plan(&policies).await.unwrap(), "app"), set(["pr-1", "pr-2", "pr-3", "pr-4"]));
    let report = desk.prune(&policies).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
    exactly_survives(&registry, "app", &set(["v1", "v2", "v3", "v-c"])).await;
    assert_eq!(desk.verify().await.findings, []);
}

async fn a_tagged_child_of_an_index_that_stays_is_not_deleted(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    let nested = Artifact::index([Artifact::index([image("deep")]), image("child")]);
    pusher.push("app", "v1", &nested).await;
    pusher.push("app", "pr-child", &image("child")).await;
    pusher.push("app", "pr-deep", &image("deep")).await;
    pusher.push("app", "pr-inner", &Artifact::index([image("deep")])).await;
    let policies = rules(PR);
    let mut desk = Desk::at(&registry);
    let plan = desk.plan(&policies).await.unwrap();
    let children = ["pr-child", "pr-deep", "pr-inner"];
    let report = desk.prune(&policies).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
    assert_eq!(report.deleted_manifests, 0);
    if version == Version::V2_8 {
        for tag in children {
            assert_eq!(reason(&plan, "app", tag), "ChildOfKeptIndex");
        }
        assert_eq!(tags(&registry, "app").await, set(["v1", "pr-child", "pr-deep", "pr-inner"]));
        desk.tombstones = true;
        let report = desk.prune(&policies).await.unwrap();
        assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
    }
    exactly_survives(&registry, "app", &set(["v1"])).await;
    for child in nested.children {
        assert!(is_there(&registry, "app", &child.digest()).await);
    }
}

async fn an_alias_of_an_index_that_stays_takes_nothing_along(version: Version) {
    let registry = Registry::start(version).await;
    let pusher = registry.pusher();
    let gone = Artifact::index([image("gone")]);
    pusher.push("app", "v1", &Artifact::index([image("a"), image("b")])).await;
    pusher.tag("app", "v1", "pr-1").await;
    pusher.push("app", "pr-2", &gone).await;
    pusher.tag("app", "pr-2", "pr-3").await;
    let mut desk = Desk::at(&registry);
    let policies = rules(PR);
    let report = desk.prune(&policies).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
    assert!(!is_there(&registry, "app", &gone.digest()).await);
    let left = if version == Version::V2_8 { set(["v1", "pr-1"]) } else { set(["v1"]) };
    exactly_survives(&registry, "app", &left).await;
}

async fn an_index_goes_before_its_children(version: Version) {
    let registry = Registry::start(version).await;
    let relay = Relay::start(&registry).await;
    let pusher = registry.pusher();
    let inner = Artifact::index([image("a"), image("b")]);
    let outer = Artifact::index([inner.clone(), image("c")]);
    for (tag, artifact) in [("pr-a", &image("a")), ("pr-c", &image("c")), ("pr-inner", &inner), ("pr-outer", &outer)] {
        pusher.push("app", tag, artifact).await;
    }
    // More tags alone do not make a child go first.
    for alias in ["pr-a-1", "pr-a-2"] {
        pusher.tag("app", "pr-a", alias).await;
    }
    pusher.push("app", "v1", &image("b")).await;
    let mut desk = Desk::at_url(relay.url(), registry_retention::registry::Access::default());
    let report = desk.prune(&rules(PR)).await.unwrap();
    assert!(report.is_complete() && report.skipped.is_empty(), "{report:?}");
    let lines = relay.lines();
    let at = |artifact: &Artifact| {
        let delete = format!("DELETE /v2/app/manifests/{}", artifact.digest());
        lines.iter().position(|line| *line == delete).unwrap_or_else(|| panic!("{delete} in {lines:#?}"))
    };
    assert!(at(&outer) < at(&inner) && at(&inner) < at(&image("a")) && at(&outer) < at(&image("c")), "{lines:#?}");
    exactly_survives(&registry, "app", &set(["v1"])).await;
}
