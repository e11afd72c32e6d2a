//! `registry-retention collector` on storages that real registries wrote, with their own `garbage-collect`, and with
//! programs that only look like it.

mod collecting;
mod cut_short;
mod frozen;
mod frozen_cut_short;
mod memory;
mod previewing;
mod refused;
mod vetoed;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use registry_retention::collection::garbage::{Account, Outcome, Seal};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::support::{Artifact, Registry, Version};

/// A collector beside a registry.
struct Beside {
    executable: PathBuf,
    configuration: PathBuf,
    home: TempDir,
    /// What is in its environment.
    environment: Vec<(&'static str, String)>,
}

/// How it ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    account: Account,
    said: String,
}

const COLLECT: &str = "--registry-is-read-only";

impl Beside {
    fn of(registry: &Registry, version: Version) -> Self {
        Self {
            executable: version.executable(),
            configuration: registry.config_path(),
            home: tempfile::tempdir().expect("a folder"),
            environment: Vec::new(),
        }
    }

    /// With a program in place of the registry's: a shell script of what it does on a dry run, and otherwise. `$real` is
    /// the registry's own.
    fn with_program(mut self, version: Version, dry_run: &str, sweep: &str) -> Self {
        let path = self.home.path().join("program");
        let real = version.executable();
        let script = format!(
            "#!/bin/bash\nreal={}\ncase \"$*\" in\n--version) exec $real --version;;\n*--dry-run*)\n{dry_run}\n;;\n*)\n\
             {sweep}\n;;\nesac\n",
            real.display()
        );
        fs::write(&path, script).expect("the program is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it can be run");
        self.executable = path;
        self
    }

    /// A file in its home.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        fs::write(&path, text).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    }

    /// A final plan of these lines, in its home, and the options that name it. The scratch folder is in its home as well.
    fn plan(&self, lines: &[String]) -> Vec<String> {
        let lines = lines.iter().fold(String::new(), |text, line| text + line + "\n");
        let text = format!("registry-retention-final-plan 1\n{lines}end {}\n", lines.lines().count());
        let (folder, scratch) = (self.home.path().join("plan"), self.home.path().join("scratch"));
        for folder in [&folder.join("0"), &scratch] {
            fs::create_dir_all(folder).expect("a folder");
        }
        fs::write(folder.join("0/plan"), &text).expect("a plan");
        let hash = Seal::of(&[text.into_bytes()]).hash;
        let [folder, scratch] = [folder, scratch].map(|path| path.display().to_string());
        [COLLECT, "--plan", &folder, "--plan-pieces", "1", "--plan-hash", &hash, "--scratch", &scratch]
            .map(str::to_owned)
            .into()
    }

    /// Carries a final plan out.
    async fn carry_out(&self, lines: &[String]) -> Ended {
        let options = self.plan(lines);
        let ended = self.run(&options.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let left: Vec<_> = fs::read_dir(self.home.path().join("scratch")).expect("it is there").collect();
        assert!(left.is_empty(), "{left:?}");
        ended
    }

    /// Runs it to its end.
    async fn run(&self, options: &[&str]) -> Ended {
        Ended::of(self.spawn(options)).await
    }

    fn spawn(&self, options: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_registry-retention"));
        command.arg("collector").arg("--configuration").arg(&self.configuration);
        command.arg("--executable").arg(&self.executable).arg("--log").args(options);
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .envs(self.environment.clone())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.kill_on_drop(true).spawn().expect("the binary runs")
    }
}

impl Ended {
    async fn of(child: Child) -> Self {
        let output = child.wait_with_output().await.expect("it ends");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = format!("{}{text}", String::from_utf8_lossy(&output.stderr));
        let account = text.lines().last().and_then(|line| Account::read(line).ok());
        Self { code: output.status.code(), account: account.unwrap_or_else(|| panic!("no account in {said}")), said }
    }

    #[track_caller]
    fn is(self, outcome: Outcome, reason: &str) -> Self {
        assert_eq!((self.account.outcome, self.account.reason.as_str()), (outcome, reason), "{}", self.said);
        self
    }

    /// What became of a plan: manifests and tags that were deleted, and lines that were left.
    fn pruned(&self) -> (u64, u64, u64) {
        self.account.pruned.map_or_else(Default::default, |it| (it.manifests, it.tags, it.skipped))
    }

    #[track_caller]
    fn says(self, part: &str) -> Self {
        assert!(self.account.message.contains(part), "{part:?} is not in {}", self.account.message);
        self
    }
}

fn image(seed: &str) -> Artifact {
    Artifact::image(seed).layers(2, 1_000).build()
}

/// A line of a plan.
fn delete(repository: &str, artifact: &Artifact, tags: &[&str]) -> String {
    let tags = tags.iter().fold(String::new(), |text, tag| text + " " + tag);
    format!("delete {repository} {}{tags}", artifact.digest())
}

/// Ends when it is done.
async fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..6000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("in a minute there is not: {what}");
}

/// The blob's file, from which a test may take it away.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}
