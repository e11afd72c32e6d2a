use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::collection::marks::{GUARD_PROBE, GUARD_WORDS};
use crate::collection::protocol::Guard;

/// What the admission guard refuses to everybody, whatever stands on the Deployment.
pub(super) fn probe(run: &str) -> Patch<Value> {
    Patch::Merge(json!({"metadata": {"annotations": {GUARD_PROBE: run}}}))
}

/// Tries as a dry run what the guard must refuse. That the role does not allow it proves nothing.
pub(super) async fn refuses(
    deployments: &Api<Deployment>,
    name: &str,
    patch: &Patch<Value>,
) -> Result<Guard, kube::Error> {
    let dry_run = PatchParams { dry_run: true, ..PatchParams::default() };
    match deployments.patch(name, &dry_run, patch).await {
        Ok(_) => Ok(Guard::Absent),
        Err(kube::Error::Api(status)) if [403, 422].contains(&status.code) && status.message.contains(GUARD_WORDS) => {
            Ok(Guard::InForce)
        }
        Err(why) => Err(why),
    }
}
