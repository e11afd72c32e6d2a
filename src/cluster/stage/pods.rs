use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::PoisonError;
use std::time::Instant;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Api;

use super::{Stage, StageError};
use crate::collection::protocol::{self, Answer, Life, Machine, MachineState, SETTLING, Uid, Writer};
use crate::collection::view::{Sight, is_collector_pod, machine, machine_state};

/// A moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// By the API server's.
    pub(super) now: Timestamp,
    /// By our own.
    pub(super) here: Instant,
}

impl Moment {
    /// When it was, by the API server's clock, that ours said so.
    pub(super) fn of(self, at: Instant) -> Timestamp {
        let ago = self.here.saturating_duration_since(at);
        self.now - SignedDuration::try_from(ago).unwrap_or(SignedDuration::MAX)
    }
}

impl Stage {
    /// Every pod that has the store, but for the collector's, and those that vanished unseen. `writers`: those that must
    /// be seen to end.
    pub(super) async fn pods(
        &self,
        listed: &[Pod],
        writers: &BTreeSet<Writer>,
        asked: bool,
        moment: Moment,
    ) -> Result<Vec<protocol::Pod>, StageError> {
        let others = listed.iter().filter(|pod| !is_collector_pod(pod, &self.run));
        let sights: Vec<Sight> = others.filter_map(|pod| Sight::of(pod, &self.mark)).collect();
        let mut pods = Vec::new();
        for sight in &sights {
            let machine = self.machine_of(sight).await?;
            let life = if sight.has_ended { Life::Ended } else { Life::Running };
            let (uid, is_frozen) = (sight.uid.clone(), sight.is_frozen);
            pods.push(protocol::Pod { uid, machine, is_frozen, life, answer: Answer::Unknown });
        }
        if asked {
            let answers = join_all(sights.iter().map(|sight| self.answer(sight))).await;
            for (pod, answer) in pods.iter_mut().zip(answers) {
                pod.answer = answer;
            }
        }
        let known: BTreeSet<Uid> = pods.iter().map(|pod| pod.uid.clone()).collect();
        pods.extend(self.missing(&known, writers, moment).await?);
        Ok(pods)
    }

    async fn answer(&self, sight: &Sight) -> Answer {
        match &sight.ip {
            Some(ip) if !sight.has_ended => (self.ask)(Arc::clone(ip)).await,
            _ => Answer::Unknown,
        }
    }

    async fn missing(
        &self,
        known: &BTreeSet<Uid>,
        writers: &BTreeSet<Writer>,
        moment: Moment,
    ) -> Result<Vec<protocol::Pod>, StageError> {
        let mut missing = Vec::new();
        for gone in self.lookout.vanished(&self.subject.namespace) {
            let Some(sight) = Sight::of(&gone.pod, &self.mark) else { continue };
            if !known.contains(&sight.uid) && !is_collector_pod(&gone.pod, &self.run) {
                let machine = self.machine_of(&sight).await?;
                missing.push((sight.uid, machine, sight.is_frozen, moment.of(gone.at)));
            }
        }
        // Whoever restarted did not see them go.
        let begun = self.lookout.since().map_or(moment.now, |since| moment.of(since));
        for writer in writers {
            let is_known = known.contains(&writer.pod) || missing.iter().any(|(uid, ..)| *uid == writer.pod);
            if !is_known && !self.lookout.saw_end_of(&writer.pod) {
                missing.push((writer.pod.clone(), writer.machine.clone(), false, begun));
            }
        }
        let mut pods = Vec::new();
        for (uid, machine, is_frozen, at) in missing {
            let until = match self.machine_state(&machine).await? {
                MachineState::Ready { since } => Some(at.max(since) + SETTLING),
                MachineState::NotReady | MachineState::Gone => None,
            };
            pods.push(protocol::Pod {
                uid,
                machine,
                is_frozen,
                life: Life::Missing { until },
                answer: Answer::Unknown,
            });
        }
        Ok(pods)
    }

    /// Where a pod is. A pod that has no node yet is nowhere, and so is one whose Node went before anybody looked.
    async fn machine_of(&self, sight: &Sight) -> Result<Machine, StageError> {
        let nowhere = |name: Arc<str>| Machine { name, uid: Uid::new("") };
        let Some(node) = &sight.node else { return Ok(nowhere("".into())) };
        let known = || self.machines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(machine) = known().get(&sight.uid) {
            return Ok(machine.clone());
        }
        let Some(found) = self.node(node).await?.map(|node| machine(&node)) else {
            return Ok(nowhere(Arc::clone(node)));
        };
        known().insert(sight.uid.clone(), found.clone());
        Ok(found)
    }

    /// How a machine is now.
    pub(super) async fn machine_state(&self, of: &Machine) -> Result<MachineState, StageError> {
        let node = if of.name.is_empty() { None } else { self.node(&of.name).await? };
        Ok(machine_state(node.as_ref(), &of.uid))
    }

    async fn node(&self, name: &str) -> Result<Option<Node>, StageError> {
        let nodes: Api<Node> = Api::all(self.client.clone());
        nodes.get_opt(name).await.map_err(StageError::of("reading a Node"))
    }
}
