//! Running Helm, and reading what it renders.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use registry_retention::collection::marks::KEEPER_ACCOUNT;
use serde_json::{Value, json};

/// The chart's folder.
pub(crate) const CHART: &str = "charts/registry-retention";

/// The oldest Kubernetes that the chart is for; Helm would otherwise assume one of its own choice.
pub(crate) const KUBERNETES: &str = "1.30";

/// Helm, from the cache; the first call puts it there, if it is missing. Nobody's own settings reach it.
pub(crate) fn helm() -> Command {
    static HELM: OnceLock<PathBuf> = OnceLock::new();
    let helm = HELM.get_or_init(|| {
        let output = Command::new("bash")
            .args(["-ec", r#"scripts/helm version >&2; source scripts/cache.sh; printf %s "$cache/bin/helm""#])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("bash runs");
        assert!(output.status.success(), "scripts/helm: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("a path in UTF-8").into()
    });
    let mut command = Command::new(helm);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_clear().env("HOME", "/nonexistent");
    command
}

/// Runs a command with a text as its input.
pub(crate) fn run(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    child.stdin.take().expect("an input").write_all(input.as_bytes()).expect("it reads its input");
    child.wait_with_output().expect("it ends")
}

/// What it printed, if all went well.
pub(crate) fn printed(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn template(chart: &Path, values: &Value) -> Output {
    let mut command = helm();
    command
        .args(["template", "rr", "--namespace", "registry", "--kube-version", KUBERNETES, "--values", "-"])
        .arg(chart);
    run(&mut command, &values.to_string())
}

/// The objects of the release `rr` in the namespace `registry`.
pub(crate) fn render(values: &Value) -> Vec<Value> {
    render_chart(Path::new(CHART), values)
}

/// The objects of another chart, as [`render`] gives them.
pub(crate) fn render_chart(chart: &Path, values: &Value) -> Vec<Value> {
    objects(&printed(template(chart, values)))
}

/// Why Helm renders nothing with these values.
pub(crate) fn refusal(values: &Value) -> String {
    let output = template(Path::new(CHART), values);
    assert!(!output.status.success(), "rendered: {values}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

/// The objects of a file of YAML documents.
pub(crate) fn objects(text: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).expect("YAML");
    documents.into_iter().filter(|document| !document.is_null()).collect()
}

/// The objects of one kind.
pub(crate) fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

/// The object of a kind of which there is one.
pub(crate) fn only<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let found = of_kind(objects, kind);
    assert_eq!(found.len(), 1, "{kind}");
    found[0]
}

/// The account of the operator; the others are of keepers.
pub(crate) fn account(objects: &[Value]) -> &Value {
    let accounts = of_kind(objects, "ServiceAccount");
    let mut others = accounts.into_iter().filter(|account| account["metadata"]["name"] != KEEPER_ACCOUNT);
    let account = others.next().expect("an account");
    assert_eq!(others.next(), None);
    account
}

/// A copy of the chart that a test can change.
pub(crate) fn copy_of_the_chart(into: &Path) -> PathBuf {
    let copy = into.join("registry-retention");
    copy_folder(Path::new(CHART), &copy);
    copy
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_folder(&source, &target);
        } else {
            fs::copy(&source, &target).expect("a copy");
        }
    }
}

/// Values that between them make every object and every branch of the chart.
pub(crate) fn value_sets() -> Vec<(&'static str, Value)> {
    vec![
        ("defaults", json!({})),
        ("namespaces", json!({"namespaces": ["team-a", "registry"]})),
        ("allNamespaces", json!({"allNamespaces": true})),
        ("collection.namespaces", json!({"allNamespaces": true, "collection": {"namespaces": ["team-b", "team-a"]}})),
        ("workloads.clusterWide: false", json!({"workloads": {"clusterWide": false}})),
        ("no roles", json!({"rbac": {"create": false}})),
        (
            "nothing optional",
            json!({
                "crds": {"install": false},
                "guard": {"create": false},
                "rbac": {"userRoles": false},
                "serviceAccount": {"create": false, "name": "mine"},
                "metrics": {"service": {"enabled": false}},
                "resources": null,
                "nodeSelector": null,
            }),
        ),
        (
            "everything",
            json!({
                "namespaces": ["team-a"],
                "image": {
                    "repository": "registry.example.com:5000/mirror/registry-retention",
                    "tag": format!("1.2.3@sha256:{}", "0".repeat(64)),
                    "pullPolicy": "Always",
                    "pullSecrets": [{"name": "pull"}],
                },
                "logLevel": "info,registry_retention::controller=debug",
                "serviceAccount": {"annotations": {"example.com/role": "a b"}},
                "metrics": {"serviceMonitor": {"enabled": true, "interval": "1m30s", "labels": {"release": "prometheus"}}},
                "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
                "podAnnotations": {"prometheus.io/scrape": "true"},
                "podLabels": {"team": "a", "app.kubernetes.io/name": "mine"},
                "nodeSelector": {"example.com/pool": "7"},
                "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "infra", "effect": "NoSchedule"}],
                "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
                    {"weight": 1, "preference": {"matchExpressions": [{"key": "zone", "operator": "Exists"}]}},
                ]}},
                "global": {"parent": 1},
            }),
        ),
    ]
}
