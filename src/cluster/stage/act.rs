use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Resource as _, ResourceExt as _};
use serde_json::{Value, json};

use super::read::Scene;
use super::{Stage, StageError};
use crate::api::{RegistryCollectionStatus, Verification};
use crate::cluster::error::Cause;
use crate::collection::marks::{FIELD_MANAGER, FINALIZER, GUARD_WORDS};
use crate::collection::protocol::{self, Abort, Effect, End, Journal, Machine, Phase, Target, Terms, Uid};
use crate::collection::{
    AccessMode, Claims, Collection, Errand, Keeper, Purpose, Template, job, keeper_job, name, patch, view,
};

impl Stage {
    /// Does one thing. `status` is what is written beside a journal.
    pub async fn act(
        &self,
        effect: &Effect,
        scene: &Scene,
        status: &RegistryCollectionStatus,
    ) -> Result<(), StageError> {
        match effect {
            Effect::AddFinalizer(target) => self.finalizer(target, scene, true).await,
            Effect::RemoveFinalizer(target) => self.finalizer(target, scene, false).await,
            Effect::Record(target, journal) => self.record(target, journal, scene, status).await,
            Effect::CreateKeeper(terms) => self.create_keeper(terms, scene).await,
            Effect::CreateCollector(terms) => self.create_collector(terms, scene).await,
            Effect::ReleaseCollector(target, machine) => self.release(target, machine).await,
            Effect::EndCollector(job) => self.delete(Purpose::Collector, job, &DeleteParams::foreground()).await,
            Effect::RemoveKeeper(job) => self.delete(Purpose::Keeper, job, &DeleteParams::background()).await,
            Effect::Apply(target, claim) => {
                let replicas = scene.deployment.as_ref().map_or(1, replicas_before);
                self.apply(self.subject.apply(target, claim, &self.collection, replicas)).await
            }
            Effect::Thaw(target) => self.apply(self.subject.nothing(target)).await,
            Effect::TakeBack(target, claim) => {
                self.patch("taking back what is shared", &Patch::Strategic(self.subject.take_back(target, claim))).await
            }
            Effect::Zero(target, zeroed) => {
                self.patch("setting the replicas to zero", &Patch::Merge(patch::zero(target, zeroed))).await
            }
            Effect::Unzero(target, replicas) => {
                self.patch("setting the replicas back", &Patch::Merge(patch::unzero(target, *replicas))).await
            }
            Effect::Close(_) => self.close(scene, status).await,
        }
    }

    /// Tries the thaw as a dry run. That the guard refuses it is as good: once the registry is frozen it refuses every dry
    /// run, and nobody without the right gets as far.
    pub async fn try_thaw(&self) -> Result<(), StageError> {
        let what = "trying the thaw";
        let live = self.deployments().get(&self.subject.deployment).await.map_err(StageError::of(what))?;
        let body = self.subject.nothing(&view::target(&live));
        let params = PatchParams { dry_run: true, ..PatchParams::apply(FIELD_MANAGER) };
        match self.deployments().patch(&self.subject.deployment, &params, &Patch::Apply(body)).await {
            Err(kube::Error::Api(status)) if status.message.contains(GUARD_WORDS) => Ok(()),
            tried => tried.map(drop).map_err(StageError::of(what)),
        }
    }

    /// Tells of something on the Deployment. An event that is lost is no harm.
    pub async fn warn(&self, deployment: Option<&Deployment>, reason: &str, note: &str) {
        let Some(deployment) = deployment else { return };
        let reporter = Reporter { controller: FIELD_MANAGER.into(), instance: None };
        let event = Event {
            type_: EventType::Warning,
            reason: reason.into(),
            note: Some(note.into()),
            action: "Collect".into(),
            secondary: None,
        };
        let recorder = Recorder::new(self.client.clone(), reporter);
        if let Err(why) = recorder.publish(&event, &deployment.object_ref(&())).await {
            tracing::warn!(%why, "an event could not be published");
        }
    }

    async fn apply(&self, body: Value) -> Result<(), StageError> {
        let params = PatchParams::apply(FIELD_MANAGER);
        let applied = self.deployments().patch(&self.subject.deployment, &params, &Patch::Apply(body)).await;
        applied.map(drop).map_err(StageError::of("applying to the Deployment"))
    }

    async fn patch(&self, what: &'static str, patch: &Patch<Value>) -> Result<(), StageError> {
        let patched = self.deployments().patch(&self.subject.deployment, &PatchParams::default(), patch).await;
        patched.map(drop).map_err(StageError::of(what))
    }

    async fn finalizer(&self, target: &Target, scene: &Scene, is_wanted: bool) -> Result<(), StageError> {
        let Some(collection) = &scene.collection else { return Ok(()) };
        let others = collection.finalizers().iter().filter(|it| *it != FINALIZER).cloned();
        let finalizers: Vec<String> = others.chain(is_wanted.then(|| FINALIZER.to_owned())).collect();
        let body = json!({"metadata": {"uid": target.uid.to_string(), "resourceVersion": target.version.to_string(),
            "finalizers": finalizers}});
        let patched = self.collections().patch(&self.collection, &PatchParams::default(), &Patch::Merge(body)).await;
        patched.map(drop).map_err(StageError::of("writing the finalizer"))
    }

