//! Freeze, prove, collect, thaw: the protocol by which a garbage collector runs only while nothing can write to the
//! registry's store, and by which the registry is never left read-only.
//!
//! [`step`] says what the operator does next, [`keep`] what a keeper does. Both are pure and total: one request, or one
//! condition to wait for, by what was observed alone. So a crash at any instant is nothing but one more observation, and
//! `tests/model` explores them exhaustively against an API server that loses and repeats requests and people who edit.
//!
//! # A run
//!
//! | phase in the journal | what is done in it, one request at a time |
//! |---|---|
//! | – | wait for the preflight; put on the finalizer; write the journal |
//! | `Claiming` | annotate the Deployment ([`Claim`]); create the keeper; create the collector, suspended |
//! | `Freezing` | apply our entry; with `ScaleToZero` set the replicas to zero; wait for the last writer to be gone; prove that pods refuse writes and that the guard holds, or pause |
//! | `Collecting` | name the collector's Job and machine in the claim; release it; wait for its end |
//! | `Thawing` | delete the collector's Job; take everything back; remove the keeper |
//! | `Over` | take off the finalizer |
//!
//! Whatever goes wrong before `Thawing` ([`Abort`]) has one consequence: the collector is deleted, at once; proved dead; and
//! then the journal says `Thawing`.
//!
//! # What it rests on
//!
//! - *Nothing is remembered.* The journal is written before what it announces. The claim is written by the requests that
//!   change the Deployment, so it always says what of the Deployment is ours; either of the two is enough to restore. The
//!   undo follows them and never the spec of the resource. Three stopwatches live in memory ([`Observed::watched_since`],
//!   the `since` of [`Collector::Absent`], and how long a lease went without renewal): a restart only makes them wait
//!   longer.
//! - *Requests fail rather than harm.* Each write of the Deployment and of the resource names the uid and the
//!   resourceVersion that were read; so does the release. Jobs have fixed names, only the uid in the journal may be
//!   released, and a Job that is to be deleted is named by its uid.
//! - *Effects are decided on live reads.* A view from a cache ([`Depth::Remembered`]) may only say that there is nothing to
//!   do; a release is decided on [`Depth::Proved`].
//! - *Whoever thaws has proved the collector dead*: its kubelet reported the end; or neither Job nor pod is there, and the
//!   machine it was released on has answered for [`SETTLING`] since. Else the registry stays read-only until the machine
//!   answers, or a person vouches for it by the annotation `registry-retention.dev/collector-dead`.
//! - *The keeper* is a second process with the same undo. It acts at the deadline, when freeze or guard is lost, or when the
//!   operator is gone, and only while the annotations name its run. It and the operator need not agree on anything: of two
//!   requests that cross, the later one fails.
//!
//! # Layout
//!
//! - `journal`: what is stored, in the resource and on the Deployment
//! - `observed`: the world as it was read
//! - `step`: what is done about it
//! - `operator`, `freeze`: [`step`], from its beginning to its end
//! - `trouble`: what ends a run before its time
//! - `death`, `undo`: how a collector is proved dead, and how a Deployment is restored; operator and keeper share them
//! - `keeper`: [`keep`]
//! - `end`: what came of a run

mod death;
mod end;
mod freeze;
mod journal;
mod keeper;
mod observed;
mod operator;
mod step;
#[cfg(test)]
mod tests;
mod trouble;
mod undo;

pub use death::SETTLING;
pub use end::{Abort, End};
pub use journal::{
    Claim, GuardDemand, Journal, Machine, Phase, Release, Run, Strategy, Terms, Uid, Version, Writer, Zeroed,
};
pub use keeper::{Watched, keep};
pub use observed::{
    Answer, Asks, Collector, Deployment, Depth, Entry, Guard, Keeper, Life, MachineState, Observed, Pod, Preflight,
    Report, Request, Rollout,
};
pub use operator::step;
pub use step::{Effect, For, Step, Target};
