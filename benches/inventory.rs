//! How long it takes to read a storage of 100,000 manifests, beside what `find` takes to name every file of it with its
//! time and size. In turns, so that a busy machine slows both; fails if the median of this is above 1.5 times that of
//! `find`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use registry_retention::oci::Digest;
use tempfile::TempDir;

/// How many manifests there are, in all repositories.
const MANIFESTS: usize = 100_000;
const REPOSITORIES: usize = 100;
/// How many images share a base layer.
const SHARED: usize = 10;
const ROUNDS: usize = 7;
const LIMIT: f64 = 1.5;

fn main() -> ExitCode {
    let folder = folder_of_its_own();
    let root = folder.path().join("store");
    fill(&root.join("docker/registry/v2")).expect("the storage can be written");
    let saved = folder.path().join("inventory");
    let inventory = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_registry-retention"));
        command.args(["inventory", "--quiet", "--output"]).arg(&saved).arg("--storage").arg(&root);
        command
    };
    let find = || {
        let mut command = Command::new("find");
        command.arg(&root).args(["-type", "f", "-printf", "%p %T@ %s\\n"]);
        command.stdout(File::create(folder.path().join("found")).expect("a file"));
        command
    };
    // The first round is for the caches.
    let (mut ours, mut theirs) = (vec![], vec![]);
    for round in 0..=ROUNDS {
        let (found, read) = (time(find()), time(inventory()));
        if round > 0 {
            theirs.push(found);
            ours.push(read);
        }
    }
    let store = registry_retention::storage::load(&saved).expect("an inventory");
    assert_eq!(store.repositories.values().map(|it| it.revisions.len()).sum::<usize>(), MANIFESTS);
    let files = fs::read_to_string(folder.path().join("found")).expect("a list").lines().count();
    let (ours, theirs) = (median(ours), median(theirs));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    println!(
        "inventory: {MANIFESTS} manifests in {files} files: {ours:.2?}; find: {theirs:.2?}; {ratio:.2} times as long \
         (medians of {ROUNDS})"
    );
    if ratio > LIMIT {
        println!("inventory: more than {LIMIT} times as long as find");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn time(mut command: Command) -> Duration {
    let since = Instant::now();
    let status = command.stdin(Stdio::null()).status().expect("the command runs");
    assert!(status.success(), "{command:?}: {status}");
    since.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// A temporary folder, in memory where there is room for so many files.
fn folder_of_its_own() -> TempDir {
    const ROOM: u64 = 8 << 30;
    let memory = Path::new("/dev/shm");
    let base = match fs4::available_space(memory) {
        Ok(free) if free >= ROOM => memory.to_owned(),
        _ => std::env::temp_dir(),
    };
    TempDir::with_prefix_in("registry-", base).expect("a temporary folder")
}

/// Writes what a registry does: for each image a manifest, a config, a layer that others share, a tag, and the links to
/// all of them.
fn fill(base: &Path) -> io::Result<()> {
    for n in 0..MANIFESTS {
        let repository = base.join(format!("repositories/team{}/app{}", n % 10, n % REPOSITORIES));
        let digest = |what: &str| Digest::of(format!("{what} {n}").as_bytes());
        let manifest = digest("manifest");
        let shared = Digest::of(format!("base {}", n / SHARED).as_bytes());
        let blobs = [digest("config"), shared];
        for blob in blobs.iter().chain([&manifest]) {
            let (algorithm, digits) = blob.parts();
            write(&base.join("blobs").join(algorithm).join(&digits[..2]).join(digits).join("data"), "content")?;
        }
        for blob in &blobs {
            write(&link(&repository.join("_layers"), blob), blob.as_str())?;
        }
        let tag = repository.join(format!("_manifests/tags/v1.{n}"));
        write(&link(&repository.join("_manifests/revisions"), &manifest), manifest.as_str())?;
        write(&tag.join("current/link"), manifest.as_str())?;
        write(&link(&tag.join("index"), &manifest), manifest.as_str())?;
    }
    Ok(())
}

fn link(folder: &Path, digest: &Digest) -> PathBuf {
    let (algorithm, digits) = digest.parts();
    folder.join(algorithm).join(digits).join("link")
}

fn write(path: &Path, content: &str) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    fs::write(path, content)
}
