//! Whoever thaws must know the collector dead first.

use jiff::{SignedDuration, Timestamp};

use super::journal::Release;
use super::observed::{Collector, MachineState};
use super::step::{Effect, For, Step};

/// How long a machine must have answered, with no collector in sight, until none can be running there: the kubelet ends
/// what has no pod, within the collector's grace period.
pub const SETTLING: SignedDuration = SignedDuration::from_secs(60);

/// What is known of a collector that has to be dead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Death<'a> {
    pub(super) collector: &'a Collector,
    /// It may have been released, there.
    pub(super) release: Option<&'a Release>,
    pub(super) machine: MachineState,
    /// A person says that it is dead. It counts where the machine does not: one that answers says itself what runs.
    pub(super) is_vouched: bool,
}

impl Death<'_> {
    /// `None` if no container of it runs or ever will, else what comes first. Ending it is always safe, so nothing is
    /// asked before that.
    pub(super) fn prove(self, now: Timestamp) -> Option<Step> {
        match self.collector {
            Collector::Ended(..) => None,
            Collector::Suspended(job) => Some(Step::Do(Effect::EndCollector(job.uid.clone()))),
            Collector::Running(job) => Some(Step::Do(Effect::EndCollector(job.clone()))),
            Collector::Ending if matches!(self.machine, MachineState::Ready { .. }) => {
                Some(Step::Wait(For::CollectorGone))
            }
            _ if self.is_vouched && !matches!(self.machine, MachineState::Ready { .. }) => None,
            Collector::Ending => Some(Step::Wait(For::CollectorProof(None))),
            _ if self.release.is_none() => None,
            Collector::Absent { since } | Collector::OfAnotherRun { since, .. } => self.settled(*since, now),
        }
    }

    /// A pod that is gone is no proof: it may have been deleted by force, or with its Node.
    fn settled(self, gone_since: Timestamp, now: Timestamp) -> Option<Step> {
        let MachineState::Ready { since } = self.machine else {
            return Some(Step::Wait(For::CollectorProof(None)));
        };
        let at = gone_since.max(since) + SETTLING;
        if now >= at { None } else { Some(Step::Wait(For::CollectorProof(Some(at)))) }
    }
}