    /// The whole status at once: nothing of an earlier phase stays in it.
    async fn record(
        &self,
        target: &Target,
        journal: &Journal,
        scene: &Scene,
        status: &RegistryCollectionStatus,
    ) -> Result<(), StageError> {
        let Some(mut collection) = scene.collection.clone() else { return Ok(()) };
        collection.metadata.uid = Some(target.uid.to_string());
        collection.metadata.resource_version = Some(target.version.to_string());
        collection.status = Some(RegistryCollectionStatus { journal: Some(journal.clone()), ..status.clone() });
        let written = self.collections().replace_status(&self.collection, &PostParams::default(), &collection).await;
        written.map(drop).map_err(StageError::of("writing the journal"))
    }

    async fn create_keeper(&self, terms: &Terms, scene: &Scene) -> Result<(), StageError> {
        let (Some(workshop), Some(deployment)) = (&self.workshop, &scene.object) else { return Ok(()) };
        let run = terms.run.to_string();
        let keeper = Keeper {
            run: &run,
            collection: &self.collection,
            container: &self.subject.container,
            image: &workshop.image,
        };
        self.create("creating the keeper's Job", &keeper_job(deployment, keeper)).await
    }

    async fn create_collector(&self, terms: &Terms, scene: &Scene) -> Result<(), StageError> {
        let what = "creating the collector's Job";
        let (Some(workshop), Some(deployment)) = (&self.workshop, &scene.object) else { return Ok(()) };
        let refused = |why: crate::collection::Refusal| StageError { what, cause: Cause::Malformed(why.to_string()) };
        let container = Some(self.subject.container.as_str());
        let template = Template::of(deployment, container, workshop.configuration.as_deref()).map_err(refused)?;
        // Where it runs is said at its release.
        let claims: Claims = template.claims().map(|claim| (claim.to_owned(), AccessMode::ManyNodes)).collect();
        let nodes = scene.pods.first().map(|pod| pod.machine.name.to_string());
        let place = template.place(&claims, nodes).map_err(refused)?;
        let run = terms.run.to_string();
        let how = Collection {
            executable: workshop.executable.as_deref(),
            verify: word(workshop.verify),
            stale_uploads: &workshop.stale_uploads,
        };
        let seconds = terms.deadline.duration_since(scene.now).as_secs().max(1);
        let errand = Errand::collector(&template, &run, &workshop.image, &how, seconds);
        self.create(what, &job(&template, &place, &errand)).await
    }

    async fn create(&self, what: &'static str, job: &Job) -> Result<(), StageError> {
        match self.jobs().create(&PostParams::default(), job).await {
            // One of that name is there: the next look tells whose.
            Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
            created => created.map(drop).map_err(StageError::of(what)),
        }
    }

    /// Lets it run, on that machine and no other: only that can prove it dead.
    async fn release(&self, target: &Target, machine: &Machine) -> Result<(), StageError> {
        let field = json!({"key": "metadata.name", "operator": "In", "values": [machine.name.to_string()]});
        let terms = json!([{"matchFields": [field]}]);
        let affinity = json!({"nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}});
        let body = json!({
            "metadata": {"uid": target.uid.to_string(), "resourceVersion": target.version.to_string()},
            "spec": {"suspend": false, "template": {"spec": {"affinity": affinity}}},
        });
        let collector = name(&self.subject.deployment, Purpose::Collector);
        let patched = self.jobs().patch(&collector, &PatchParams::default(), &Patch::Merge(body)).await;
        patched.map(drop).map_err(StageError::of("releasing the collector"))
    }

    async fn delete(&self, purpose: Purpose, job: &Uid, how: &DeleteParams) -> Result<(), StageError> {
        let this = Preconditions { uid: Some(job.to_string()), ..Preconditions::default() };
        let how = how.clone().preconditions(this);
        match self.jobs().delete(&name(&self.subject.deployment, purpose), &how).await {
            // Gone, or another one in its place.
            Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
            deleted => deleted.map(drop).map_err(StageError::of("deleting a Job")),
        }
    }

    /// By a keeper whose operator is gone.
    async fn close(&self, scene: &Scene, status: &RegistryCollectionStatus) -> Result<(), StageError> {
        let Some(collection) = &scene.collection else { return Ok(()) };
        let target = view::target(collection);
        if let Some(journal) = collection.journal().filter(|journal| !matches!(journal.phase, Phase::Over { .. })) {
            let over = Phase::Over { end: end_of(journal), stale: [].into() };
            return self.record(&target, &journal.then(over), scene, status).await;
        }
        self.finalizer(&target, scene, false).await
    }
}

/// What is known of the end of a run whose operator is gone.
fn end_of(journal: &Journal) -> End {
    match journal.phase {
        Phase::Thawing { end, .. } | Phase::Over { end, .. } => end,
        Phase::Claiming | Phase::Freezing { .. } | Phase::Collecting { .. } => End::Aborted(Abort::OperatorGone),
    }
}

/// The replicas that a person has to set who undoes the run: a zero of ours is none.
fn replicas_before(deployment: &protocol::Deployment) -> i32 {
    deployment.zeroed.as_ref().map_or(deployment.replicas, |zeroed| zeroed.replicas)
}

/// The word of the collector's command.
fn word(verify: Verification) -> &'static str {
    match verify {
        Verification::References => "References",
        Verification::Content => "Content",
        Verification::None => "None",
    }
}
