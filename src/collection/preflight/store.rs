use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::PersistentVolumeClaim;

use super::deployment::one;
use super::facts::{Subject, controller, has_ended};
use super::{Objection, Preview};
use crate::collection::protocol::Strategy;
use crate::collection::{Refusal, Stored};

/// How many of those who share the store are named.
const NAMED: usize = 5;

/// Our pods cannot have it.
pub(super) fn out_of_reach(it: &Subject<'_>) -> Vec<Objection> {
    let placed = it.template.place(&it.facts.access_modes(), it.facts.own_nodes());
    one(placed.err().filter(|refusal| !will_be_free(it, refusal)).map(|refusal| Objection::from(&refusal)))
}

/// Once there are no pods of the registry any more, ours can have it.
fn will_be_free(it: &Subject<'_>, refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::StoreOfOnePod { .. }) && it.facts.wish.strategy == Strategy::ScaleToZero
}

/// Others have it, or would have it if they were started: nobody stops those while the collector runs. What somebody
/// controls who was named is not named again.
pub(super) fn shared(it: &Subject<'_>) -> Vec<Objection> {
    let mut known: BTreeSet<&str> = it.deployment.metadata.uid.as_deref().into_iter().collect();
    let mut found = Vec::new();
    let mut may_pass = true;
    // Those that nobody controls first.
    let mut workloads: Vec<_> = it.facts.workloads.iter().collect();
    workloads
        .sort_by_key(|workload| (controller(&workload.metadata).is_some(), workload.kind, &workload.metadata.name));
    for workload in workloads {
        let uid = workload.metadata.uid.as_deref();
        let is_known = uid.is_some_and(|uid| known.contains(uid))
            || controller(&workload.metadata).is_some_and(|owner| known.contains(owner))
            || it.is_ours(workload);
        if is_known {
            known.extend(uid);
        } else if it.mark.is_on(&workload.pod) {
            known.extend(uid);
            may_pass = false;
            found.push(format!("{} {}", workload.kind, workload.metadata.name.as_deref().unwrap_or_default()));
        }
    }
    for pod in it.facts.pods.iter().filter(|pod| !has_ended(pod)) {
        let is_known = controller(&pod.metadata).is_some_and(|owner| known.contains(owner));
        if !is_known && pod.spec.as_ref().is_some_and(|spec| it.mark.is_on(spec)) {
            may_pass &= pod.metadata.deletion_timestamp.is_some();
            found.push(format!("Pod {}", pod.metadata.name.as_deref().unwrap_or_default()));
        }
    }
    if found.is_empty() {
        return Vec::new();
    }
    let has = match it.mark.claims().collect::<Vec<_>>().as_slice() {
        [] => "the same image, storage settings or configuration, and so perhaps the same store".to_owned(),
        claims => format!("the claim {}", claims.join(", ")),
    };
    let more = if found.len() > NAMED { format!(" and {} more", found.len() - NAMED) } else { String::new() };
    let who = found.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let remedy = "one Deployment alone may have the store: delete the others, or put them into another namespace if it is not theirs";
    let objection = Objection::new("StoreShared", format!("besides {}, {who}{more} has {has}", it.name()), remedy);
    vec![if may_pass { objection.passing() } else { objection }]
}

/// Other containers of the registry's own pods have it; those that run once would write at each start.
pub(super) fn sidecars(it: &Subject<'_>) -> Vec<Objection> {
    let registrys = &it.template.container.name;
    let others: Vec<&str> =
        it.mark.holders(it.template.pod).map(|it| it.name.as_str()).filter(|name| name != registrys).collect();
    let found = || format!("the container {} of {} has the registry's volumes as well", others.join(", "), it.name());
    let remedy = "nothing makes it read-only: take its mounts away, or run it in a pod of its own elsewhere";
    one((!others.is_empty()).then(|| Objection::new("SidecarOnStore", found(), remedy)))
}

/// Nothing proves that nobody outside of what was looked at writes to it.
pub(super) fn not_exclusive(it: &Subject<'_>) -> Vec<Objection> {
    if it.facts.wish.store_is_exclusive {
        return Vec::new();
    }
    let at = |root: &str| it.template.volumes().at(root).and_then(|it| it.persistent_volume_claim.as_ref());
    let proves = |claim: &str| it.facts.claims.get(claim).is_some_and(is_of_one);
    let (place, is_proved) = match (it.facts.stored(), &it.facts.preview) {
        (Some(Stored::Bucket), _) => ("in an object store", false),
        (Some(Stored::Folder(root)), _) => ("on a volume", at(root).is_some_and(|claim| proves(&claim.claim_name))),
        // What the template tells is enough where it tells it. Before the preview, that it may be.
        (None, Preview::NotYet) => ("on no such claim", it.template.claims().any(proves)),
        (None, Preview::Impossible | Preview::Told(_)) => {
            let root = it.template.entry_point.root();
            ("where the template does not tell", root.and_then(at).is_some_and(|claim| proves(&claim.claim_name)))
        }
    };
    let found =
        || format!("the store of {} is {place} that no claim of the mode ReadWriteOnce keeps from others", it.name());
    let remedy = "say storeIsExclusive: true if nothing but this Deployment writes to it, here and in other clusters";
    one((!is_proved).then(|| Objection::new("StoreNotExclusive", found(), remedy)))
}

/// A volume that can be had from many nodes can as well be had through another claim.
fn is_of_one(claim: &PersistentVolumeClaim) -> bool {
    let asked = claim.spec.iter().flat_map(|spec| spec.access_modes.iter().flatten());
    let given = claim.status.iter().flat_map(|status| status.access_modes.iter().flatten());
    let modes: BTreeSet<&str> = asked.chain(given).map(String::as_str).collect();
    !modes.is_empty() && modes.iter().all(|mode| ["ReadWriteOnce", "ReadWriteOncePod"].contains(mode))
}
