use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Node, PersistentVolume, PersistentVolumeClaim, Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::collection::garbage::Account;
use crate::collection::protocol::{Answer, Guard, GuardDemand, Strategy};
use crate::collection::{
    AccessMode, Claims, LABEL_DEPLOYMENT, Listening, MANAGED_BY, Purpose, Serving, StoreMark, Stored, Template,
    Unanswered, name,
};

/// What was read of the cluster, and what was asked for.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The Deployment's `namespace/name`.
    pub name: String,
    /// What was asked for.
    pub wish: Wish,
    /// The Deployment, if it is there.
    pub deployment: Option<Deployment>,
    /// The claims that its template names and that are there.
    pub claims: BTreeMap<String, PersistentVolumeClaim>,
    /// The volumes that these claims are bound to, by claim; only where they may be read.
    pub volumes: BTreeMap<String, PersistentVolume>,
    /// All pods of the namespace.
    pub pods: Vec<Pod>,
    /// Everything in the namespace that makes pods, the Deployment itself and its `ReplicaSet`s included.
    pub workloads: Vec<Workload>,
    /// All nodes of the cluster.
    pub nodes: Vec<Node>,
    /// Whether the admission guard refused a dry run.
    pub guard: Guard,
    /// Whether the keeper's `ServiceAccount` is in the namespace.
    pub has_keeper_account: bool,
    /// The URL that the resource says of the registry, where it was seen that this Deployment does not serve it.
    pub elsewhere: Option<String>,
    /// What a dry run beside the registry told.
    pub preview: Preview,
    /// What the registry's pods answered, by their uid; `None` if none was asked yet.
    pub answers: Option<BTreeMap<String, Result<Answer, Unanswered>>>,
}

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The registry's container; else the only one, else the one named `registry`.
    pub container: Option<String>,
    /// Its configuration file, where the Deployment does not tell it.
    pub configuration: Option<String>,
    /// How it is to be frozen.
    pub strategy: Strategy,
    /// What must hold it.
    pub guard: GuardDemand,
    /// A person vouches that nobody else writes to the store.
    pub store_is_exclusive: bool,
    /// For how long it may be read-only.
    pub max_read_only: Duration,
    /// How many bytes are worth it; `None`: any.
    pub minimum_reclaim: Option<u64>,
}

/// What a dry run beside the registry told.
#[derive(Clone, Debug, PartialEq)]
pub enum Preview {
    /// None was made yet.
    NotYet,
    /// None can be made: the store can be had by one pod alone, and the registry's is that one.
    Impossible,
    /// This.
    Told(Box<Account>),
}

/// Something that makes pods, and may make more.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Its kind.
    pub kind: &'static str,
    /// Who it is.
    pub metadata: ObjectMeta,
    /// What its pods are like.
    pub pod: PodSpec,
}

/// What all checks look at.
pub(super) struct Subject<'a> {
    pub(super) facts: &'a Facts,
    pub(super) deployment: &'a Deployment,
    pub(super) template: Template<'a>,
    pub(super) mark: StoreMark,
}

impl Facts {
    /// How the claims may be mounted.
    pub fn access_modes(&self) -> Claims {
        self.claims.iter().map(|(name, claim)| (name.clone(), AccessMode::of(claim))).collect()
    }

    /// Whether a pod beside the registry can have its store at all.
    pub fn can_preview(&self) -> bool {
        !self.access_modes().values().any(|mode| *mode == AccessMode::OnePod)
    }

    /// The pods of the Deployment that have not ended, by its `ReplicaSet`s.
    pub fn own_pods(&self) -> impl Iterator<Item = &Pod> {
        let uid = self.deployment.as_ref().and_then(|deployment| deployment.metadata.uid.as_deref());
        let sets = self.workloads.iter().filter(|it| it.kind == "ReplicaSet" && uid.is_some());
        let sets: BTreeSet<&str> =
            sets.filter(|it| controller(&it.metadata) == uid).filter_map(|it| it.metadata.uid.as_deref()).collect();
        self.pods
            .iter()
            .filter(|pod| !has_ended(pod))
            .filter(move |pod| controller(&pod.metadata).is_some_and(|owner| sets.contains(owner)))
    }

    /// The nodes that they run on.
    pub fn own_nodes(&self) -> BTreeSet<String> {
        self.own_pods().filter_map(|pod| pod.spec.as_ref()?.node_name.clone()).collect()
    }

    /// How the registry serves, as far as the preview told.
    pub fn serving(&self) -> Option<&Serving> {
        match self.told()?.serving.as_ref()? {
            Listening::At(serving) => Some(serving),
            Listening::Nowhere { .. } => None,
        }
    }

    pub(super) fn told(&self) -> Option<&Account> {
        match &self.preview {
            Preview::Told(account) => Some(account),
            Preview::NotYet | Preview::Impossible => None,
        }
    }

    pub(super) fn stored(&self) -> Option<&Stored> {
        self.told()?.stored.as_ref()
    }
}

impl Subject<'_> {
    /// `Deployment NAME`.
    pub(super) fn name(&self) -> String {
        format!("Deployment {}", self.facts.name)
    }

    /// Whether this is a Job of ours for this Deployment: the protocol looks after those itself.
    pub(super) fn is_ours(&self, workload: &Workload) -> bool {
        let deployment = self.template.name();
        let label = |name: &str| workload.metadata.labels.as_ref().and_then(|labels| labels.get(name));
        let is_named = Purpose::ALL.iter().any(|purpose| workload.metadata.name == Some(name(&deployment, *purpose)));
        workload.kind == "Job"
            && is_named
            && label("app.kubernetes.io/managed-by").is_some_and(|by| by == MANAGED_BY)
            && label(LABEL_DEPLOYMENT).is_some()
    }
}

/// The uid of what controls an object.
pub(super) fn controller(metadata: &ObjectMeta) -> Option<&str> {
    let owners = metadata.owner_references.iter().flatten();
    owners.filter(|owner| owner.controller == Some(true)).map(|owner| owner.uid.as_str()).next()
}

/// Whether none of its containers will ever run again.
pub(super) fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}
