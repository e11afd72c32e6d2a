use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job, JobStatus};
use k8s_openapi::api::core::v1::{PodTemplateSpec, ReplicationController};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use super::Failure;
use crate::cluster::list::read;
use crate::collection::preflight::Workload;

/// Everything in the namespace that makes pods.
pub(super) async fn workloads(client: &Client, namespace: &str) -> Result<Vec<Workload>, Failure> {
    let of = Of { client, namespace };
    let mut all = of.kind("Deployment", "listing Deployments", |it: Deployment| Some(it.spec.template)).await?;
    all.extend(of.kind("ReplicaSet", "listing ReplicaSets", |it: ReplicaSet| it.spec.template).await?);
    all.extend(of.kind("StatefulSet", "listing StatefulSets", |it: StatefulSet| Some(it.spec.template)).await?);
    all.extend(of.kind("DaemonSet", "listing DaemonSets", |it: DaemonSet| Some(it.spec.template)).await?);
    // What is over makes no more pods.
    let job = |it: Job| it.spec.filter(|_| !is_over(it.status.as_ref())).map(|spec| spec.template);
    all.extend(of.kind("Job", "listing Jobs", job).await?);
    let job = |it: CronJob| it.spec.job_template.spec.map(|job| job.template);
    all.extend(of.kind("CronJob", "listing CronJobs", job).await?);
    let controller = |it: ReplicationController| it.spec?.template;
    all.extend(of.kind("ReplicationController", "listing ReplicationControllers", controller).await?);
    Ok(all)
}

/// The API server says so only when none of its pods is left.
fn is_over(status: Option<&JobStatus>) -> bool {
    let conditions = status.and_then(|status| status.conditions.as_ref()).into_iter().flatten();
    conditions.into_iter().any(|it| ["Complete", "Failed"].contains(&it.type_.as_str()) && it.status == "True")
}

struct Of<'a> {
    client: &'a Client,
    namespace: &'a str,
}

impl Of<'_> {
    async fn kind<K>(
        &self,
        kind: &'static str,
        what: &str,
        template: impl Fn(K) -> Option<PodTemplateSpec>,
    ) -> Result<Vec<Workload>, Failure>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), self.namespace);
        let taken = read(&api, |all: &mut Vec<Workload>, object: K| {
            let metadata = object.meta().clone();
            let pod = template(object).and_then(|template| template.spec);
            all.extend(pod.map(|pod| Workload { kind, metadata, pod }));
        });
        taken.await.map_err(|cause| Failure::of_api(what, &cause))
    }
}
