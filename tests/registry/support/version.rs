use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The releases of Distribution that the tests run against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Debian's 2.8.2, what `registry:2` runs.
    V2_8,
    /// 3.1.2, what `registry:3` runs.
    V3_1,
}

impl Version {
    /// Its executable, from the cache; the first call puts it there, if it is missing. No environment of the machine's
    /// reaches it, and the kernel ends it with the thread that started it, even if that is killed.
    pub fn command(self) -> Command {
        command(cache(), self.name())
    }

    /// The path of its executable.
    pub fn executable(self) -> PathBuf {
        cache().join("bin").join(self.name())
    }

    fn name(self) -> &'static str {
        match self {
            Self::V2_8 => "registry-2.8",
            Self::V3_1 => "registry-3.1",
        }
    }
}

/// 3.1.1, whose lists hide tags on S3.
pub(super) fn hiding() -> Command {
    command(s3_cache(), "registry-3.1.1")
}

/// 2.8.3 with the drivers that Debian's 2.8.2 lacks.
pub(super) fn with_all_drivers() -> Command {
    command(gcs_cache(), "registry-2.8.3")
}

/// An S3 server.
pub(super) fn s3_server() -> Command {
    command(s3_cache(), "versitygw")
}

/// An emulator of Google Cloud Storage.
pub(super) fn gcs_server() -> Command {
    command(gcs_cache(), "fake-gcs-server")
}

/// An emulator of Azure Blob Storage.
pub(super) fn azure_server() -> Command {
    command(azure_cache(), "azurite")
}

/// An executable from the cache.
fn command(cache: &Path, name: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(cache.join("bin").join(name));
    // 3.x sends traces unless it is told not to.
    command.env_clear().env("OTEL_TRACES_EXPORTER", "none").stdin(Stdio::null());
    command
}

/// The cache folder, as `scripts/cache.sh` defines it, filled by `scripts/registries`.
fn cache() -> &'static PathBuf {
    static CACHE: OnceLock<PathBuf> = OnceLock::new();
    CACHE.get_or_init(|| filled_by("scripts/registries"))
}

/// The same folder, filled by `scripts/s3`.
fn s3_cache() -> &'static PathBuf {
    static CACHE: OnceLock<PathBuf> = OnceLock::new();
    CACHE.get_or_init(|| filled_by("scripts/s3"))
}

/// The same folder, filled by `scripts/gcs`.
fn gcs_cache() -> &'static PathBuf {
    static CACHE: OnceLock<PathBuf> = OnceLock::new();
    CACHE.get_or_init(|| filled_by("scripts/gcs"))
}

/// The same folder, filled by `scripts/azure`.
fn azure_cache() -> &'static PathBuf {
    static CACHE: OnceLock<PathBuf> = OnceLock::new();
    CACHE.get_or_init(|| filled_by("scripts/azure"))
}

fn filled_by(script: &str) -> PathBuf {
    let output = Command::new("bash")
        .args(["-ec", r#""$0" >&2; source scripts/cache.sh; printf %s "$cache""#, script])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("bash runs");
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a path in UTF-8").into()
}

/// Runs tests on every version, each as two tests, `name::v2_8` and `name::v3_1`:
///
/// ```ignore
/// both_versions![a_push_is_listed];
///
/// async fn a_push_is_listed(version: Version) {
///     let registry = Registry::start(version).await;
/// }
/// ```
///
/// A test that is not listed is dead code, which `make check` refuses.
macro_rules! both_versions {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn v2_8() {
                super::$name($crate::support::Version::V2_8).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn v3_1() {
                super::$name($crate::support::Version::V3_1).await;
            }
        }
    )+};
}
pub(crate) use both_versions;
