use std::path::Path;
use std::process::Command;

use registry_retention::oci::Digest;
use tempfile::TempDir;

use super::{Artifact, Pusher, Refused};

/// A small file system in memory, for a store that fills up. It is unmounted when this is dropped; drop the registry
/// that stores into it first.
pub struct Tmpfs {
    folder: TempDir,
}

impl Tmpfs {
    /// Mounts one of `kib` KiB. This needs root; without it the test fails and says so, rather than be skipped.
    pub fn mount(kib: u32) -> Self {
        let folder = TempDir::with_prefix("tmpfs-").expect("a temporary folder");
        let options = format!("size={kib}k,mode=0700");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()).output();
        let mount = mount.expect("`mount` runs");
        let message = String::from_utf8_lossy(&mount.stderr);
        assert!(mount.status.success(), "this test mounts a tmpfs, for which it must be run as root: {message}");
        Self { folder }
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Lazily, so that a registry that still runs cannot keep it.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// What [`fill`] did.
#[derive(Debug)]
pub struct Filled {
    /// The tags that were pushed, and the digests that the registry confirmed.
    pub confirmed: Vec<(String, Digest)>,
    /// The answer that ended it.
    pub refused: Refused,
}

/// Pushes images of `bytes` each, as tags F1, F2, …, until the disk is full and a push fails.
pub async fn fill(pusher: &Pusher, repository: &str, bytes: usize) -> Filled {
    let mut confirmed = vec![];
    for n in 1..=10_000 {
        let tag = format!("F{n}");
        let artifact = Artifact::image(format!("{repository}/{tag}")).layers(1, bytes).build();
        match pusher.try_push(repository, &tag, &artifact).await {
            Ok(digest) => confirmed.push((tag, digest)),
            Err(refused) => return Filled { confirmed, refused },
        }
    }
    panic!("10,000 images of {bytes} bytes did not fill the disk")
}
