use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{
    Capabilities, Container, EmptyDirVolumeSource, PodSecurityContext, PodSpec, PodTemplateSpec, ResourceRequirements,
    SeccompProfile, SecurityContext, Toleration, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::job::{Errand, Mount, PROGRAM, PROGRAM_FOLDER};
use super::volumes::{is_shared, names};
use super::{Place, Template};

/// The container in which our program runs.
pub const CONTAINER: &str = "registry-retention";
/// The init container that brings it.
const INSTALL: &str = "registry-retention-install";
/// The volumes that are ours: the program, and room for files.
const PROGRAM_VOLUME: &str = "registry-retention-program";
const SCRATCH_VOLUME: &str = "registry-retention-scratch";
const SCRATCH_FOLDER: &str = "/retention-scratch";
/// The user of our own image.
pub(super) const NOBODY: i64 = 65532;

/// A pod that does the errand in the registry's image, with its environment, volumes and identity, and that nobody takes
/// for a registry.
pub(super) fn pod(
    template: &Template<'_>,
    place: &Place,
    errand: &Errand<'_>,
    labels: BTreeMap<String, String>,
) -> PodTemplateSpec {
    let of = template.pod;
    let inits: Vec<Container> = plain_init_containers(template).collect();
    let container = main_container(template, errand);
    let needed: BTreeSet<&str> = inits.iter().chain([&container]).flat_map(names).collect();
    let volumes = of.volumes.iter().flatten().filter(|volume| needed.contains(volume.name.as_str())).cloned();
    let spec = PodSpec {
        // Its Job may be gone while it runs.
        active_deadline_seconds: Some(errand.deadline_seconds),
        affinity: place.affinity(of.affinity.as_ref()),
        automount_service_account_token: Some(false),
        volumes: Some(volumes.chain([PROGRAM_VOLUME, SCRATCH_VOLUME].map(empty_dir)).collect()),
        init_containers: Some([install(template, errand)].into_iter().chain(inits).collect()),
        containers: vec![container],
        dns_config: of.dns_config.clone(),
        dns_policy: of.dns_policy.clone(),
        // A Service named `registry-storage` would set REGISTRY_STORAGE_… otherwise.
        enable_service_links: Some(false),
        host_aliases: of.host_aliases.clone(),
        host_users: of.host_users,
        image_pull_secrets: of.image_pull_secrets.clone(),
        node_selector: of.node_selector.clone(),
        os: of.os.clone(),
        restart_policy: Some("Never".into()),
        runtime_class_name: of.runtime_class_name.clone(),
        scheduler_name: of.scheduler_name.clone(),
        security_context: of.security_context.as_ref().map(identity),
        service_account_name: of.service_account_name.clone(),
        termination_grace_period_seconds: Some(errand.grace_seconds),
        tolerations: Some(tolerations(of)),
        ..PodSpec::default()
    };
    // Istio looks at the label first.
    let mut labels = labels;
    labels.insert("sidecar.istio.io/inject".into(), "false".into());
    let annotations = [("sidecar.istio.io/inject", "false"), ("linkerd.io/inject", "disabled")];
    let annotations = annotations.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    PodTemplateSpec {
        metadata: Some(ObjectMeta { labels: Some(labels), annotations: Some(annotations), ..ObjectMeta::default() }),
        spec: Some(spec),
    }
}

/// Those that may write what the registry needs, such as its configuration. One that mounts something that outlives its
/// pod would do its work there twice; a sidecar would not end.
fn plain_init_containers(template: &Template<'_>) -> impl Iterator<Item = Container> {
    let volumes = template.pod.volumes.iter().flatten();
    let shared: BTreeSet<&str> = volumes.filter(|it| is_shared(it)).map(|it| it.name.as_str()).collect();
    let inits = template.pod.init_containers.iter().flatten();
    let plain =
        inits.filter(move |init| init.restart_policy.as_deref() != Some("Always") && names(init).is_disjoint(&shared));
    plain.map(|init| Container { working_dir: init.working_dir.clone(), ..runs_once(init) })
}

/// The container without whatever belongs to serving.
fn runs_once(container: &Container) -> Container {
    Container {
        lifecycle: None,
        liveness_probe: None,
        ports: None,
        readiness_probe: None,
        resize_policy: None,
        resources: resources(container),
        restart_policy: None,
        restart_policy_rules: None,
        startup_probe: None,
        stdin: None,
        stdin_once: None,
        tty: None,
        volume_devices: None,
        ..container.clone()
    }
}

fn main_container(template: &Template<'_>, errand: &Errand<'_>) -> Container {
    let of = template.container;
    let mounts = of.volume_mounts.iter().flatten().map(|mount| mounted(mount, errand.mount));
    let ours = [mount(PROGRAM_VOLUME, PROGRAM_FOLDER, true), mount(SCRATCH_VOLUME, SCRATCH_FOLDER, false)];
    Container {
        name: CONTAINER.into(),
        command: Some(vec![PROGRAM.into()]),
        args: Some(errand.arguments.clone()),
        volume_mounts: Some(mounts.chain(ours).collect()),
        termination_message_path: None,
        termination_message_policy: Some("FallbackToLogsOnError".into()),
        ..runs_once(of)
    }
}

fn mounted(of: &VolumeMount, how: Mount) -> VolumeMount {
    let mut mount = VolumeMount { mount_propagation: None, ..of.clone() };
    match how {
        Mount::ReadOnly => mount.read_only = Some(true),
        Mount::AsTheRegistry => {}
    }
    mount
}

/// Brings our program into the pod. This container has no need of anything that `restricted` forbids.
fn install(template: &Template<'_>, errand: &Errand<'_>) -> Container {
    let pod = template.pod.security_context.as_ref();
    let of = template.container.security_context.as_ref();
    let user = pod.and_then(|pod| pod.run_as_user);
    let security_context = SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), ..Capabilities::default() }),
        read_only_root_filesystem: Some(true),
        run_as_non_root: Some(true),
        run_as_user: user.filter(|user| *user == 0).map(|_| NOBODY),
        // What it writes is to be read with these.
        se_linux_options: of.and_then(|of| of.se_linux_options.clone()),
        seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".into(), ..SeccompProfile::default() }),
        ..SecurityContext::default()
    };
    Container {
        name: INSTALL.into(),
        image: Some(errand.image.to_owned()),
        args: Some(vec!["install".into(), PROGRAM_FOLDER.into()]),
        // A namespace may demand that they are said.
        resources: resources(template.container),
        security_context: Some(security_context),
        termination_message_policy: Some("FallbackToLogsOnError".into()),
        volume_mounts: Some(vec![mount(PROGRAM_VOLUME, PROGRAM_FOLDER, false)]),
        ..Container::default()
    }
}

