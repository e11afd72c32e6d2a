use std::collections::BTreeMap;

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::pod::pod;
use super::{Place, Template};
use crate::oci::Digest;

/// Where our program lies in the pod.
pub const PROGRAM: &str = "/retention/registry-retention";
pub(super) const PROGRAM_FOLDER: &str = "/retention";

/// Who made a Job: the value of `app.kubernetes.io/managed-by`.
pub const MANAGED_BY: &str = "registry-retention";
/// The label with the name of the registry's Deployment, shortened where a label's value must be.
pub const LABEL_DEPLOYMENT: &str = "registry-retention.dev/deployment";
/// The label with the run for which a Job was made.
pub const LABEL_RUN: &str = "registry-retention.dev/run";

/// What is written there, the kubelet puts into the status of the container.
const TERMINATION_LOG: &str = "/dev/termination-log";

/// The longest value of a label, and so the longest name of a Job, which its pods have in one.
const LONGEST: usize = 63;
/// How many digits tell apart what has to be shortened.
const DIGITS: usize = 8;

/// What a Job is for; there is at most one for each Deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Reading the storage.
    Inventory,
    /// A dry run of a collection.
    Preview,
    /// Collecting garbage.
    Collector,
    /// Restoring the Deployment if nobody else does.
    Keeper,
}

/// Whether the store can be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    /// Everything that the registry mounts is mounted read-only.
    ReadOnly,
    /// As in the registry's own container.
    AsTheRegistry,
}

/// A command of ours that runs once beside a registry's storage.
#[derive(Clone, Debug)]
pub struct Errand<'a> {
    /// What for.
    pub purpose: Purpose,
    /// The run that it belongs to; a label's value.
    pub run: &'a str,
    /// Our own image, which brings the program.
    pub image: &'a str,
    /// The program's arguments, in which the kubelet expands `$(VARIABLE)`.
    pub arguments: Vec<String>,
    /// Whether it may write.
    pub mount: Mount,
    /// After how many seconds the kubelet ends it.
    pub deadline_seconds: i64,
    /// How many seconds it then has to end by itself.
    pub grace_seconds: i64,
    /// Whether it waits to be released.
    pub is_suspended: bool,
}

/// How garbage is collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection<'a> {
    /// The registry's program, where the Deployment does not tell it.
    pub executable: Option<&'a str>,
    /// How what is kept is looked at afterwards: a word of the collector's command.
    pub verify: &'a str,
    /// How old an upload that did not end must be to go.
    pub stale_uploads: &'a str,
}

impl<'a> Errand<'a> {
    /// Reads the storage of the registry; its result is its log. It has nothing to finish when it is told to end.
    pub fn inventory(template: &Template<'_>, run: &'a str, image: &'a str, deadline_seconds: i64) -> Self {
        let [configuration, volumes] = place_of_storage(template);
        let arguments = vec!["inventory".into(), configuration, volumes, "--log".into()];
        let (purpose, mount) = (Purpose::Inventory, Mount::ReadOnly);
        Self { purpose, run, image, arguments, mount, deadline_seconds, grace_seconds: 1, is_suspended: false }
    }

    /// A dry run of a collection beside the registry, which goes on; its result is in its container's status.
    /// `executable` is the registry's program, where somebody says it.
    pub fn preview(
        template: &Template<'_>,
        executable: Option<&str>,
        run: &'a str,
        image: &'a str,
        deadline_seconds: i64,
    ) -> Self {
        let [configuration, volumes] = place_of_storage(template);
        let report = format!("--report={TERMINATION_LOG}");
        let mut arguments: Vec<String> = ["collector", "--dry-run", "--log"].map(str::to_owned).into();
        arguments.extend([report, configuration, volumes]);
        let executable = executable.or(template.entry_point().executable.as_deref());
        arguments.extend(executable.map(|file| format!("--executable={file}")));
        let (purpose, mount) = (Purpose::Preview, Mount::ReadOnly);
        Self { purpose, run, image, arguments, mount, deadline_seconds, grace_seconds: 1, is_suspended: false }
    }

