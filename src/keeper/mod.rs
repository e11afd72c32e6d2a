//! A keeper: the second process that knows how a frozen registry is restored. It needs nobody: it acts at the deadline, when
//! guard or freeze is lost, or when the operator does not answer any more, and only while the Deployment names its run.
//!
//! What it does is decided by [`keep`], and done by the operator's own [`Stage`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::{Api, Client};
use tokio::sync::watch;

use crate::api::{RegistryCollection, RegistryCollectionStatus};
use crate::cluster::stage::{Scene, Stage, StageError};
use crate::cluster::{Lookout, stage};
use crate::collection::StoreMark;
use crate::collection::marks::COLLECTOR_DEAD;
use crate::collection::patch::Subject;
use crate::collection::protocol::{Answer, Depth, Effect, For, Phase, Run, Step, Watched, keep};
use crate::telemetry::{self, Metrics};

/// After how long without a sign of life the operator is taken for gone.
const GONE: Duration = Duration::from_secs(120);
/// How long it is waited between two looks at most.
const LOOK: Duration = Duration::from_secs(5);
/// How long it is waited after a request that failed.
const PAUSE: Duration = Duration::from_secs(1);
/// How often it says aloud that the collector cannot be proved dead.
const ALOUD: Duration = Duration::from_secs(600);

/// Whose keeper it is.
#[derive(Clone, Debug)]
pub struct Options {
    /// The Deployment, and the registry's container in it.
    pub subject: Subject,
    /// The run.
    pub run: Run,
    /// The name of its `RegistryCollection`.
    pub collection: String,
    /// Where it tells whether it is ready.
    pub listen: SocketAddr,
}

/// Why a keeper ended without its work being done. Its Job starts another one.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// Its readiness cannot be served.
    #[error("{0} cannot be listened on: {1}")]
    Listen(SocketAddr, std::io::Error),
}

