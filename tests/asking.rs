//! The binary and the cluster, as far as it needs no registry: when one is asked, and what is refused.

#[path = "support/api_server.rs"]
mod api_server;
#[path = "support/output.rs"]
mod output;

use std::fs;
use std::process::{Command, Output};

use api_server::{ApiServer, DEPLOYMENTS, PODS, RETENTIONS};
use output::check;
use serde_json::{Value, json};

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    /// With a file of one resource that looks for workloads in `scope`, and whose registry does not answer.
    fn new(scope: &str) -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        desk.file(
            "team.yaml",
            &format!(
                "{{apiVersion: registry-retention.dev/v1alpha1, kind: RegistryRetention, metadata: {{name: mine}}, \
                 spec: {{registry: {{url: 'http://127.0.0.1:1'}}, protect: {{inUse: {{scope: {scope}}}}}, \
                 rules: [{{name: a, repositories: {{include: ['**']}}, tags: {{include: ['*']}}, action: Delete}}]}}}}\n"
            ),
        );
        desk
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    async fn run(&self, line: &str, environment: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_registry-retention"));
        command.args(line.split(' ')).arg("-f").arg(self.folder.path().join("team.yaml"));
        command.env_clear().env("HOME", self.folder.path()).envs(environment.iter().copied());
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }
}

/// What tells that the cluster let the command go on to the registry.
const WENT_ON: &[&str] = &["http://127.0.0.1:1", "no connection"];
const COMMANDS: [&str; 4] = ["plan", "prune", "prune --yes", "explain a:b"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_cluster_nothing_goes_on_that_needs_one() {
    for scope in ["Cluster", "Namespace"] {
        let desk = Desk::new(scope);
        for command in COMMANDS {
            let said = ["mine keeps what workloads use", "no kubeconfig", "nothing is deleted", "--ignore-cluster"];
            check(&desk.run(command, &[]).await, 2, &said);
            check(&desk.run(&format!("{command} --ignore-cluster"), &[]).await, 3, WENT_ON);
        }
    }
    let desk = Desk::new("None");
    for command in COMMANDS {
        check(&desk.run(command, &[]).await, 3, WENT_ON);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kubeconfig_that_is_there_must_be_good() {
    let desk = Desk::new("None");
    check(&desk.run("plan --kubeconfig /nowhere", &[]).await, 2, &["the kubeconfig cannot be used", "/nowhere"]);
    check(&desk.run("plan --context mine", &[]).await, 2, &["the kubeconfig cannot be used", ".kube/config"]);
    check(&desk.run("plan", &[("KUBECONFIG", "/nowhere")]).await, 2, &["the kubeconfig cannot be used"]);
    let file = desk.file(".kube/config", "users: [{name: a, user: {token: secret}}\n");
    let said = desk.run("plan", &[]).await;
    check(&said, 2, &["the kubeconfig cannot be used", "it is no kubeconfig"]);
    assert!(!String::from_utf8_lossy(&said.stderr).contains("secret"));
    check(&desk.run("plan --ignore-cluster", &[("KUBECONFIG", &file)]).await, 3, WENT_ON);
    let server = "{apiVersion: v1, kind: Config, current-context: t, clusters: [{name: t, cluster: {server: 'http://127.0.0.1:1'}}], \
                  users: [{name: t, user: {}}], contexts: [{name: t, context: {cluster: t, user: t}}]}";
    desk.file(".kube/config", server);
    let said = ["what other resources keep is not known", "registryretentions.registry-retention.dev", "refused"];
    check(&desk.run("plan", &[]).await, 3, &said);
    check(&desk.run("plan --context other", &[]).await, 2, &["other"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_holds_everything_up() {
    let desk = Desk::new("Cluster");
    let server = ApiServer::new();
    let kubeconfig = desk.file("kubeconfig", &server.kubeconfig().await);
    let environment = [("KUBECONFIG", kubeconfig.as_str())];
    for command in COMMANDS {
        check(&desk.run(command, &environment).await, 3, WENT_ON);
    }
    assert!(server.requests().iter().any(|line| line.contains("watch=true")), "prune --yes follows");
    server.answers(DEPLOYMENTS, "", 403, usize::MAX);
    let said = ["what workloads use is not known", "deployments.apps", "lacks the verb list", "--ignore-cluster"];
    for command in COMMANDS {
        check(&desk.run(command, &environment).await, 3, &said);
    }
    let json = desk.run("plan -q -o json", &environment).await;
    let document: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(document["registries"][0]["error"]["reason"], "WorkloadsUnreadable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_that_cannot_be_read_holds_its_registry_up() {
    let desk = Desk::new("Namespace");
    let server = ApiServer::new();
    let kubeconfig = desk.file("kubeconfig", &server.kubeconfig().await);
    let line = |command: &str| format!("{command} --kubeconfig {kubeconfig} --context test");
    server.put(PODS, "team", "web", json!({"spec": {"containers": [{"name": "a", "image": "127.0.0.1:1/App"}]}}));
    for command in COMMANDS {
        check(&desk.run(&line(command), &[]).await, 3, &["Pod team/web uses the image", "127.0.0.1:1/App"]);
    }
    assert!(server.requests().iter().filter(|line| !line.starts_with(RETENTIONS)).all(|line| line.contains("/team/")));
    server.remove(PODS, "team", "web");
    server.pod("elsewhere", "web", "127.0.0.1:1/App");
    check(&desk.run(&line("plan"), &[]).await, 3, WENT_ON);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_resource_of_the_registry_must_be_understood() {
    let desk = Desk::new("None");
    let server = ApiServer::new();
    server.serves(RETENTIONS);
    let kubeconfig = desk.file("kubeconfig", &server.kubeconfig().await);
    let environment = [("KUBECONFIG", kubeconfig.as_str())];
    let bad = json!({"spec": {"registry": {"url": "http://127.0.0.1:1"}, "rules": "all"}});
    // The file replaces the one of the same name in the namespace of the context.
    server.put(RETENTIONS, "team", "mine", bad.clone());
    check(&desk.run("plan", &environment).await, 3, WENT_ON);
    assert!(!server.requests().iter().any(|line| line.contains("/pods")), "nobody asks for workloads");
    server.put(RETENTIONS, "other", "mine", bad);
    for command in COMMANDS {
        let said = ["the RegistryRetention other/mine of the cluster", "cannot be understood"];
        check(&desk.run(command, &environment).await, 3, &said);
    }
}