fn resources(container: &Container) -> Option<ResourceRequirements> {
    container.resources.as_ref().map(|of| ResourceRequirements { claims: None, ..of.clone() })
}

/// The owner of the store's files is not changed once more, file by file: the registry's pod did that.
fn identity(of: &PodSecurityContext) -> PodSecurityContext {
    let policy = of.fs_group.map(|_| "OnRootMismatch".to_owned());
    PodSecurityContext { fs_group_change_policy: policy, ..of.clone() }
}

/// Those of the registry; also where disk space is short, for that is when our pods are needed.
fn tolerations(of: &PodSpec) -> Vec<Toleration> {
    let disk_pressure = Toleration {
        key: Some("node.kubernetes.io/disk-pressure".into()),
        operator: Some("Exists".into()),
        effect: Some("NoSchedule".into()),
        ..Toleration::default()
    };
    let own = of.tolerations.iter().flatten().filter(|it| **it != disk_pressure).cloned();
    own.chain([disk_pressure.clone()]).collect()
}

fn mount(volume: &str, path: &str, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: volume.into(),
        mount_path: path.into(),
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    }
}

fn empty_dir(name: &str) -> Volume {
    Volume { name: name.into(), empty_dir: Some(EmptyDirVolumeSource::default()), ..Volume::default() }
}
