use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::PostParams;
use kube::core::ApiResource;
use kube::{Api, ResourceExt as _};
use tokio::sync::watch;

use super::Collections;
use super::preflight::{Ready, preflight, resumed};
use super::stopwatch::Stopwatch;
use super::tale::{Standing, with_account};
use crate::api::{RegistryCollection, RegistryCollectionStatus};
use crate::cluster::stage::{Scene, Stage, StageError, Wakes};
use crate::collection::garbage::Account;
use crate::collection::protocol::{
    Answer, Asks, Depth, Effect, End, For, Journal, Life, Observed, Phase, Preflight, Request, SETTLING, Step, step,
};
use crate::collection::view;
use crate::controller::resource::Key;
use crate::controller::scribe;
use crate::controller::story::Words;
use crate::controller::trouble::Trouble;

/// The most time between two looks, and between two signs of life to the keeper, which waits for twelve of them.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How many requests in a row may find somebody quicker until a pause is made.
const OVERTAKEN: u32 = 3;
/// How long it is waited after a request that failed, at first and at most.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long it is waited until what refused a collection is looked at again.
const REFUSED: Duration = Duration::from_secs(60);
/// How long it is waited for a pod that takes writes again, until the end is told without.
const WRITABLE: Duration = Duration::from_secs(600);

/// One collection, from its preflight to its end.
pub(super) struct Course {
    all: Arc<Collections>,
    key: Key,
    uid: String,
    stop: watch::Receiver<bool>,
    status: RegistryCollectionStatus,
    said: Option<Words>,
    watch: Stopwatch,
    account: Option<Result<Account, String>>,
    /// Since when it is waited for a pod that takes writes.
    thawed: Option<Instant>,
    /// How many requests in a row found that somebody was quicker.
    overtaken: u32,
}

/// Whether nothing is left to be done for it.
pub(super) fn is_over(collection: &RegistryCollection) -> bool {
    let is_over = collection.journal().is_some_and(|journal| matches!(journal.phase, Phase::Over { .. }));
    is_over && !collection.has_finalizer()
}

/// What comes after an attempt.
enum Next {
    Over,
    Again(Duration),
}

impl Course {
    pub(super) fn new(all: Arc<Collections>, key: Key, uid: String, stop: watch::Receiver<bool>) -> Self {
        Self {
            all,
            key,
            uid,
            stop,
            status: RegistryCollectionStatus::default(),
            said: None,
            watch: Stopwatch::default(),
            account: None,
            thawed: None,
            overtaken: 0,
        }
    }