/// Watches until the Deployment is restored, by whomever, or `stop` turns true.
///
/// # Errors
///
/// Only if it cannot begin.
pub async fn run(client: Client, options: Options, mut stop: watch::Receiver<bool>) -> Result<(), KeeperError> {
    let (ready, is_ready) = watch::channel(false);
    let server = telemetry::serve(options.listen, Metrics::default(), is_ready).await;
    let server = server.map_err(|why| KeeperError::Listen(options.listen, why))?;
    let watching = async {
        let stage = until_done(|| stage_of(&client, &options)).await;
        until_done(|| stage.try_thaw()).await;
        tracing::info!("the thaw was tried as a dry run");
        ready.send_replace(true);
        Watch::new(stage).watch().await;
    };
    tokio::select! {
        () = watching => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
    server.abort();
    Ok(())
}

async fn until_done<T>(mut work: impl AsyncFnMut() -> Result<T, StageError>) -> T {
    loop {
        match work().await {
            Ok(done) => return done,
            Err(why) => tracing::warn!(%why, "it is tried again"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn stage_of(client: &Client, options: &Options) -> Result<Stage, StageError> {
    let Options { subject, run, collection, .. } = options;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), &subject.namespace);
    let deployment = deployments.get_opt(&subject.deployment).await;
    let deployment = deployment.map_err(|why| StageError::reading_deployment(&why))?;
    let collections: Api<RegistryCollection> = Api::namespaced(client.clone(), &subject.namespace);
    let asked = collections.get_opt(collection).await.map_err(|why| StageError::reading_collection(&why))?;
    let claims = asked.and_then(|it| it.status).map(|status| status.claims).unwrap_or_default();
    let mark = StoreMark::known(&claims, deployment.as_ref(), &subject.container);
    // It asks nobody: whether pods are frozen shows in what they were started with.
    let ask: stage::Ask = Arc::new(|_| Box::pin(std::future::ready(Answer::Unknown)));
    let lookout = Arc::new(Lookout::start(client, Some(&subject.namespace)));
    Ok(Stage::new(client.clone(), subject.clone(), run.clone(), collection.clone(), mark, lookout, ask))
}

struct Watch {
    stage: Stage,
    has_thawed: bool,
    /// What the operator's Lease last said, and when that was seen.
    beat: (Option<MicroTime>, Instant),
    told: Option<Instant>,
}

impl Watch {
    fn new(stage: Stage) -> Self {
        Self { stage, has_thawed: false, beat: (None, Instant::now()), told: None }
    }

    async fn watch(mut self) {
        let mut pods = self.stage.lookout.changes();
        let mut depth = Depth::Proved;
        loop {
            let pause = match self.turn(depth).await {
                Ok(Turn::Done) => return,
                Ok(Turn::Again) => Duration::ZERO,
                Ok(Turn::Wait) => LOOK,
                Err(why) if why.is_overtaken() => PAUSE,
                Err(why) => {
                    tracing::warn!(%why, "a step of the keeper is tried again");
                    PAUSE
                }
            };
            let woken = tokio::time::timeout(pause, pods.changed()).await;
            // The guard makes no events.
            depth = if woken.is_err() && pause == LOOK { Depth::Proved } else { Depth::Live };
        }
    }

    async fn turn(&mut self, depth: Depth) -> Result<Turn, StageError> {
        let scene = Box::pin(self.stage.read(depth)).await?;
        let watched = self.watched(&scene).await?;
        let step = keep(&watched, scene.now);
        tracing::debug!(?step, "the next step of the keeper");
        match step {
            Step::Do(effect) => {
                tracing::info!(?effect, "a step of the keeper");
                self.act(&effect, &scene).await
            }
            Step::Wait(For::CollectorProof(_)) => {
                self.tell_aloud(&scene).await;
                Ok(Turn::Wait)
            }
            // Until the resource says so as well, the guard lets no writable pod come: if the operator does not, it is closed
            // once that is gone for long enough.
            Step::Done(_) if is_closed(&scene) => Ok(Turn::Done),
            Step::Wait(_) | Step::Look(_) | Step::Refuse(_) | Step::Done(_) => Ok(Turn::Wait),
        }
    }

    async fn watched(&mut self, scene: &Scene) -> Result<Watched, StageError> {
        let beat = self.stage.last_beat().await?;
        if beat != self.beat.0 {
            self.beat = (beat, Instant::now());
        }
        Ok(Watched {
            run: self.stage.run.clone(),
            is_operator_gone: self.beat.1.elapsed() >= GONE,
            has_thawed: self.has_thawed || !is_closed(scene),
            guard: scene.guard,
            deployment: scene.deployment.clone(),
            collector: scene.collector.clone(),
            machine: scene.machine,
            pods: scene.pods.clone(),
        })
    }

    async fn act(&mut self, effect: &Effect, scene: &Scene) -> Result<Turn, StageError> {
        let status = scene.collection.as_ref().and_then(|it| it.status.clone()).unwrap_or_default();
        let status = RegistryCollectionStatus { phase: Some("Failed".into()), ..status };
        self.stage.act(effect, scene, &status).await?;
        let restores = matches!(effect, Effect::Thaw(_) | Effect::TakeBack(..) | Effect::Unzero(..));
        self.has_thawed |= restores;
        let is_closing = matches!(effect, Effect::Close(_));
        Ok(if is_closing && is_closed(scene) { Turn::Done } else { Turn::Again })
    }

    /// While nobody can say that the collector is dead, the registry stays read-only, and somebody has to know.
    async fn tell_aloud(&mut self, scene: &Scene) {
        if self.told.is_some_and(|at| at.elapsed() < ALOUD) {
            return;
        }
        self.told = Some(Instant::now());
        let note = format!(
            "the collector of run {run} may still be running, so the registry stays read-only; see to its machine, or, if that is \
             off: kubectl annotate deployment {} -n {} {COLLECTOR_DEAD}={run}",
            self.stage.subject.deployment,
            self.stage.subject.namespace,
            run = self.stage.run,
        );
        self.stage.warn(scene.object.as_ref(), "CollectorUnproven", &note).await;
    }
}

/// Whether nothing is left to be closed.
fn is_closed(scene: &Scene) -> bool {
    let Some(collection) = &scene.collection else { return true };
    let is_over = collection.journal().is_none_or(|journal| matches!(journal.phase, Phase::Over { .. }));
    is_over && !collection.has_finalizer()
}

/// What comes after a step.
enum Turn {
    Again,
    Wait,
    Done,
}
