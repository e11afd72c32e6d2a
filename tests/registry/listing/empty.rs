//! Repositories without a tag.

use crate::desk::{Desk, rules};
use crate::support::{Artifact, Registry, Version, both_versions};

both_versions![an_emptied_repository_is_no_fault, a_registry_without_repositories_is_no_fault];

const ALL: &str = "[{name: all, repositories: {include: ['**']}, tags: {include: ['*']}, action: Delete}]";

async fn an_emptied_repository_is_no_fault(version: Version) {
    let registry = Registry::start(version).await;
    let image = Artifact::image("app").created("2026-01-01T00:00:00Z").layers(1, 500).build();
    for repository in ["emptied", "app"] {
        registry.pusher().push(repository, "v1", &image).await;
        registry.pusher().push(repository, "v2", &image.clone().annotated("n", "2")).await;
    }
    for digest in [image.digest(), image.clone().annotated("n", "2").digest()] {
        assert!(registry.pusher().delete("emptied", digest.as_str()).await.is_success());
    }
    assert_eq!(registry.pusher().tags("emptied").await.unwrap_or_default(), Vec::<String>::new());
    let mut desk = Desk::at(&registry);
    let policies = rules(ALL);
    let plan = desk.plan(&policies).await.unwrap();
    let names: Vec<&str> = plan.repositories.iter().map(|repository| repository.name.as_str()).collect();
    assert_eq!((names, plan.totals().tags), (vec!["app", "emptied"], 2));
    let report = desk.prune(&policies).await.unwrap();
    // The newest tag of a repository stays, by the default of `limits.minTagsPerRepository`.
    assert!(report.is_complete() && report.deleted_tags == 1, "{report:?}");
    let verified = desk.verify().await;
    assert_eq!((verified.tags, verified.findings), (1, vec![]));
    assert!(desk.prune(&policies).await.unwrap().is_complete());
    registry.garbage_collect().await;
    registry.restart().await;
    assert_eq!(desk.verify().await.findings, []);
}

async fn a_registry_without_repositories_is_no_fault(version: Version) {
    let registry = Registry::start(version).await;
    let mut desk = Desk::at(&registry);
    for policies in [rules(ALL), rules(&ALL.replace("'**'", "absent, also/absent"))] {
        assert_eq!(desk.plan(&policies).await.unwrap().totals().tags, 0);
        let report = desk.prune(&policies).await.unwrap();
        assert!(report.is_complete() && report.deleted_tags == 0, "{report:?}");
        assert_eq!(desk.verify().await.findings, []);
    }
    assert!(registry.store().files().is_empty());
}
