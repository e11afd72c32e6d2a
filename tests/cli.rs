//! The binary itself, as far as it needs no registry: what it refuses, and with which exit code.

#[path = "support/output.rs"]
mod output;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use output::check;

struct Cli {
    folder: tempfile::TempDir,
}

impl Cli {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A file with one resource, `change` applied to its text.
    fn file(&self, change: impl Fn(&str) -> String) -> PathBuf {
        let text = "apiVersion: registry-retention.dev/v1alpha1\n\
                    kind: RegistryRetention\n\
                    metadata: {name: team}\n\
                    spec:\n  registry: {url: \"http://127.0.0.1:1\"}\n  protect: {inUse: {scope: None}}\n  rules:\n  \
                    - name: all\n    repositories: {include: [\"**\"]}\n    tags: {include: [\"*\"]}\n    action: Keep\n";
        let path = self.folder.path().join("team.yaml");
        fs::write(&path, change(text)).unwrap();
        path
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_registry-retention"))
            .args(args)
            .env_clear()
            .env("HOME", self.folder.path())
            .output()
            .unwrap()
    }

    fn plan(&self, file: &Path) -> Output {
        self.run(&["plan", "-f", file.to_str().unwrap()])
    }
}

fn same(text: &str) -> String {
    text.to_owned()
}

#[test]
fn every_error_of_a_file_is_reported_and_nothing_is_done() {
    let cli = Cli::new();
    let file = cli.file(|text| text.replace("action: Keep", "action: Burn").replace("spec:", "spec:\n  spedule: x"));
    check(&cli.plan(&file), 2, &["is not valid; nothing was done:", "team", "spedule", "action"]);
    let file = cli.file(|text| text.replace("  protect: {inUse: {scope: None}}\n", ""));
    check(&cli.plan(&file), 2, &["inUse"]);
    let file = cli.file(|text| text.replace("\"**\"", "\"a[\""));
    check(&cli.plan(&file), 2, &["spec.rules[0].repositories.include"]);
    let file = cli.file(|text| text.replace("127.0.0.1:1", "127.0.0.1:1/prefix"));
    check(&cli.plan(&file), 2, &["spec.registry.url", "without login, path"]);
    check(&cli.run(&["plan", "-f", "missing.yaml"]), 2, &["missing.yaml: cannot be read"]);
    check(&cli.run(&["plan"]), 2, &["--file"]);
    assert!(!cli.folder.path().join(".local").exists(), "no state for what was refused");
}

#[test]
fn what_a_file_smuggles_in_does_not_reach_the_terminal() {
    let cli = Cli::new();
    let file = cli.file(|text| text.replace("action: Keep", "\"\\e[31mx\": 1"));
    let output = cli.plan(&file);
    check(&output, 2, &["[31m"]);
    assert!(!output.stderr.contains(&0x1b) && !output.stdout.contains(&0x1b));
}

#[test]
fn a_registry_that_does_not_answer_is_three() {
    let cli = Cli::new();
    let file = cli.file(same);
    check(&cli.plan(&file), 3, &["error: http://127.0.0.1:1: GET http://127.0.0.1:1/v2/_catalog: no connection"]);
    let file = file.to_str().unwrap().to_owned();
    check(&cli.run(&["prune", "--yes", "-f", &file]), 3, &["no connection"]);
    check(&cli.run(&["explain", "a:b", "-f", &file]), 3, &["no connection"]);
    check(&cli.run(&["verify", "-f", &file]), 3, &["no connection"]);
    check(&cli.run(&["verify", "--registry", "http://127.0.0.1:1"]), 3, &["no connection"]);
    let json = cli.run(&["plan", "-f", &file, "-o", "json", "-q"]);
    let document: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(document["registries"][0]["error"]["reason"], "Unreachable");
    assert_eq!(document["registries"][0]["resources"][0]["name"], "team");
}

#[test]
fn a_second_run_waits_for_the_first() {
    let cli = Cli::new();
    let file = cli.file(same);
    check(&cli.plan(&file), 3, &[]);
    let lock = cli.folder.path().join(".local/state/registry-retention/127.0.0.1_1/lock");
    let held = fs::File::open(&lock).unwrap();
    held.try_lock().unwrap();
    check(&cli.plan(&file), 7, &["127.0.0.1:1 is being worked on by registry-retention plan (process "]);
    drop(held);
    check(&cli.plan(&file), 3, &[]);
}

#[test]
fn damaged_state_is_named_and_stops_the_run() {
    let cli = Cli::new();
    let file = cli.file(same);
    check(&cli.plan(&file), 3, &[]);
    let state = cli.folder.path().join(".local/state/registry-retention/127.0.0.1_1");
    for name in ["memory.json", "running.json", "journal.jsonl", "waiting/x.json"] {
        fs::write(state.join(name), "nonsense\n").unwrap();
        check(&cli.plan(&file), 7, &[name, "damaged", "nothing was deleted", "move it away"]);
        fs::remove_file(state.join(name)).unwrap();
    }
    let file = file.to_str().unwrap();
    check(&cli.run(&["plan", "-f", file, "--state-dir", "/proc/nowhere"]), 7, &["/proc/nowhere", "cannot be made"]);
}

#[test]
fn only_a_known_plan_is_accepted() {
    let cli = Cli::new();
    check(&cli.run(&["accept", "0123456789ab"]), 2, &["no waiting plan has the hash 0123456789ab"]);
    check(&cli.run(&["accept", "0123"]), 2, &["at least the 12"]);
}

