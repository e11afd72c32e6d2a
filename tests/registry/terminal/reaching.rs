//! Logins and certificates, as they are given on the command line and in the environment.

use super::{PR, Resource, Terminal, push};
use crate::aftermath::exactly_is_whole;
use crate::desk::set;
use crate::support::{Authority, Credentials, Registry, Version, both_versions};

both_versions![
    a_password_comes_from_standard_input,
    a_login_comes_from_the_configuration_of_docker,
    an_authority_is_trusted
];

const LOGIN: &str = "--username robot --password-stdin";

async fn guarded(version: Version) -> Registry {
    let registry = Registry::builder(version).basic_auth(&Credentials::new("robot", "s3cret")).start().await;
    push(&registry, &["v1", "pr-1"]).await;
    registry
}

async fn a_password_comes_from_standard_input(version: Version) {
    let registry = guarded(version).await;
    let before = registry.store().files();
    let wrong = Terminal::new().with_password("wr0ng");
    wrong.resources(&[Resource::of(&registry, PR)]);
    for line in ["plan -f -v", "prune -f --yes -v", "explain app:pr-1 -f", "verify -f"] {
        // `cm9ib3Q6` is how any password of robot's travels.
        let refused = wrong.run(&format!("{line} {LOGIN}")).await.code(3).conceals(&["wr0ng", "cm9ib3Q6"]);
        refused.says(&["error: ", registry.url(), "login"]);
    }
    wrong.run("plan -f").await.code(3).says(&["login"]);
    assert_eq!(registry.store().files(), before);

    let right = Terminal::new().with_password("s3cret");
    right.resources(&[Resource::of(&registry, PR)]);
    right
        .run(&format!("plan -f {LOGIN} -v"))
        .await
        .code(0)
        .says(&[LOGIN.split(' ').next().unwrap()])
        .conceals(&["s3cret", "cm9ib3Q6"]);
    let pruned = right.run(&format!("prune -f --yes {LOGIN} -v")).await.code(0);
    pruned.says(&["Deleted 1 tag and 1 manifest."]).conceals(&["s3cret", "cm9ib3Q6"]);
    exactly_is_whole(&registry, "app", &set(["v1"])).await;
    right.run(&format!("verify -f --rehash {LOGIN}")).await.code(0);
}

async fn a_login_comes_from_the_configuration_of_docker(version: Version) {
    let registry = guarded(version).await;
    let terminal = Terminal::new();
    terminal.resources(&[Resource::of(&registry, PR)]);
    // robot:s3cret
    let auths = serde_json::json!({"auths": {registry.host(): {"auth": "cm9ib3Q6czNjcmV0"}}});
    let config = terminal.file("config.json", &auths.to_string());
    terminal.run("plan -f").await.code(3);
    terminal.run(&format!("plan -f --docker-config {config}")).await.code(0).says(&["pr-1"]);
    let folder = terminal.home.path().to_owned();
    let terminal = terminal.with("DOCKER_CONFIG", folder);
    let pruned = terminal.run("prune -f --yes").await.code(0);
    pruned.says(&["Deleted 1 tag and 1 manifest."]).conceals(&["s3cret", "cm9ib3Q6"]);
    exactly_is_whole(&registry, "app", &set(["v1"])).await;
}

async fn an_authority_is_trusted(version: Version) {
    let authority = Authority::new();
    let registry = Registry::builder(version).mutual_tls(&authority).start().await;
    push(&registry, &["v1", "pr-1"]).await;
    let terminal = Terminal::new();
    terminal.resources(&[Resource::of(&registry, PR)]);
    let identity = authority.client();
    let ca = format!("--ca {}", terminal.file("ca.pem", &authority.certificate()));
    let other = format!("--ca {}", terminal.file("other.pem", &Authority::new().certificate()));
    let certificate = format!(
        "--cert {} --key {}",
        terminal.file("cert.pem", &identity.certificate),
        terminal.file("key.pem", &identity.key)
    );
    let before = registry.store().files();
    terminal.run("prune -f --yes").await.code(3).says(&["certificate"]);
    terminal.run(&format!("prune -f --yes {other} {certificate}")).await.code(3).says(&["certificate"]);
    terminal.run(&format!("prune -f --yes {ca}")).await.code(3);
    assert_eq!(registry.store().files(), before);
    terminal.run(&format!("plan -f {ca} {certificate}")).await.code(0).says(&[&ca, "--cert ", "--key "]);
    terminal.run(&format!("prune -f --yes {ca} {certificate}")).await.code(0).says(&["Deleted 1 tag and 1 manifest."]);
    exactly_is_whole(&registry, "app", &set(["v1"])).await;

    let registry = Registry::builder(version).tls(&authority).start().await;
    push(&registry, &["v1", "pr-1"]).await;
    terminal.resources(&[Resource::of(&registry, PR)]);
    terminal.run(&format!("prune -f --yes {ca}")).await.code(0).says(&["Deleted 1 tag and 1 manifest."]);
    exactly_is_whole(&registry, "app", &set(["v1"])).await;
}
