use std::fmt;

use k8s_openapi::api::apps::v1::{ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Pod, PodTemplate, ReplicationController};
use kube::core::ApiResource;

/// A kind of object that names images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// What runs, has run, or waits to.
    Pod,
    /// What rolls out `ReplicaSet`s.
    Deployment,
    /// Those of a `Deployment`'s past are what a rollback returns to.
    ReplicaSet,
    /// Pods with names of their own.
    StatefulSet,
    /// A pod on each node.
    DaemonSet,
    /// Pods that run to their end.
    Job,
    /// What makes a `Job` again and again.
    CronJob,
    /// What came before `ReplicaSet`.
    ReplicationController,
    /// A template that others refer to.
    PodTemplate,
    /// What a rollback of a `StatefulSet` or `DaemonSet` returns to.
    ControllerRevision,
}

impl Kind {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::Pod,
        Self::Deployment,
        Self::ReplicaSet,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::Job,
        Self::CronJob,
        Self::ReplicationController,
        Self::PodTemplate,
        Self::ControllerRevision,
    ];

    /// Where the API server has it.
    pub fn resource(self) -> ApiResource {
        match self {
            Self::Pod => ApiResource::erase::<Pod>(&()),
            Self::Deployment => ApiResource::erase::<Deployment>(&()),
            Self::ReplicaSet => ApiResource::erase::<ReplicaSet>(&()),
            Self::StatefulSet => ApiResource::erase::<StatefulSet>(&()),
            Self::DaemonSet => ApiResource::erase::<DaemonSet>(&()),
            Self::Job => ApiResource::erase::<Job>(&()),
            Self::CronJob => ApiResource::erase::<CronJob>(&()),
            Self::ReplicationController => ApiResource::erase::<ReplicationController>(&()),
            Self::PodTemplate => ApiResource::erase::<PodTemplate>(&()),
            Self::ControllerRevision => ApiResource::erase::<ControllerRevision>(&()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