#[test]
fn logins_are_asked_for_where_they_can_be_read() {
    let cli = Cli::new();
    let password = ["--username", "a", "--password-stdin"];
    let args = [&["plan", "-f", "-"][..], &password].concat();
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!(
            "cat {} | {} {}",
            cli.file(same).display(),
            env!("CARGO_BIN_EXE_registry-retention"),
            args.join(" ")
        ))
        .output()
        .unwrap();
    check(&output, 2, &["--password-stdin and -f -"]);
    let two =
        cli.file(|text| format!("{text}---\n{}", text.replace("127.0.0.1:1", "127.0.0.1:2").replace("team", "b")));
    let args = [&["plan", "-f", two.to_str().unwrap()][..], &password].concat();
    check(&cli.run(&args), 2, &["a login for one registry"]);
    fs::write(cli.folder.path().join("config.json"), "{\"auths\": \"secret\"").unwrap();
    let config = cli.folder.path().join("config.json");
    let file = cli.file(same);
    let args = ["plan", "-f", file.to_str().unwrap(), "--docker-config", config.to_str().unwrap()];
    let output = cli.run(&args);
    check(&output, 2, &["config.json: the docker configuration is not valid JSON"]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("secret"));
}

#[test]
fn the_definitions_and_the_completions_are_printed() {
    use registry_retention::api::{crd_yaml, crds};
    let cli = Cli::new();
    let output = cli.run(&["crd"]);
    check(&output, 0, &["kind: CustomResourceDefinition"]);
    let all: Vec<String> = crds().iter().map(crd_yaml).collect();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), all.join("---\n"));
    for (crd, yaml) in crds().iter().zip(&all) {
        let output = cli.run(&["crd", &crd.spec.names.plural]);
        assert_eq!(String::from_utf8(output.stdout).unwrap(), *yaml);
    }
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        check(&cli.run(&["completions", shell]), 0, &["registry-retention"]);
    }
    for command in ["plan", "prune", "accept", "explain", "verify"] {
        check(&cli.run(&[command, "--help"]), 0, &["Exit codes:", "  7    the state directory"]);
    }
}

#[test]
fn a_storage_that_cannot_be_read_is_refused_with_what_to_do() {
    let cli = Cli::new();
    let root = cli.folder.path().to_str().unwrap();
    check(&cli.run(&["inventory"]), 2, &["--storage", "--configuration"]);
    check(
        &cli.run(&["inventory", "--storage", "ftp://bucket"]),
        2,
        &["\"ftp\" cannot be read; PATH, file://, s3://, gs:// and azure:// can"],
    );
    check(&cli.run(&["inventory", "--storage", "s3://a:hush@b"]), 2, &["AWS_ACCESS_KEY_ID"]);
    check(&cli.run(&["inventory", "--storage", root]), 2, &["no registry stores anything there", "root directory"]);
    check(&cli.run(&["inventory", "--storage", root, "-o", "/nowhere/x"]), 1, &["/nowhere/x: cannot be written"]);
    let configuration = |storage: &str| {
        let path = cli.folder.path().join("config.yml");
        fs::write(&path, format!("version: 0.1\nstorage: {storage}\n")).unwrap();
        cli.run(&["inventory", "--configuration", path.to_str().unwrap()])
    };
    check(
        &configuration("{swift: {container: c}}"),
        2,
        &["config.yml: the storage driver \"swift\" cannot be read", "no inventory"],
    );
    check(&configuration("{s3: {bucket: b, region: r, v4auth: false}}"), 2, &["storage.s3.v4auth"]);
    check(&cli.run(&["inventory", "--configuration", "missing.yml"]), 2, &["missing.yml: cannot be read"]);
    check(&cli.run(&["inventory", "--detect"]), 2, &["REGISTRY_CONFIGURATION_PATH", "nothing was done"]);
    let elsewhere = cli.run(&["inventory", "--storage", root, "--volumes", "/nowhere:", "--log"]);
    check(&elsewhere, 2, &["the storage lies on no volume", "registry-retention-log/1 failed StoreNotShared"]);
}

/// As in an image that is made from nothing.
#[test]
fn a_bucket_is_reached_where_the_system_knows_no_authority() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_registry-retention"))
        .args(["inventory", "--storage", &format!("s3://bucket?endpoint=http://{nobody}")])
        .env_clear()
        .envs([("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")])
        .envs([("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", "/nonexistent")])
        .output()
        .unwrap();
    check(&output, 3, &["it does not answer"]);
}

#[test]
fn the_program_is_installed_whole_or_not_at_all() {
    use std::os::unix::fs::PermissionsExt as _;
    let cli = Cli::new();
    let folder = cli.folder.path().to_str().unwrap();
    let copy = cli.folder.path().join("registry-retention");
    fs::write(&copy, "an older one").unwrap();
    check(&cli.run(&["install", folder]), 0, &[]);
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o7777, 0o755);
    assert!(fs::read(&copy).unwrap() == fs::read(env!("CARGO_BIN_EXE_registry-retention")).unwrap());
    let version = Command::new(&copy).arg("--version").output().unwrap();
    check(&version, 0, &[env!("CARGO_PKG_VERSION")]);

    check(&cli.run(&["install", "/nowhere"]), 1, &["/nowhere/registry-retention: the program cannot be copied there"]);
    fs::create_dir(cli.folder.path().join("taken")).unwrap();
    fs::create_dir(cli.folder.path().join("taken/registry-retention")).unwrap();
    let taken = cli.folder.path().join("taken");
    check(&cli.run(&["install", taken.to_str().unwrap()]), 1, &["cannot be copied there"]);
    let left: Vec<_> = fs::read_dir(&taken).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["registry-retention"], "nothing unfinished");
}
