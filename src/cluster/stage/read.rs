use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Instant;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::Patch;
use kube::{Api, ResourceExt as _};

use super::pods::Moment;
use super::{Stage, StageError, server_time};
use crate::api::RegistryCollection;
use crate::cluster::guard::{probe, refuses};
use crate::cluster::list::read as read_list;
use crate::collection::garbage::Account;
use crate::collection::protocol::{
    self, Collector, Depth, Guard, Journal, Keeper, Machine, MachineState, Phase, Pod as StorePod, Writer,
};
use crate::collection::view::{self, Marks};
use crate::collection::{Purpose, name};

/// The objects of a run as they were read, one after another, in the order of the fields.
#[derive(Clone, Debug)]
pub struct Scene {
    /// By the API server's clock, before anything was read.
    pub now: Timestamp,
    /// Whether the admission guard holds; only asked for where the view is to be proved.
    pub guard: Guard,
    /// The `RegistryCollection`.
    pub collection: Option<RegistryCollection>,
    /// The Deployment, as it is.
    pub object: Option<Deployment>,
    /// The Deployment, as the protocol sees it.
    pub deployment: Option<protocol::Deployment>,
    /// Whether it has a mark of ours that cannot be read.
    pub is_damaged: bool,
    /// The keeper's Job.
    pub keeper: Keeper,
    /// The collector's Job and pod.
    pub collector: Collector,
    /// What the collector's container left behind, once it has ended.
    pub account: Option<Result<Account, String>>,
    /// The machine that the collector was, or will be, released on.
    pub machine: MachineState,
    /// Since when the pods are watched without a gap.
    pub watched_since: Timestamp,
    /// Every pod that has the store.
    pub pods: Vec<StorePod>,
}

impl Stage {
    /// Reads everything anew.
    pub async fn read(&self, depth: Depth) -> Result<Scene, StageError> {
        let moment = Moment { now: server_time(&self.client).await?, here: Instant::now() };
        let is_asked = depth == Depth::Proved;
        let guard = if is_asked { self.guard().await? } else { Guard::Unknown };
        let collection = self.collections().get_opt(&self.collection).await;
        let collection = collection.map_err(StageError::of("reading the RegistryCollection"))?;
        let collection = collection.filter(|it| it.uid().is_some_and(|uid| uid == self.run.to_string()));
        let object = self.deployments().get_opt(&self.subject.deployment).await;
        let object = object.map_err(StageError::of("reading the Deployment"))?;
        let deployment = object.as_ref().map(|it| view::deployment(it, &self.subject.container));
        let is_damaged = object.as_ref().is_some_and(|it| Marks::of(it).is_damaged);
        let keeper_job = self.job(Purpose::Keeper).await?;
        let collector_job = self.job(Purpose::Collector).await?;
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.subject.namespace);
        let listed = read_list(&pods, |all: &mut Vec<Pod>, pod: Pod| all.push(pod)).await;
        let listed = listed.map_err(|cause| StageError { what: "listing pods", cause })?;

        let keepers = keeper_job.as_ref().map(|job| owned(&listed, job)).unwrap_or_default();
        let collectors: Vec<Pod> =
            listed.iter().filter(|pod| view::is_collector_pod(pod, &self.run)).cloned().collect();
        let gone = self.collector_gone_since(collector_job.is_none() && collectors.is_empty(), moment);
        let collector = view::collector(&self.run, collector_job.as_ref(), &collectors, gone);
        let journal = collection.as_ref().and_then(RegistryCollection::journal);
        let writers = journal.map(writers).unwrap_or_default();
        let store_pods = self.pods(&listed, &writers, is_asked, moment).await?;
        let machine = machine(journal, deployment.as_ref(), &store_pods);
        let machine = match machine {
            Some(machine) => self.machine_state(&machine).await?,
            None => MachineState::Gone,
        };
        Ok(Scene {
            now: moment.now,
            guard,
            account: collectors.first().and_then(view::account),
            keeper: view::keeper(&self.run, keeper_job.as_ref(), &keepers),
            collection,
            object,
            deployment,
            is_damaged,
            collector,
            machine,
            watched_since: self.lookout.since().map_or(moment.now, |since| moment.of(since)),
            pods: store_pods,
        })
    }

    pub(super) fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.client.clone(), &self.subject.namespace)
    }

    pub(super) fn collections(&self) -> Api<RegistryCollection> {
        Api::namespaced(self.client.clone(), &self.subject.namespace)
    }

    pub(super) fn jobs(&self) -> Api<Job> {
        Api::namespaced(self.client.clone(), &self.subject.namespace)
    }

    async fn job(&self, purpose: Purpose) -> Result<Option<Job>, StageError> {
        let name = name(&self.subject.deployment, purpose);
        self.jobs().get_opt(&name).await.map_err(StageError::of("reading a Job"))
    }

    /// Tries as a dry run what the guard must refuse: to lift read-only, or, where there is nothing to lift yet, what it
    /// refuses to everyone. A dry run passes every admission, and changes nothing.
    async fn guard(&self) -> Result<Guard, StageError> {
        let deployments = self.deployments();
        let live = deployments.get_opt(&self.subject.deployment).await;
        let Some(live) = live.map_err(StageError::of("reading the Deployment"))? else { return Ok(Guard::Unknown) };
        let is_frozen = Marks::of(&live).claim.is_some_and(|claim| claim.is_frozen);
        let patch = if is_frozen { Patch::Strategic(self.subject.lift()) } else { probe(&self.run.to_string()) };
        match refuses(&deployments, &self.subject.deployment, &patch).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(Guard::Unknown),
            tried => tried.map_err(StageError::of("trying the guard")),
        }
    }

    fn collector_gone_since(&self, is_gone: bool, moment: Moment) -> Timestamp {
        let mut gone = self.collector_gone.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_gone {
            *gone = None;
            return moment.now;
        }
        moment.of(*gone.get_or_insert(moment.here))
    }
}

/// The pods that a Job controls.
fn owned(pods: &[Pod], job: &Job) -> Vec<Pod> {
    let uid = job.uid().unwrap_or_default();
    let is_owned = |pod: &&Pod| pod.owner_references().iter().any(|owner| owner.uid == uid);
    pods.iter().filter(is_owned).cloned().collect()
}

fn writers(journal: &Journal) -> BTreeSet<Writer> {
    match &journal.phase {
        Phase::Freezing { writers, .. } => writers.clone(),
        _ => BTreeSet::new(),
    }
}

/// The machine that matters: the collector's, else that of a pod beside which it will run.
fn machine(journal: Option<&Journal>, deployment: Option<&protocol::Deployment>, pods: &[StorePod]) -> Option<Machine> {
    let release = journal.and_then(Journal::release);
    let claimed = deployment.and_then(|it| it.claim.as_ref()?.release.as_ref());
    if let Some(release) = release.or(claimed) {
        return Some(release.machine.clone());
    }
    let frozen = pods.iter().find(|pod| pod.is_frozen && pod.life == protocol::Life::Running);
    let writer = journal.and_then(|journal| match &journal.phase {
        Phase::Freezing { writers, .. } => writers.iter().next().map(|writer| writer.machine.clone()),
        _ => None,
    });
    frozen.or(pods.first().filter(|_| writer.is_none())).map(|pod| pod.machine.clone()).or(writer)
}
