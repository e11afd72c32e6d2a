//! Nested names, and patterns over them.

use std::collections::BTreeSet;

use crate::desk::{Desk, rules, set};
use crate::support::{Artifact, Registry, Version, both_versions};

both_versions![one_star_stays_in_a_segment_and_two_cross_them];

const REPOSITORIES: [&str; 6] = ["apps", "apps/shop", "apps/shop/cart", "apps/shop/cart/db", "apps-old/shop", "other"];

async fn one_star_stays_in_a_segment_and_two_cross_them(version: Version) {
    let registry = Registry::start(version).await;
    let desk = Desk::at(&registry);
    for repository in REPOSITORIES {
        for tag in ["pr-1", "v1"] {
            let seed = format!("{repository}:{tag}");
            let image = Artifact::image(seed).created("2026-01-01T00:00:00Z").layers(1, 100).build();
            registry.pusher().push(repository, tag, &image).await;
        }
    }
    let policies = |include: &str, exclude: &str| {
        rules(&format!(
            "[{{name: pr, repositories: {{include: [{include}], exclude: [{exclude}]}}, tags: {{include: ['pr-*']}}, \
             action: Delete}}]"
        ))
    };
    let table = [
        ("'*'", "", set(["apps", "other"])),
        ("'apps/*'", "", set(["apps/shop"])),
        ("'apps/**'", "", set(["apps/shop", "apps/shop/cart", "apps/shop/cart/db"])),
        ("'**'", "", REPOSITORIES.map(str::to_owned).into()),
        ("'**'", "'apps/**'", set(["apps", "apps-old/shop", "other"])),
        ("'*/shop'", "", set(["apps/shop", "apps-old/shop"])),
        ("'apps/*/cart'", "", set(["apps/shop/cart"])),
        ("'apps/**/db', other", "'apps/shop/*'", set(["apps/shop/cart/db", "other"])),
    ];
    for (include, exclude, expected) in table {
        let plan = desk.plan(&policies(include, exclude)).await.unwrap();
        let condemned = plan.tags().filter(|(_, tag)| tag.verdict.is_condemned());
        let reached: BTreeSet<String> = condemned.map(|(name, _)| name.to_string()).collect();
        assert_eq!(reached, expected, "{include} without {exclude}");
    }

    let mut desk = desk;
    let report = desk.prune(&policies("'apps/**'", "'apps/shop/cart'")).await.unwrap();
    assert!(report.is_complete() && report.deleted_tags == 2, "{report:?}");
    registry.garbage_collect().await;
    registry.restart().await;
    for repository in REPOSITORIES {
        let gone = ["apps/shop", "apps/shop/cart/db"].contains(&repository);
        let expected: &[&str] = if gone { &["v1"] } else { &["pr-1", "v1"] };
        assert_eq!(registry.pusher().tags(repository).await.unwrap(), expected, "{repository}");
        for tag in expected {
            assert_eq!(registry.pusher().is_whole(repository, tag).await, Ok(()), "{repository}:{tag}");
        }
    }
}
