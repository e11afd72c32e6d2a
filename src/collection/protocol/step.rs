use jiff::Timestamp;

use super::end::End;
use super::journal::{Claim, Journal, Machine, Run, Terms, Uid, Version, Zeroed};
use super::observed::Depth;

/// The one next thing to do for a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Read the world anew, at least so, and ask again.
    Look(Depth),
    /// Do this, then ask again. A request that failed, or whose answer was lost, is one more reason to ask again.
    Do(Effect),
    /// Do nothing until that happens. It is an event of a watch, or a point in time; there is no timer.
    Wait(For),
    /// The registry cannot be frozen; the stable code of the reason. Nothing was changed.
    Refuse(String),
    /// The run is over.
    Done(Option<End>),
}

/// One request. What it must find is part of it, so that a view that went stale makes the request fail.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Put our finalizer on the resource.
    AddFinalizer(Target),
    /// Write the journal into its status.
    Record(Target, Journal),
    /// Take our finalizer off it.
    RemoveFinalizer(Target),
    /// Create the keeper's Job under its fixed name.
    CreateKeeper(Terms),
    /// Delete the keeper's Job.
    RemoveKeeper(Uid),
    /// Create the collector's Job under its fixed name, suspended.
    CreateCollector(Terms),
    /// Let the collector's Job run, on this machine.
    ReleaseCollector(Target, Machine),
    /// Delete the collector's Job, in the foreground.
    EndCollector(Uid),
    /// Server-side apply of what the claim says, without force: the annotation, our entry if frozen, `paused` if paused.
    /// What it does not say is taken back.
    Apply(Target, Claim),
    /// The same with nothing in it: everything that is ours alone is taken back at once.
    Thaw(Target),
    /// Strategic patch that removes what the claim says, whoever owns it with us.
    TakeBack(Target, Claim),
    /// Set the replicas to zero, and leave the mark, in one patch.
    Zero(Target, Zeroed),
    /// Take the mark off, and set the replicas if some are given, in one patch.
    Unzero(Target, Option<i32>),
    /// By a keeper whose operator is gone: write that the run was ended, and take our finalizer off.
    Close(Run),
}

/// An object, and the version of it that was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Which.
    pub uid: Uid,
    /// As of when.
    pub version: Version,
}

/// What is waited for, and by which watch it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum For {
    /// The preflight's verdict.
    Preflight,
    /// The end of another run: its resource, its annotations.
    OtherRun,
    /// A keeper that runs and can thaw: its pod.
    Keeper,
    /// The roll-out: the Deployment.
    RollOut,
    /// The end of every pod that can write: pods. Or this, if one vanished unseen.
    Drain(Option<Timestamp>),
    /// An answer of every frozen pod and of the guard: pods.
    Answers,
    /// The machine on which the collector is to run: its Node.
    Machine,
    /// The collector's end: its pod.
    Collector,
    /// The collector's Job to be gone: it, and its pod.
    CollectorGone,
    /// A proof that the collector is dead: its node answers, a person vouches, or then. Until that, the registry stays
    /// read-only; this is to be said aloud.
    CollectorProof(Option<Timestamp>),
    /// The pods that witnessed the collection to be replaced: pods. Or then.
    Replacement(Timestamp),
    /// The keeper's Job to be gone: it.
    KeeperGone,
    /// The deadline, or a loss of what the keeper watches. Only a keeper waits for this.
    Trouble,
}