    /// Collects the registry's garbage, once it is released; its result is the message of its container's end.
    pub fn collector(
        template: &Template<'_>,
        run: &'a str,
        image: &'a str,
        how: &Collection<'_>,
        deadline_seconds: i64,
    ) -> Self {
        let [configuration, volumes] = place_of_storage(template);
        let executable = how.executable.map(str::to_owned).or_else(|| template.entry_point().executable.clone());
        let words = ["collector", "--registry-is-read-only", "--log"];
        let told = [
            format!("--report={TERMINATION_LOG}"),
            configuration,
            volumes,
            format!("--verify={}", how.verify),
            format!("--stale-uploads-older-than={}", how.stale_uploads),
        ];
        let arguments = words.map(str::to_owned).into_iter().chain(told);
        let arguments = arguments.chain(executable.map(|it| format!("--executable={it}"))).collect();
        let (purpose, mount) = (Purpose::Collector, Mount::AsTheRegistry);
        Self { purpose, run, image, arguments, mount, deadline_seconds, grace_seconds: GRACE, is_suspended: true }
    }
}

/// How many seconds a collector has to end by itself: it ends garbage-collect at once, and tells what was done.
const GRACE: i64 = 10;

/// The arguments by which our program finds the storage, in the form that the kubelet leaves alone.
fn place_of_storage(template: &Template<'_>) -> [String; 2] {
    let configuration = match &template.entry_point().configuration {
        Some(file) => format!("--configuration={file}"),
        None => "--detect".to_owned(),
    };
    let volumes = template.volumes().shared_paths().join(":").replace("$(", "$$(");
    [configuration, format!("--volumes={volumes}")]
}

impl Purpose {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Inventory, Self::Preview, Self::Collector, Self::Keeper];

    fn word(self) -> &'static str {
        match self {
            Self::Inventory => "inventory",
            Self::Preview => "preview",
            Self::Collector => "collector",
            Self::Keeper => "keeper",
        }
    }
}

/// The name of the Job for a Deployment: always the same, so that there are never two.
pub fn name(deployment: &str, purpose: Purpose) -> String {
    let suffix = format!("-{}", purpose.word());
    format!("{}{suffix}", shortened(deployment, LONGEST - suffix.len()))
}

/// The Job that does the errand: one pod, once. It goes with its Deployment, and stays until somebody has read its log.
pub fn job(template: &Template<'_>, place: &Place, errand: &Errand<'_>) -> Job {
    let deployment = &template.deployment.metadata;
    let labels = labels(errand.purpose, &template.name(), errand.run);
    let owner = deployment.uid.clone().map(|uid| OwnerReference {
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        name: template.name(),
        uid,
        ..OwnerReference::default()
    });
    let spec = JobSpec {
        active_deadline_seconds: Some(errand.deadline_seconds),
        backoff_limit: Some(0),
        pod_replacement_policy: Some("Failed".into()),
        suspend: errand.is_suspended.then_some(true),
        template: pod(template, place, errand, labels.clone()),
        ..JobSpec::default()
    };
    let metadata = ObjectMeta {
        name: Some(name(&template.name(), errand.purpose)),
        namespace: deployment.namespace.clone(),
        labels: Some(labels),
        owner_references: owner.map(|owner| vec![owner]),
        ..ObjectMeta::default()
    };
    Job { metadata, spec: Some(spec), status: None }
}

/// What is written on a Job and its pods.
pub(super) fn labels(purpose: Purpose, deployment: &str, run: &str) -> BTreeMap<String, String> {
    [
        ("app.kubernetes.io/name", format!("registry-retention-{}", purpose.word())),
        ("app.kubernetes.io/managed-by", MANAGED_BY.to_owned()),
        (LABEL_DEPLOYMENT, shortened(deployment, LONGEST)),
        (LABEL_RUN, run.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The text itself if it is short enough, else its beginning and a checksum.
fn shortened(text: &str, longest: usize) -> String {
    if text.len() <= longest {
        return text.to_owned();
    }
    let digest = Digest::of(text.as_bytes());
    let (_, digits) = digest.parts();
    let start = text.get(..longest - DIGITS - 1).unwrap_or_default().trim_end_matches(['-', '.']);
    format!("{start}-{}", &digits[..DIGITS])
}
