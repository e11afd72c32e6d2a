use std::process::Command;

use crate::registries::Artifact;

use super::cache;

/// An image that a kubelet can pull and run: busybox as `/bin/busybox`, one real layer. Images of different seeds have
/// different digests and share the layer. A pod must say the command: `["/bin/busybox", "sleep", "3600"]`.
pub fn runnable(seed: &str) -> Artifact {
    let layer = Command::new("tar")
        .args(["--create", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--transform=s|^|bin/|"])
        .arg("--directory")
        .arg(cache().join("node/usr/bin"))
        .arg("busybox")
        .output()
        .expect("`tar` runs");
    assert!(layer.status.success(), "tar: {}", String::from_utf8_lossy(&layer.stderr));
    Artifact::image(seed).layer(layer.stdout).build()
}
