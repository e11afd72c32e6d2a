use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus};
use k8s_openapi::api::core::v1::Container;
use kube::ResourceExt as _;
use serde::de::DeserializeOwned;

use super::target;
use crate::collection::marks::{COLLECTOR_DEAD, FIELD_MANAGER, READ_ONLY, RUN, ZEROED};
use crate::collection::protocol::{self, Claim, Entry, Rollout, Run, Zeroed};
use crate::collection::store::is_read_only;

/// Our annotations of a Deployment, as far as they can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The run that claims it.
    pub claim: Option<Claim>,
    /// The run that set its replicas to zero.
    pub zeroed: Option<Zeroed>,
    /// One of them is there and cannot be read: somebody edited it, or a later version wrote it.
    pub is_damaged: bool,
}

impl Marks {
    /// Reads them.
    pub fn of(deployment: &Deployment) -> Self {
        let (claim, claim_is_damaged) = read(deployment, RUN);
        let (zeroed, zeroed_is_damaged) = read(deployment, ZEROED);
        Self { claim, zeroed, is_damaged: claim_is_damaged || zeroed_is_damaged }
    }
}

fn read<T: DeserializeOwned>(deployment: &Deployment, name: &str) -> (Option<T>, bool) {
    let Some(text) = deployment.annotations().get(name) else { return (None, false) };
    let mark = serde_json::from_str(text).ok();
    let is_damaged = mark.is_none();
    (mark, is_damaged)
}

/// The Deployment, of whose containers `container` is the registry's.
pub fn deployment(of: &Deployment, container: &str) -> protocol::Deployment {
    let Marks { claim, zeroed, .. } = Marks::of(of);
    let managers = of.metadata.managed_fields.iter().flatten();
    let mut ours = managers
        .filter(|entry| entry.manager.as_deref() == Some(FIELD_MANAGER) && entry.operation.as_deref() == Some("Apply"));
    let spec = &of.spec;
    protocol::Deployment {
        target: target(of),
        rollout: rollout(of),
        entry: entry(spec.template.spec.iter().flat_map(|pod| &pod.containers).find(|it| it.name == container)),
        is_paused: spec.paused.unwrap_or_default(),
        replicas: replicas(of),
        claim,
        zeroed,
        is_applied: ours.any(|entry| entry.subresource.is_none()),
        collector_dead: of.annotations().get(COLLECTOR_DEAD).map(|run| Run::new(run.as_str())),
    }
}

/// How many pods are asked for; the API server fills in one.
fn replicas(of: &Deployment) -> i32 {
    of.spec.replicas.unwrap_or(1)
}

/// From the counts: `Progressing` still says that an earlier roll-out is done for a moment after a change.
fn rollout(of: &Deployment) -> Rollout {
    let none = DeploymentStatus::default();
    let status = of.status.as_ref().unwrap_or(&none);
    let all = [status.replicas, status.updated_replicas, status.ready_replicas, status.available_replicas];
    Rollout {
        generation: of.metadata.generation.unwrap_or_default(),
        observed_generation: status.observed_generation.unwrap_or_default(),
        is_complete: all.iter().all(|count| count.unwrap_or_default() == replicas(of)),
    }
}

fn entry(container: Option<&Container>) -> Entry {
    // Without the container, whatever it was set to is gone with it, and nobody knows what runs.
    let Some(container) = container else { return Entry::Other };
    let mut entries = container.env.iter().flatten().filter(|entry| entry.name == READ_ONLY);
    match (entries.next(), entries.next()) {
        (None, _) => Entry::Absent,
        (Some(_), None) if is_read_only(container) => Entry::ReadOnly,
        _ => Entry::Other,
    }
}
