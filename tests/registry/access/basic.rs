//! Name and password.

use registry_retention::registry::{Access, Credentials as Login, Tls};
use registry_retention::retention::{StoredPlan, entries};

use super::{PR, is_pruned, login, shop};
use crate::desk::{Desk, rules};
use crate::support::{Credentials, Registry, Version, both_versions};

both_versions![the_right_password_prunes, a_wrong_password_does_nothing_and_is_not_shown];

async fn guarded(version: Version) -> Registry {
    let registry = Registry::builder(version).basic_auth(&Credentials::new("robot", "s3cret")).start().await;
    shop(&registry.pusher()).await;
    registry
}

async fn the_right_password_prunes(version: Version) {
    let registry = guarded(version).await;
    let access = Access { credentials: login("robot", "s3cret"), tls: Tls::default() };
    let mut desk = Desk::at_url(registry.url(), access);
    let report = desk.prune(&rules(PR)).await.unwrap();
    assert!(report.is_complete() && report.deleted_tags == 1, "{report:?}");
    assert_eq!(desk.verify().await.findings, []);
    is_pruned(&registry, &registry.pusher()).await;
}

async fn a_wrong_password_does_nothing_and_is_not_shown(version: Version) {
    let registry = guarded(version).await;
    let (policies, before) = (rules(PR), registry.store().files());
    let right = Access { credentials: login("robot", "s3cret"), tls: Tls::default() };
    let plan = Desk::at_url(registry.url(), right).plan(&policies).await.unwrap();
    for credentials in [Login::Anonymous, login("robot", "s3cre7"), login("nobody", "s3cre7")] {
        let mut desk = Desk::at_url(registry.url(), Access { credentials, tls: Tls::default() });
        let error = desk.plan(&policies).await.unwrap_err();
        assert_eq!(error.reason(), "Unauthorized");
        // The plan of somebody else, whose password was changed since.
        let stored = StoredPlan::new(entries(&plan), Vec::new(), desk.now);
        let report = desk.carry_out(&policies, &stored).await.unwrap();
        assert_eq!((report.deleted_tags, report.deleted_manifests), (0, 0));
        let stopped = report.stopped.expect("it says why it stopped").to_string();
        for said in [error.to_string(), format!("{error:?}"), stopped, format!("{:?}", desk.client)] {
            // `cm9ib3Q6czNjcmU3` is how the login travels.
            assert!(!said.contains("s3cre") && !said.contains("cm9ib3Q6"), "{said}");
        }
        assert!(desk.journal.0.is_empty());
    }
    assert_eq!(registry.store().files(), before);
}