    /// Runs it to its end, or until the operator is told to end.
    pub(super) async fn run(mut self) {
        let mut stop = self.stop.clone();
        tokio::select! {
            () = self.attempts() => {}
            // Each request is whole in itself: the next look shows whether it came to pass.
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    async fn attempts(&mut self) {
        let mut pause = PAUSE;
        loop {
            let wait = match Box::pin(self.attempt()).await {
                Ok(Next::Over) => return,
                Ok(Next::Again(wait)) => {
                    pause = PAUSE;
                    wait
                }
                Err(why) => {
                    tracing::warn!(key = %self.key, %why, "a collection is looked at again");
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    pause
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(&mut self) -> Result<Next, StageError> {
        let Some(collection) = self.collection().await? else { return Ok(Next::Over) };
        if is_over(&collection) {
            return Ok(Next::Over);
        }
        self.status = collection.status.clone().unwrap_or_default();
        self.watch = Stopwatch::from(self.status.read_only_seconds);
        let place = (self.key.namespace.clone(), collection.spec.deployment_ref.name.clone());
        let turn = self.all.turn(place).await;
        let Ok(_turn) = turn.try_lock() else {
            let message = "another collection of this Deployment is under way; this one waits for its end";
            self.wait(&collection, "OtherRun", message).await?;
            return Ok(Next::Again(HEARTBEAT));
        };
        let Some(lookout) = self.all.lookout(&self.key.namespace) else { return Ok(Next::Over) };
        if self.status.journal.is_some() {
            self.goes_on();
            let ready = resumed(&self.all.context, &self.key, &collection, lookout).await?;
            return Box::pin(self.play(&ready.stage, Preflight::NotYet, ready.expected)).await;
        }
        if collection.metadata.deletion_timestamp.is_some() || collection.spec.suspend {
            let message = "suspended before it began; nothing was changed";
            self.wait(&collection, "Suspended", message).await?;
            return Ok(Next::Again(HEARTBEAT));
        }
        let message = "it is looked whether the registry can be made read-only; nothing is changed yet";
        self.wait(&collection, "Preflight", message).await?;
        let ready = match Box::pin(preflight(&self.all.context, &self.key, &collection, lookout)).await {
            Ok(ready) => ready,
            Err(trouble) => return self.refused(trouble).await,
        };
        let Ready { stage, expected, status } = ready;
        self.status = status;
        while let Some(rest) = unsettled(&stage) {
            tokio::time::sleep(rest).await;
        }
        Box::pin(self.play(&stage, Preflight::Passed, expected)).await
    }

    /// Another process, or this one before something failed, had begun: its watch ended with it.
    fn goes_on(&mut self) {
        if self.status.start_time.is_some() && self.status.completion_time.is_none() {
            self.watch.start(Instant::now());
        }
    }

    async fn refused(&mut self, trouble: Trouble) -> Result<Next, StageError> {
        if let Some(collection) = self.collection().await? {
            self.say(&collection, &Standing::Refused(trouble)).await?;
        }
        Ok(Next::Again(REFUSED))
    }

    /// Does what the protocol says until there is nothing left to do.
    async fn play(
        &mut self,
        stage: &Stage,
        preflight: Preflight,
        expected: SignedDuration,
    ) -> Result<Next, StageError> {
        let wakes = Wakes::start(stage);
        let (mut depth, mut beaten, mut woken) = (Depth::Live, None, Instant::now());
        loop {
            let scene = Box::pin(stage.read(depth)).await?;
            if beaten.is_none_or(|at: Instant| at.elapsed() >= HEARTBEAT / 2) {
                stage.beat(&scene.keeper).await?;
                beaten = Some(Instant::now());
            }
            self.account = scene.account.clone().or(self.account.take());
            let observed = observed(stage, &scene, depth, preflight.clone(), expected);
            let step = step(&observed, scene.now);
            let phase = observed.request.as_ref().and_then(|it| it.journal.as_ref()).map(|journal| &journal.phase);
            tracing::debug!(key = %self.key, ?step, "the next step of a collection");
            self.watch.turn(&step, phase, woken, Instant::now());
            depth = Depth::Live;
            match step {
                Step::Look(deeper) => depth = deeper,
                Step::Do(Effect::Record(_, Journal { phase: Phase::Over { .. }, .. }))
                    if !Box::pin(self.writes_are_back(stage, &scene)).await? =>
                {
                    self.watch.turn(&Step::Wait(For::RollOut), phase, Instant::now(), Instant::now());
                    woken = woken_by(&wakes, HEARTBEAT).await;
                }
                Step::Do(effect) => self.act(stage, &effect, &scene).await?,
                Step::Wait(what) => {
                    // What a person can do something about.
                    if let (For::CollectorProof(None) | For::Replacement(_), Some(journal), Some(collection)) =
                        (what, journal_of(&observed), &scene.collection)
                    {
                        let standing =
                            Standing::of_step(&self.key, &stage.subject.deployment, journal, &Step::Wait(what));
                        self.say(collection, &standing).await?;
                    }
                    let began = Instant::now();
                    woken = woken_by(&wakes, until(what, scene.now)).await;
                    // What the guard and the pods say is no event.
                    let is_held = matches!(phase, Some(Phase::Freezing { .. } | Phase::Collecting { .. }));
                    if is_held && (what == For::Answers || began.elapsed() >= HEARTBEAT) {
                        depth = Depth::Proved;
                    }
                }
                Step::Refuse(reason) => {
                    tracing::warn!(key = %self.key, reason, "a collection was refused");
                    return Ok(Next::Again(REFUSED));
                }
                Step::Done(_) => return Ok(Next::Over),
            }
        }
    }

    async fn act(&mut self, stage: &Stage, effect: &Effect, scene: &Scene) -> Result<(), StageError> {
        let now = Instant::now();
        match effect {
            Effect::Apply(_, claim) if claim.is_frozen => {
                self.watch.start(now);
                self.status.start_time.get_or_insert(Time(scene.now));
            }
            Effect::Record(_, journal) => self.write_down(journal, stage, scene),
            _ => {}
        }
        tracing::info!(key = %self.key, effect = name_of(effect), "a step of a collection");
        match stage.act(effect, scene, &self.status).await {
            // Somebody was quicker; the next look shows who.
            Err(why) if why.is_overtaken() && self.overtaken < OVERTAKEN => {
                self.overtaken += 1;
                return Ok(());
            }
            done => done?,
        }
        self.overtaken = 0;
        if let Effect::Record(_, journal) = effect
            && let Phase::Over { .. } = journal.phase
        {
            let standing = self.end(journal);
            self.tell(&standing).await;
        }
        Ok(())
    }

    /// What the status says beside the journal.
    fn write_down(&mut self, journal: &Journal, stage: &Stage, scene: &Scene) {
        if let Some(Ok(account)) = &self.account {
            with_account(&mut self.status, account);
        }
        let is_over = matches!(journal.phase, Phase::Over { .. });
        if is_over {
            self.watch.stop(Instant::now());
            self.status.completion_time = Some(Time(scene.now));
            let start = self.status.start_time.as_ref().map_or(scene.now, |time| time.0);
            self.watch.lasted(scene.now.duration_since(start));
        }
        self.status.read_only_seconds = self.watch.reading();
        let standing = if is_over {
            self.end(journal)
        } else {
            Standing::of_step(&self.key, &stage.subject.deployment, journal, &Step::Look(Depth::Live))
        };
        self.write(&standing, Some(journal), scene.collection.as_ref(), scene.now);
    }

    fn end(&self, journal: &Journal) -> Standing {
        let end = match journal.phase {
            Phase::Over { end, .. } => end,
            _ => End::Collected,
        };
        Standing::of_end(&self.key, end, self.account.as_ref(), self.status.read_only_seconds.map(|it| it.total))
    }

    fn write(
        &mut self,
        standing: &Standing,
        journal: Option<&Journal>,
        of: Option<&RegistryCollection>,
        now: Timestamp,
    ) {
        let generation = of.and_then(|it| it.metadata.generation).unwrap_or_default();
        self.status.phase = Some(standing.phase(journal));
        self.status.conditions = standing.conditions(&self.status.conditions, generation, now);
        self.said = Some(standing.words());
    }

    /// Whether every pod takes writes again; nobody has to wait for ever for that.
    async fn writes_are_back(&mut self, stage: &Stage, scene: &Scene) -> Result<bool, StageError> {
        let Some(deployment) = scene.deployment.as_ref().filter(|_| self.status.start_time.is_some()) else {
            return Ok(true);
        };
        let since = *self.thawed.get_or_insert_with(Instant::now);
        if since.elapsed() >= WRITABLE {
            tracing::warn!(key = %self.key, "no pod took writes for long after the registry was restored");
            return Ok(true);
        }
        if !deployment.rollout.is_done() {
            return Ok(false);
        }
        let proved = Box::pin(stage.read(Depth::Proved)).await?;
        let mut alive = proved.pods.iter().filter(|pod| pod.life == Life::Running).peekable();
        let is_any = alive.peek().is_some();
        Ok(is_any && alive.all(|pod| pod.answer == Answer::Writable))
    }

    /// Says what it waits for before it begins.
    async fn wait(&mut self, collection: &RegistryCollection, reason: &str, message: &str) -> Result<(), StageError> {
        let words = Words { reason: reason.into(), message: message.into() };
        self.say(collection, &Standing::Waiting(words)).await
    }

    /// Says it, if it says something new.
    async fn say(&mut self, collection: &RegistryCollection, standing: &Standing) -> Result<(), StageError> {
        let words = standing.words();
        if self.said.as_ref() == Some(&words) {
            return Ok(());
        }
        let mut collection = collection.clone();
        self.status = collection.status.clone().unwrap_or_default();
        let journal = self.status.journal.clone();
        self.write(standing, journal.as_ref(), Some(&collection), crate::controller::clock::now());
        if collection.status.as_ref() == Some(&self.status) {
            return Ok(());
        }
        collection.status = Some(self.status.clone());
        match self.api().replace_status(&self.key.name, &PostParams::default(), &collection).await {
            Ok(_) => self.tell(standing).await,
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => self.said = None,
            Err(why) => return Err(StageError::writing_status(&why)),
        }
        Ok(())
    }

    async fn tell(&self, standing: &Standing) {
        let resource = ApiResource::erase::<RegistryCollection>(&());
        let (words, good) = (standing.words(), standing.is_good());
        scribe::tell_of(&self.all.context, resource, &self.key, &self.uid, &words, good).await;
    }

    async fn collection(&self) -> Result<Option<RegistryCollection>, StageError> {
        let found = self.api().get_opt(&self.key.name).await.map_err(|why| StageError::reading_collection(&why))?;
        Ok(found.filter(|it| it.uid().as_deref() == Some(self.uid.as_str())))
    }

    fn api(&self) -> Api<RegistryCollection> {
        Api::namespaced(self.all.context.client.clone(), &self.key.namespace)
    }
}

/// For how long pods must still be watched until it is known that none is running that vanished before.
fn unsettled(stage: &Stage) -> Option<Duration> {
    let settling = Duration::try_from(SETTLING).unwrap_or_default();
    let Some(since) = stage.lookout.since() else { return Some(PAUSE) };
    settling.checked_sub(since.elapsed()).filter(|rest| !rest.is_zero())
}

fn observed(stage: &Stage, scene: &Scene, depth: Depth, preflight: Preflight, expected: SignedDuration) -> Observed {
    let request = scene.collection.as_ref().map(|collection| Request {
        target: view::target(collection),
        is_deleting: collection.metadata.deletion_timestamp.is_some(),
        is_withdrawn: collection.spec.suspend,
        has_finalizer: collection.has_finalizer(),
        asks: Asks {
            strategy: collection.spec.strategy,
            guard: collection.spec.guard,
            max_read_only: SignedDuration::try_from(collection.spec.max_read_only.duration())
                .unwrap_or(SignedDuration::MAX),
            expected,
        },
        journal: collection.journal().cloned(),
    });
    Observed {
        depth,
        run: stage.run.clone(),
        preflight,
        is_taken: scene.is_damaged,
        guard: scene.guard,
        request,
        deployment: scene.deployment.clone(),
        keeper: scene.keeper.clone(),
        collector: scene.collector.clone(),
        machine: scene.machine,
        watched_since: scene.watched_since,
        pods: scene.pods.clone(),
    }
}

fn journal_of(observed: &Observed) -> Option<&Journal> {
    observed.request.as_ref()?.journal.as_ref()
}

/// How long it is waited at most for what is waited for.
fn until(what: For, now: Timestamp) -> Duration {
    let at = match what {
        For::Drain(at) | For::CollectorProof(at) => at,
        For::Replacement(at) => Some(at),
        // A pod that did not answer makes no event when it could.
        For::Answers => return PAUSE,
        _ => None,
    };
    // The API server's clock shows whole seconds.
    let left = at.map(|at| Duration::try_from(at.duration_since(now)).unwrap_or_default() + Duration::from_secs(1));
    left.unwrap_or(HEARTBEAT).min(HEARTBEAT)
}

/// Waits for an event, or for so long; when that was.
async fn woken_by(wakes: &Wakes, at_most: Duration) -> Instant {
    // Nothing but a longer look is lost by it.
    let _ = tokio::time::timeout(at_most, wakes.next()).await;
    Instant::now()
}

fn name_of(effect: &Effect) -> &'static str {
    match effect {
        Effect::AddFinalizer(_) => "AddFinalizer",
        Effect::Record(..) => "Record",
        Effect::RemoveFinalizer(_) => "RemoveFinalizer",
        Effect::CreateKeeper(_) => "CreateKeeper",
        Effect::RemoveKeeper(_) => "RemoveKeeper",
        Effect::CreateCollector(_) => "CreateCollector",
        Effect::ReleaseCollector(..) => "ReleaseCollector",
        Effect::EndCollector(_) => "EndCollector",
        Effect::Apply(..) => "Apply",
        Effect::Thaw(_) => "Thaw",
        Effect::TakeBack(..) => "TakeBack",
        Effect::Zero(..) => "Zero",
        Effect::Unzero(..) => "Unzero",
        Effect::Close(_) => "Close",
    }
}
