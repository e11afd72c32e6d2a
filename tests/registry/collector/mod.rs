//! `registry-retention collector` on storages that real registries wrote, with their own `garbage-collect`, and with
//! programs that only look like it.

mod collecting;
mod cut_short;
mod memory;
mod previewing;
mod refused;
mod vetoed;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use registry_retention::collection::garbage::{Account, Outcome};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::support::{Artifact, Registry, Version};

/// A collector beside a registry.
struct Beside {
    executable: PathBuf,
    configuration: PathBuf,
    home: TempDir,
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

    /// Runs it to its end.
    async fn run(&self, options: &[&str]) -> Ended {
        Ended::of(self.spawn(options)).await
    }

    fn spawn(&self, options: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_registry-retention"));
        command.arg("collector").arg("--configuration").arg(&self.configuration);
        command.arg("--executable").arg(&self.executable).arg("--log").args(options);
        command.env_clear().env("PATH", "/usr/bin:/bin").stdout(Stdio::piped()).stderr(Stdio::piped());
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

    #[track_caller]
    fn says(self, part: &str) -> Self {
        assert!(self.account.message.contains(part), "{part:?} is not in {}", self.account.message);
        self
    }
}

fn image(seed: &str) -> Artifact {
    Artifact::image(seed).layers(2, 1_000).build()
}

/// The blob's file, from which a test may take it away.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}
