use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::{Stage, StageError};
use crate::collection::marks::FIELD_MANAGER;
use crate::collection::protocol::{Keeper, Uid};
use crate::collection::{Purpose, name};

impl Stage {
    /// Tells the keeper that the operator goes on with the run. The Lease goes with the keeper's Job.
    pub async fn beat(&self, keeper: &Keeper) -> Result<(), StageError> {
        let (Keeper::NotReady(job) | Keeper::Ready(job)) = keeper else { return Ok(()) };
        let body = self.lease(job);
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let beaten = self.leases().patch(&self.lease_name(), &params, &Patch::Apply(body)).await;
        beaten.map(drop).map_err(StageError::of("renewing the Lease for the keeper"))
    }

    /// When the operator last did so, by its own clock: only whether it changes means anything.
    pub async fn last_beat(&self) -> Result<Option<MicroTime>, StageError> {
        let lease = self.leases().get_opt(&self.lease_name()).await;
        let lease = lease.map_err(StageError::of("reading the operator's Lease"))?;
        Ok(lease.and_then(|lease| lease.spec?.renew_time))
    }

    fn leases(&self) -> Api<Lease> {
        Api::namespaced(self.client.clone(), &self.subject.namespace)
    }

    fn lease_name(&self) -> String {
        name(&self.subject.deployment, Purpose::Keeper)
    }

    fn lease(&self, job: &Uid) -> serde_json::Value {
        let name = self.lease_name();
        #[expect(clippy::disallowed_methods, reason = "it only has to differ from the one before")]
        let now = MicroTime(jiff::Timestamp::now());
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": name, "namespace": self.subject.namespace, "ownerReferences": [
                {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job.to_string()}]},
            "spec": {"holderIdentity": self.run.to_string(), "renewTime": now}})
    }
}
