use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{
    Affinity, Capabilities, Container, HTTPGetAction, PodAffinityTerm, PodAntiAffinity, PodSecurityContext, PodSpec,
    PodTemplateSpec, Probe, ResourceRequirements, SeccompProfile, SecurityContext, Toleration, WeightedPodAffinityTerm,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::job::{Purpose, labels, name};
use super::marks::KEEPER_ACCOUNT;
use super::pod::{CONTAINER, NOBODY};

/// Where a keeper tells the kubelet whether it is ready.
pub const KEEPER_PORT: i32 = 8080;
/// How often the kubelet may start it anew; it waits five minutes at most between two starts.
const STARTS: i32 = 1_000_000;
const HOSTNAME: &str = "kubernetes.io/hostname";

/// A second process with the undo of a run.
#[derive(Clone, Copy, Debug)]
pub struct Keeper<'a> {
    /// The run.
    pub run: &'a str,
    /// The `RegistryCollection`.
    pub collection: &'a str,
    /// The registry's container.
    pub container: &'a str,
    /// Our own image.
    pub image: &'a str,
}

/// The keeper's Job. Nobody owns it, nothing ends it but its work: it outlives the operator, its resources, and the
/// machine that it runs on.
pub fn keeper_job(deployment: &Deployment, keeper: Keeper<'_>) -> Job {
    let of = &deployment.metadata;
    let deployment_name = of.name.clone().unwrap_or_default();
    let labels = labels(Purpose::Keeper, &deployment_name, keeper.run);
    let pod = PodSpec {
        affinity: Some(elsewhere(deployment)),
        automount_service_account_token: Some(true),
        containers: vec![container(&deployment_name, keeper)],
        enable_service_links: Some(false),
        restart_policy: Some("OnFailure".into()),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(NOBODY),
            run_as_group: Some(NOBODY),
            seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".into(), ..SeccompProfile::default() }),
            ..PodSecurityContext::default()
        }),
        service_account_name: Some(KEEPER_ACCOUNT.into()),
        termination_grace_period_seconds: Some(5),
        // Where disk space is short it is needed most.
        tolerations: Some(vec![Toleration {
            key: Some("node.kubernetes.io/disk-pressure".into()),
            operator: Some("Exists".into()),
            effect: Some("NoSchedule".into()),
            ..Toleration::default()
        }]),
        ..PodSpec::default()
    };
    let spec = JobSpec {
        backoff_limit: Some(STARTS),
        template: PodTemplateSpec {
            metadata: Some(ObjectMeta { labels: Some(labels.clone()), ..ObjectMeta::default() }),
            spec: Some(pod),
        },
        ..JobSpec::default()
    };
    let metadata = ObjectMeta {
        name: Some(name(&deployment_name, Purpose::Keeper)),
        namespace: of.namespace.clone(),
        labels: Some(labels),
        ..ObjectMeta::default()
    };
    Job { metadata, spec: Some(spec), status: None }
}

fn container(deployment: &str, keeper: Keeper<'_>) -> Container {
    let argument = |name: &str, value: &str| format!("--{name}={}", value.replace("$(", "$$("));
    let small = |cpu: &str, memory: &str| {
        [("cpu", cpu), ("memory", memory)].map(|(name, amount)| (name.to_owned(), Quantity(amount.to_owned()))).into()
    };
    Container {
        name: CONTAINER.into(),
        image: Some(keeper.image.to_owned()),
        args: Some(vec![
            "keeper".into(),
            argument("deployment", deployment),
            argument("container", keeper.container),
            argument("run", keeper.run),
            argument("collection", keeper.collection),
            format!("--listen=0.0.0.0:{KEEPER_PORT}"),
        ]),
        env: Some(vec![field("POD_NAMESPACE", "metadata.namespace")]),
        readiness_probe: Some(Probe {
            http_get: Some(HTTPGetAction {
                path: Some("/readyz".into()),
                port: IntOrString::Int(KEEPER_PORT),
                ..HTTPGetAction::default()
            }),
            period_seconds: Some(1),
            timeout_seconds: Some(5),
            ..Probe::default()
        }),
        resources: Some(ResourceRequirements {
            requests: Some(small("10m", "32Mi")),
            limits: Some(small("500m", "128Mi")),
            ..ResourceRequirements::default()
        }),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), ..Capabilities::default() }),
            read_only_root_filesystem: Some(true),
            ..SecurityContext::default()
        }),
        ..Container::default()
    }
}

fn field(name: &str, path: &str) -> k8s_openapi::api::core::v1::EnvVar {
    use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, ObjectFieldSelector};
    let field_ref = Some(ObjectFieldSelector { field_path: path.into(), ..ObjectFieldSelector::default() });
    let value_from = Some(EnvVarSource { field_ref, ..EnvVarSource::default() });
    EnvVar { name: name.into(), value_from, value: None }
}

/// Preferably not on a machine of the registry's: what takes that away should not take the keeper too.
fn elsewhere(deployment: &Deployment) -> Affinity {
    let term = PodAffinityTerm {
        label_selector: Some(deployment.spec.selector.clone()),
        topology_key: HOSTNAME.into(),
        ..PodAffinityTerm::default()
    };
    let preferred = vec![WeightedPodAffinityTerm { weight: 100, pod_affinity_term: term }];
    Affinity {
        pod_anti_affinity: Some(PodAntiAffinity {
            preferred_during_scheduling_ignored_during_execution: Some(preferred),
            ..PodAntiAffinity::default()
        }),
        ..Affinity::default()
    }
}
