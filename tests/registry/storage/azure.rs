use tokio::process::Command;

use super::buckets::{refused, run};
use crate::support::{Artifact, AzureServer, ObjectServer, Registry, Version};

const KEY: &str = "REGISTRY_STORAGE_AZURE_ACCOUNTKEY";
const TYPE: &str = "REGISTRY_STORAGE_AZURE_CREDENTIALS_TYPE";

/// Under Azure's names and the emulator's, and with the key in the environment's own place.
#[tokio::test(flavor = "multi_thread")]
async fn a_container_is_reached_as_the_registry_reaches_it() {
    let server = AzureServer::start(&["images"]).await;
    let url = server.url();
    let server = ObjectServer::Azure(server);
    let registry = Registry::builder(Version::V3_1).bucket(&server, "images", "").start().await;
    registry.pusher().push("app", "v1", &Artifact::image("one").build()).await;
    let untrusted = ("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt");
    let direct = ("HTTPS_PROXY", "");
    for over in [
        vec![("REGISTRY_STORAGE_AZURE_REALM", "core.windows.net")],
        vec![("REGISTRY_STORAGE_AZURE_SERVICEURL", url.as_str()), direct],
        vec![
            ("REGISTRY_STORAGE_AZURE_SERVICEURL", url.as_str()),
            ("REGISTRY_STORAGE_AZURE_SKIPVERIFY", "true"),
            direct,
            untrusted,
        ],
        vec![(TYPE, "default_credentials"), (KEY, ""), AzureServer::LOGIN],
    ] {
        let (output, inventory) = run(&server, &registry, &over).await;
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(inventory.map(|inventory| inventory.repositories.len()), Some(1), "{over:?}: {told}");
    }
    // Who is not trusted is not asked.
    let told = refused(&server, &registry, &[untrusted]).await;
    assert!(told.contains("azure://images of the account acme: it does not answer"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_is_not_there_and_a_wrong_login_are_said() {
    let server = ObjectServer::azure(&["images"]).await;
    let registry = Registry::builder(Version::V3_1).bucket(&server, "images", "").start().await;
    let missing = ("REGISTRY_STORAGE_AZURE_CONTAINER", "missing");
    let nobody = ("AZURE_MSI_ENDPOINT", "http://127.0.0.1:1/token");
    for (over, parts) in [
        (vec![missing], ["404 (ContainerNotFound)", "check container, account and endpoint"]),
        (vec![(KEY, "aHVzaA==")], ["403 (AuthorizationFailure)", "the role Storage Blob Data Reader"]),
        (vec![(KEY, "hush!")], ["it cannot be asked", "check container, account and endpoint, and the login"]),
        (
            vec![(TYPE, "default_credentials"), (KEY, ""), nobody],
            ["there is no login for it, and this machine has none to give", "set AZURE_STORAGE_ACCOUNT_KEY"],
        ),
        (vec![("REGISTRY_STORAGE_AZURE_CREDENTIALS", "")], ["what 2.8 stores in Azure cannot be read", "credentials"]),
    ] {
        let told = refused(&server, &registry, &over).await;
        for part in parts {
            assert!(told.contains(part) && told.contains("no inventory was made"), "{part:?} is not in {told}");
        }
        assert!(!told.contains("hush") && !told.contains("aHVzaA"), "{told}");
    }
}

/// In the terminal, where the location says where, with a login of the environment.
#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_reads_a_container() {
    let server = ObjectServer::azure(&["images"]).await;
    let registry = Registry::builder(Version::V3_1).bucket(&server, "images", "root").start().await;
    registry.pusher().push("app", "v1", &Artifact::image("one").build()).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_registry-retention"));
    command.args(["inventory", "--storage", "azure://images/root?account=acme"]);
    command.env_clear().envs(server.environment()).envs([AzureServer::LOGIN]);
    let output = command.output().await.unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let found = "azure://images/root of the account acme: 1 repository, 1 tag, 1 manifest";
    assert!(output.status.success() && told.contains(found), "{told}");
}
