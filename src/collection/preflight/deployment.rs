use k8s_openapi::api::core::v1::Container;

use super::Objection;
use super::facts::Subject;
use crate::collection::marks::READ_ONLY;

/// It replaces the section of which our entry is a part.
const MAINTENANCE: &str = "REGISTRY_STORAGE_MAINTENANCE";

pub(super) fn absent(name: &str) -> Objection {
    Objection::new("DeploymentNotFound", format!("Deployment {name} is not there"), "name the registry's Deployment")
}

/// No pod would be replaced by a read-only one.
pub(super) fn paused(it: &Subject<'_>) -> Vec<Objection> {
    let resume = format!("resume it: kubectl rollout resume deployment/{}", it.template.name());
    let is_paused = it.deployment.spec.paused == Some(true);
    one(is_paused.then(|| Objection::new("Paused", format!("{} is paused", it.name()), resume)))
}

/// Whatever it is set to: taking ours back would take somebody's with it, and leave an entry that the registry does not
/// start with.
pub(super) fn entries(it: &Subject<'_>) -> Vec<Objection> {
    let pod = it.template.pod;
    let all = pod.containers.iter().chain(pod.init_containers.iter().flatten());
    let having: Vec<&str> =
        all.filter(|it| variables(it).any(|name| name == READ_ONLY)).map(|it| it.name.as_str()).collect();
    let found = || format!("{} sets {READ_ONLY} itself, in its container {}", it.name(), having.join(", "));
    let remedy = "take it out of the template; a registry that is to stay read-only cannot be collected";
    one((!having.is_empty()).then(|| Objection::new("EntryExists", found(), remedy)))
}

/// Settings under which our entry is ignored, or the registry does not start: 2.8 and 3.x alike read such a variable into
/// a map that is not of the type they look for (`configuration/parser.go`, `overwriteMap`).
pub(super) fn maintenance(it: &Subject<'_>) -> Vec<Objection> {
    let is_one =
        |name: &&str| *name == MAINTENANCE || name.strip_prefix(READ_ONLY).is_some_and(|rest| rest.starts_with('_'));
    let set: Vec<&str> = variables(it.template.container).filter(is_one).collect();
    let found =
        || format!("{} sets {}, with which a registry cannot be made read-only safely", it.name(), set.join(", "));
    let remedy = "take it out of the template, and say in the registry's configuration file what it is to say";
    one((!set.is_empty()).then(|| Objection::new("MaintenanceVariable", found(), remedy)))
}

/// Pods that do not come up would come up neither frozen nor thawed.
pub(super) fn unhealthy(it: &Subject<'_>) -> Vec<Objection> {
    let wanted = it.deployment.spec.replicas.unwrap_or(1);
    if wanted == 0 {
        let found = format!("{} has no replicas, so that nothing serves the registry", it.name());
        let remedy = format!("scale it up: kubectl scale deployment/{} --replicas=1", it.template.name());
        return vec![Objection::new("Unhealthy", found, remedy)];
    }
    let status = it.deployment.status.clone().unwrap_or_default();
    // Fields that are zero are absent.
    let is = |field: Option<i32>| field.unwrap_or(0) == wanted;
    let is_observed = status.observed_generation >= it.deployment.metadata.generation;
    let is_complete =
        is_observed && is(status.replicas) && is(status.updated_replicas) && is(status.available_replicas);
    let is_ending = it.facts.own_pods().any(|pod| pod.metadata.deletion_timestamp.is_some());
    let remedy = format!("it is looked at again; see kubectl rollout status deployment/{}", it.template.name());
    let say = |found: String| one(Some(Objection::new("Unhealthy", found, &remedy).passing()));
    if !is_complete {
        let available = status.available_replicas.unwrap_or(0);
        return say(format!("{} is not rolled out: {available} of {wanted} pods are available", it.name()));
    }
    if is_ending { say(format!("a pod of {} is being ended", it.name())) } else { Vec::new() }
}

fn variables(container: &Container) -> impl Iterator<Item = &str> {
    container.env.iter().flatten().map(|variable| variable.name.as_str())
}

pub(super) fn one(objection: Option<Objection>) -> Vec<Objection> {
    objection.into_iter().collect()
}
