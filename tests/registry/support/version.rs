use std::path::PathBuf;
use std::process::Command;
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
    /// The executable in the cache. The first call puts both there, if they are missing.
    pub fn executable(self) -> PathBuf {
        let name = match self {
            Self::V2_8 => "registry-2.8",
            Self::V3_1 => "registry-3.1",
        };
        cache().join("bin").join(name)
    }
}

/// The cache folder, as `scripts/cache.sh` defines it, filled by `scripts/registries`.
fn cache() -> &'static PathBuf {
    static CACHE: OnceLock<PathBuf> = OnceLock::new();
    CACHE.get_or_init(|| {
        let output = Command::new("bash")
            .args(["-ec", r#"scripts/registries >&2; source scripts/cache.sh; printf %s "$cache""#])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("bash runs");
        assert!(output.status.success(), "scripts/registries: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("a path in UTF-8").into()
    })
}

/// Writes a test once and runs it on every version, as two tests `name::v2_8` and `name::v3_1`:
///
/// ```ignore
/// both_versions! {
///     async fn a_push_is_listed(version) { let registry = Registry::start(version).await; … }
/// }
/// ```
macro_rules! both_versions {
    ($($(#[$attribute:meta])* async fn $name:ident($version:ident) $body:block)+) => {$(
        $(#[$attribute])*
        async fn $name($version: $crate::support::Version) $body

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
