//! Certificates: the server's, and the client's where it is asked for one.

use registry_retention::registry::{Access, ClientCertificate, Credentials, Tls};

use super::{PR, is_pruned, shop};
use crate::desk::{Desk, rules};
use crate::support::{Authority, Registry, Version, both_versions};

both_versions![a_registry_is_trusted_by_its_authority_alone, a_registry_may_want_a_certificate];

fn desk(registry: &Registry, tls: Tls) -> Desk {
    Desk::at_url(registry.url(), Access { credentials: Credentials::Anonymous, tls })
}

fn trusting(authority: &Authority) -> Tls {
    Tls { ca: Some(authority.certificate().into_bytes()), client: None }
}

async fn a_registry_is_trusted_by_its_authority_alone(version: Version) {
    let authority = Authority::new();
    let registry = Registry::builder(version).tls(&authority).start().await;
    shop(&registry.pusher()).await;
    let before = registry.store().files();
    for tls in [Tls::default(), trusting(&Authority::new())] {
        let error = desk(&registry, tls).plan(&rules(PR)).await.unwrap_err();
        assert_eq!(error.reason(), "CertificateRefused", "{error}");
    }
    assert_eq!(registry.store().files(), before);
    let report = desk(&registry, trusting(&authority)).prune(&rules(PR)).await.unwrap();
    assert!(report.is_complete() && report.deleted_tags == 1, "{report:?}");
    is_pruned(&registry, &registry.pusher()).await;
}

async fn a_registry_may_want_a_certificate(version: Version) {
    let authority = Authority::new();
    let registry = Registry::builder(version).mutual_tls(&authority).start().await;
    shop(&registry.pusher()).await;
    let before = registry.store().files();
    // A server that ends the connection with its refusal may take the words away before they are read.
    let error = desk(&registry, trusting(&authority)).plan(&rules(PR)).await.unwrap_err();
    assert!(["TlsMisconfigured", "Interrupted"].contains(&error.reason()), "{error}");
    assert_eq!(registry.store().files(), before);

    let identity = authority.client();
    let client = ClientCertificate { certificate: identity.certificate.into(), key: identity.key.into() };
    let tls = Tls { client: Some(client), ..trusting(&authority) };
    let report = desk(&registry, tls).prune(&rules(PR)).await.unwrap();
    assert!(report.is_complete() && report.deleted_tags == 1, "{report:?}");
    is_pruned(&registry, &registry.pusher()).await;
}
