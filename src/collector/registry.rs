use std::env;
use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use super::CollectorError;
use super::process::{self, Stop, Why};
use crate::collection::garbage::Release;

/// What the program is called: in the official images, and in Debian's.
const NAMES: [&str; 2] = ["registry", "docker-registry"];
/// How long it may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(30);

/// The registry's own program and configuration, in its own environment.
#[derive(Clone, Debug)]
pub struct Registry {
    pub(super) executable: PathBuf,
    pub(super) configuration: PathBuf,
    pub(super) release: Release,
    /// What of the environment it does not see.
    pub(super) hidden: Vec<OsString>,
}

impl Registry {
    /// Finds the program, if it is not said, in `path`, the folders of a `PATH`, and lets it say what it is.
    pub async fn find(
        executable: Option<&Path>,
        path: Option<&OsStr>,
        configuration: PathBuf,
        stop: &mut Stop,
    ) -> Result<Self, CollectorError> {
        let executable = match executable {
            Some(executable) => executable.to_owned(),
            None => search(path.unwrap_or_default())?,
        };
        let shown = executable.display();
        let unknown = |why: &str| CollectorError::EntryPointUnknown(format!("{shown} {why}"));
        let mut first = None;
        let take = |line: &[u8]| {
            if first.is_none() {
                first = Some(String::from_utf8_lossy(line).into_owned());
            }
            ControlFlow::Continue(())
        };
        let mut command = Command::new(&executable);
        command.arg("--version");
        let asked = tokio::time::timeout(PATIENCE, process::run(command, stop, take)).await;
        let ended = asked.map_err(|_| unknown("does not say its version"))?;
        let ended = ended.map_err(|why| unknown(&format!("cannot be run: {why}")))?;
        match ended.why {
            Why::Stop => return Err(CollectorError::Stopped),
            Why::Itself | Why::Reader => {}
        }
        let release = first.as_deref().filter(|_| ended.code == Some(0)).and_then(Release::of);
        let release = release.ok_or_else(|| unknown("is not Distribution, by what it says to --version"))?;
        Ok(Self { executable, configuration, release, hidden: Vec::new() })
    }
}

impl Registry {
    /// Which Distribution it is.
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// The program in its environment, without arguments.
    pub(super) fn command(&self) -> Command {
        self.in_its_environment(Command::new(&self.executable))
    }

    /// The same, but it ends with this process, even if that is killed: through this program's own command `beneath`.
    pub(super) fn command_beneath(&self) -> Command {
        let mut command = Command::new("/proc/self/exe");
        command.arg("beneath").arg(format!("--parent={}", std::process::id())).arg("--").arg(&self.executable);
        self.in_its_environment(command)
    }

    fn in_its_environment(&self, mut command: Command) -> Command {
        for name in &self.hidden {
            command.env_remove(name);
        }
        command
    }
}

fn search(path: &OsStr) -> Result<PathBuf, CollectorError> {
    let mut places = NAMES.iter().flat_map(|name| env::split_paths(path).map(move |folder| folder.join(name)));
    places
        .find(|place| place.is_file())
        .ok_or_else(|| CollectorError::EntryPointUnknown(format!("neither {} is in the PATH", NAMES.join(" nor "))))
}
