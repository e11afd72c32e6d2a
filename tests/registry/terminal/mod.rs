//! The binary, as a person or a script at a terminal uses it.

mod accepting;
mod buckets;
mod explaining;
mod killed;
mod pruning;
mod reaching;
mod refused;
mod resources;
mod single_tags;
mod stopped;
mod storage;
mod workloads;

use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use crate::support::{Artifact, Registry};

/// A person at a terminal, with a home of their own that outlives each command.
struct Terminal {
    home: TempDir,
    environment: Vec<(&'static str, PathBuf)>,
    password: Option<String>,
}

/// How a command ended, and what it printed.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Terminal {
    fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a folder"), environment: Vec::new(), password: None }
    }

    /// Puts a file into the home; its path.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        fs::write(&path, text).expect("the home can be written");
        path.to_str().expect("UTF-8").to_owned()
    }

    /// Writes the resources to the file that [`Terminal::run`] gives to commands.
    fn resources(&self, resources: &[Resource]) {
        self.file("retention.yaml", &resources.iter().map(Resource::text).collect::<String>());
    }

    /// With a variable in the environment of each command, which is empty otherwise.
    fn with(mut self, name: &'static str, path: PathBuf) -> Self {
        self.environment.push((name, path));
        self
    }

    /// What each command reads from standard input.
    fn with_password(self, password: &str) -> Self {
        Self { password: Some(password.to_owned()), ..self }
    }

    /// Runs a command to its end. Its words are separated by spaces; `-f` stands for `-f FILE`, and the state directory
    /// is added where a command has one.
    async fn run(&self, line: &str) -> Ended {
        let mut child = self.spawn(line);
        if let (Some(password), Some(mut stdin)) = (&self.password, child.stdin.take()) {
            // Whoever refuses the command line does not read it.
            let _ = stdin.write_all(format!("{password}\n").as_bytes()).await;
        }
        Ended::of(&child.wait_with_output().await.expect("it ends"))
    }

    /// Starts a command; it is killed when the child is dropped.
    fn spawn(&self, line: &str) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_registry-retention"));
        for word in line.split(' ') {
            command.arg(word);
            if word == "-f" {
                command.arg(self.home.path().join("retention.yaml"));
            }
        }
        if !line.starts_with("verify") {
            command.arg("--state-dir").arg(self.home.path().join("state"));
        }
        let command = command.env_clear().env("HOME", self.home.path());
        command.envs(self.environment.iter().map(|(name, path)| (name, path)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true).spawn().expect("the binary runs")
    }

    /// `plan -o json` of the only registry of the file.
    async fn plan(&self, options: &str) -> Value {
        let ended = self.run(format!("plan -f -o json {options}").trim_end()).await.code(0);
        let mut document: Value = serde_json::from_str(&ended.stdout).expect("JSON");
        assert_eq!(document["registries"].as_array().map(Vec::len), Some(1));
        document["registries"][0].take()
    }
}

impl Ended {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_owned()).expect("UTF-8");
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// It ended with this code.
    #[track_caller]
    fn code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// It printed all of this.
    #[track_caller]
    fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stdout.contains(part) || self.stderr.contains(part), "{part:?} is not in\n{self}");
        }
        self
    }

    /// It printed none of this.
    #[track_caller]
    fn conceals(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(!self.stdout.contains(part) && !self.stderr.contains(part), "{part:?} is in\n{self}");
        }
        self
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// A resource that may delete at once and without limits, and whose lists are vouched for, unless more is said.
#[derive(Clone)]
struct Resource {
    name: &'static str,
    url: String,
    complete: bool,
    protect: &'static str,
    minimum_age: &'static str,
    /// Where workloads are looked for.
    scope: &'static str,
    limits: &'static str,
    rules: &'static str,
}

impl Resource {
    /// `rules` is a YAML list.
    fn of(registry: &Registry, rules: &'static str) -> Self {
        let url = registry.url().to_owned();
        let (protect, limits) = ("[]", "{maxDeletePercent: 100}");
        Self { name: "team", url, complete: true, protect, minimum_age: "0h", scope: "None", limits, rules }
    }

    fn text(&self) -> String {
        let Self { name, url, complete, protect, minimum_age, scope, limits, rules } = self;
        format!(
            "---\napiVersion: registry-retention.dev/v1alpha1\nkind: RegistryRetention\nmetadata: {{name: {name}}}\n\
             spec:\n  registry: {{url: '{url}', completeTagLists: {complete}}}\n  \
             protect: {{tags: {protect}, minimumAge: {minimum_age}, inUse: {{scope: {scope}}}}}\n  \
             limits: {limits}\n  rules: {rules}\n"
        )
    }
}

/// The path of a deletion in `app`, but not of what is made up to see what the registry can do.
const DELETION: &str = "^/v2/app/manifests/(pr-|sha256:0*[1-9a-f])";

/// Sends a signal, such as `INT`, to a command that runs.
async fn send(signal: &str, child: &Child) {
    let id = child.id().expect("it runs").to_string();
    let status = Command::new("kill").args(["-s", signal, &id]).status().await;
    assert!(status.expect("kill runs").success());
}

/// Deletes the pull requests of `app`.
const PR: &str = "[{name: pr, repositories: {include: [app]}, tags: {include: ['pr-*']}, action: Delete}]";

fn image(seed: &str) -> Artifact {
    Artifact::image(seed).created("2026-01-01T00:00:00Z").layers(1, 500).build()
}

/// Repository `app` with these tags, each at an image of its own.
async fn push(registry: &Registry, tags: &[&str]) {
    for tag in tags {
        registry.pusher().push("app", tag, &image(tag)).await;
    }
}

/// `REPO:TAG` of every tag that a plan in JSON condemns.
fn condemned(plan: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for repository in plan["plan"]["repositories"].as_array().expect("repositories") {
        let name = repository["name"].as_str().expect("a name");
        let tags = repository["tags"].as_array().expect("tags").iter();
        let tags = tags.filter(|tag| tag["verdict"]["condemned"] == true);
        found.extend(tags.map(|tag| format!("{name}:{}", tag["tag"].as_str().expect("a tag"))));
    }
    found.sort();
    found
}

/// The reason code of one tag of `app` in a plan in JSON.
fn reason<'a>(plan: &'a Value, tag: &str) -> &'a str {
    let mut all = plan["plan"]["repositories"].as_array().expect("repositories").iter();
    let app = all.find(|repository| repository["name"] == "app").expect("app is in the plan");
    let mut tags = app["tags"].as_array().expect("tags").iter();
    let found = tags.find(|planned| planned["tag"] == tag).expect("the tag is in the plan");
    found["verdict"]["reason"].as_str().expect("a reason")
}
