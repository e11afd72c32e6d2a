use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Container, PodSpec, Volume, VolumeMount};

/// The volumes of a registry's container.
#[derive(Clone, Copy, Debug)]
pub(super) struct Volumes<'a> {
    pub(super) pod: &'a PodSpec,
    pub(super) container: &'a Container,
}

impl<'a> Volumes<'a> {
    /// Those that are mounted, each once, in the order of the template.
    pub(super) fn mounted(self) -> impl Iterator<Item = &'a Volume> {
        let mounted = names(self.container);
        self.pod.volumes.iter().flatten().filter(move |volume| mounted.contains(volume.name.as_str()))
    }

    /// Those of them that another pod can have as well.
    pub(super) fn shared(self) -> impl Iterator<Item = &'a Volume> {
        self.mounted().filter(|volume| is_shared(volume))
    }

    /// The claims among them.
    pub(super) fn claims(self) -> impl Iterator<Item = &'a str> {
        let claims = self.mounted().filter_map(|volume| volume.persistent_volume_claim.as_ref());
        let claims: BTreeSet<&str> = claims.map(|claim| claim.claim_name.as_str()).collect();
        claims.into_iter()
    }

    /// Where what is shared is mounted.
    pub(super) fn shared_paths(self) -> Vec<String> {
        let shared: BTreeSet<&str> = self.shared().map(|volume| volume.name.as_str()).collect();
        let mounts = self.container.volume_mounts.iter().flatten();
        mounts.filter(|mount| shared.contains(mount.name.as_str())).map(path).collect()
    }

    /// The volume in which a path lies; `None` if that is the container's own file system.
    pub(super) fn at(self, place: &str) -> Option<&'a Volume> {
        let mounts = self.container.volume_mounts.iter().flatten();
        let around = mounts.filter(|mount| {
            let path = path(mount);
            let rest = place.strip_prefix(path.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        let nearest = around.max_by_key(|mount| mount.mount_path.trim_end_matches('/').len())?;
        self.pod.volumes.iter().flatten().find(|volume| volume.name == nearest.name)
    }
}

/// Which volumes a container mounts.
pub(super) fn names(container: &Container) -> BTreeSet<&str> {
    container.volume_mounts.iter().flatten().map(|mount| mount.name.as_str()).collect()
}

/// A mount's folder; the kubelet takes one without a slash as from the root.
fn path(mount: &VolumeMount) -> String {
    format!("/{}", mount.mount_path.trim_start_matches('/'))
}

/// Whether a second pod that names the same volume gets the same files, perhaps on the same node only.
///
/// A kind that is not known here is taken for the pod's own.
pub(super) fn is_shared(volume: &Volume) -> bool {
    volume.persistent_volume_claim.is_some()
        || volume.host_path.is_some()
        || volume.nfs.is_some()
        || volume.cephfs.is_some()
        || volume.glusterfs.is_some()
        || volume.azure_file.is_some()
        || volume.flex_volume.is_some()
        || volume.quobyte.is_some()
        || is_of_a_node(volume)
}

/// What a volume is that is the pod's own.
pub(super) fn kind(volume: &Volume) -> &'static str {
    match volume {
        Volume { empty_dir: Some(_), .. } => "emptyDir",
        Volume { ephemeral: Some(_), .. } => "ephemeral",
        Volume { csi: Some(_), .. } => "csi",
        Volume { image: Some(_), .. } => "image",
        Volume { config_map: Some(_), .. } => "configMap",
        Volume { secret: Some(_), .. } => "secret",
        Volume { projected: Some(_), .. } => "projected",
        _ => "of a kind that is not known to be shared",
    }
}

/// Whether only one node has it at a time, or each node has another one; claims aside.
pub(super) fn is_of_a_node(volume: &Volume) -> bool {
    volume.iscsi.is_some()
        || volume.fc.is_some()
        || volume.rbd.is_some()
        || volume.cinder.is_some()
        || volume.aws_elastic_block_store.is_some()
        || volume.azure_disk.is_some()
        || volume.gce_persistent_disk.is_some()
        || volume.vsphere_volume.is_some()
        || volume.portworx_volume.is_some()
}
