use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::end::End;

/// A text by which the cluster tells things apart.
macro_rules! token {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The token as it stands in the cluster.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

token! {
    /// One run: the uid of its `RegistryCollection`, so that no two runs ever have the same, and a lost status does not
    /// lose it.
    Run
}
token! {
    /// An object's `metadata.uid`.
    Uid
}
token! {
    /// An object's `metadata.resourceVersion`.
    Version
}

/// A machine, told apart from another that joins later under the same name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// The Node's name.
    pub name: Arc<str>,
    /// Its uid.
    pub uid: Uid,
}

/// How the registry is kept from writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Strategy {
    /// Its pods are replaced by read-only ones.
    ReadOnly,
    /// It has no pods meanwhile.
    ScaleToZero,
}

/// What must hold the registry read-only while the collector runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GuardDemand {
    /// The admission guard.
    Required,
    /// The admission guard, or else `spec.paused`.
    BestEffort,
}

/// What a run needs to know of itself. It is fixed when the run begins: later edits of the resource change none of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
    /// The run.
    pub run: Run,
    /// The uid of the Deployment. One that is made anew under the same name is another registry.
    pub deployment: Uid,
    /// How it is frozen.
    pub strategy: Strategy,
    /// What holds it.
    pub guard: GuardDemand,
    /// From then on nothing more is begun: a collection would not end in time.
    pub last_release: Timestamp,
    /// When it is thawed, whatever happens. Absolute, by the API server's clock.
    pub deadline: Timestamp,
}

/// The status of a `RegistryCollection` as far as the protocol goes. Alone it is enough to restore the Deployment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Journal {
    /// The terms of the run.
    #[serde(flatten)]
    pub terms: Terms,
    /// What it is about to do, written down before.
    #[serde(flatten)]
    pub phase: Phase,
}

/// What a run intends: each effect of a phase may have happened, none of a later one has.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all_fields = "camelCase", tag = "phase")]
pub enum Phase {
    /// The Deployment is claimed, keeper and collector are created.
    Claiming,
    /// The Deployment is frozen.
    Freezing {
        /// The Job that may be released, and no other.
        collector: Uid,
        /// The replicas before; they are set to zero with [`Strategy::ScaleToZero`].
        replicas: i32,
        /// The pods that can write, each of which must be seen to end.
        writers: BTreeSet<Writer>,
    },
    /// The collector is released.
    Collecting {
        /// The replicas before.
        replicas: i32,
        /// What is released, and where.
        release: Release,
    },
    /// The collector is dead, and will not come back: the Deployment is restored.
    Thawing {
        /// The replicas before, if they may have been set to zero.
        replicas: Option<i32>,
        /// What came of the run.
        end: End,
        /// The pods that saw the collector's work from outside. What their caches know may be gone.
        witnesses: BTreeSet<Uid>,
    },
    /// The Deployment is as it was before.
    Over {
        /// What came of the run.
        end: End,
        /// Those of the pods that outlived the run, and must be restarted by a person.
        stale: BTreeSet<Uid>,
    },
}

/// A pod that can write to the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Writer {
    /// The pod.
    pub pod: Uid,
    /// Where it runs: while that machine does not answer, nobody can say that it ended.
    pub machine: Machine,
}

/// A collector that may be running.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// Its Job.
    pub job: Uid,
    /// Where it runs, and nowhere else: only this machine can prove it dead.
    pub machine: Machine,
}

/// The annotation of the Deployment that names the run and the undo. Alone it is enough to restore: it says which of
/// our changes stand beside it, and it is written by the very requests that make them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// The terms of the run.
    #[serde(flatten)]
    pub terms: Terms,
    /// The environment entry is ours.
    pub is_frozen: bool,
    /// `spec.paused` is ours.
    pub is_paused: bool,
    /// The collector that may be running beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
}

/// The annotation that goes with our zero in `spec.replicas`, in one request: so a zero is never taken for ours that a
/// person set, nor the other way round. It has a place of its own because replicas are nobody's by apply.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Zeroed {
    /// The run.
    pub run: Run,
    /// The replicas before.
    pub replicas: i32,
}

impl Claim {
    /// A claim under which nothing was changed yet.
    pub fn new(terms: Terms) -> Self {
        Self { terms, is_frozen: false, is_paused: false, release: None }
    }

    /// The same, and read-only.
    #[must_use]
    pub fn frozen(self) -> Self {
        Self { is_frozen: true, ..self }
    }

    /// The same, and paused.
    #[must_use]
    pub fn paused(self) -> Self {
        Self { is_paused: true, ..self }
    }

    /// The same, and naming the collector that may run.
    #[must_use]
    pub fn releasing(self, release: Release) -> Self {
        Self { release: Some(release), ..self }
    }
}

impl Journal {
    /// The journal of a run that begins.
    pub fn new(terms: Terms) -> Self {
        Self { terms, phase: Phase::Claiming }
    }

    /// The same run, about to do something else.
    #[must_use]
    pub fn then(&self, phase: Phase) -> Self {
        Self { terms: self.terms.clone(), phase }
    }

    /// The collector that may be running.
    pub fn release(&self) -> Option<&Release> {
        match &self.phase {
            Phase::Collecting { release, .. } => Some(release),
            _ => None,
        }
    }

    /// The replicas before, if they may have been set to zero.
    pub fn replicas(&self) -> Option<i32> {
        let replicas = match &self.phase {
            Phase::Freezing { replicas, .. } | Phase::Collecting { replicas, .. } => Some(*replicas),
            Phase::Thawing { replicas, .. } => *replicas,
            Phase::Claiming | Phase::Over { .. } => None,
        };
        replicas.filter(|_| self.terms.strategy == Strategy::ScaleToZero)
    }
}
