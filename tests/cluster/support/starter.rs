use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// The process that starts a cluster and ends it when its standard input is closed: by [`Starter::end`], or by the
/// kernel when this process ends in whatever way.
pub(super) struct Starter(Child);

impl Starter {
    /// Returns when the cluster that keeps its things in `run` takes pods.
    pub(super) fn start(run: &Path) -> Self {
        let mut child = script("scripts/cluster")
            .args([OsStr::new("run"), OsStr::new("--run"), run.as_os_str()])
            .args([OsStr::new("--image"), prepared().image.as_os_str()])
            // An interrupt from the terminal ends this process, and is none of the starter's business.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("scripts/cluster runs");
        let mut said = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut said).expect("scripts/cluster speaks UTF-8");
        assert_eq!(said, "up\n", "scripts/cluster did not start a cluster; it has said why");
        Self(child)
    }

    /// Returns when nothing is left of the cluster; false if something is.
    pub(super) fn end(&mut self) -> bool {
        drop(self.0.stdin.take());
        self.0.wait().is_ok_and(|status| status.success())
    }
}

/// What every cluster needs, made at the first call.
struct Prepared {
    cache: PathBuf,
    image: PathBuf,
}

fn prepared() -> &'static Prepared {
    static PREPARED: OnceLock<Prepared> = OnceLock::new();
    PREPARED.get_or_init(|| {
        output(&mut script("scripts/kubernetes"));
        let image = output(&mut script("scripts/image")).trim_end().into();
        let cache = output(script("bash").args(["-ec", r#"source scripts/cache.sh; printf %s "$cache""#])).into();
        Prepared { cache, image }
    })
}

/// The folder outside the clone that keeps what tests need from elsewhere.
pub fn cache() -> &'static Path {
    &prepared().cache
}

fn script(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

/// What a command prints; what it complains about goes where this process complains.
fn output(command: &mut Command) -> String {
    let output = command.stderr(Stdio::inherit()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?} failed; it has said why");
    String::from_utf8(output.stdout).expect("UTF-8")
}
