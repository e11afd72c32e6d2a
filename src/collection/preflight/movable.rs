//! Whether frozen pods could start where the volumes are.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::Objection;
use super::deployment::one;
use super::facts::Subject;
use super::selection::{is_selected, takes};
use crate::collection::AccessMode;
use crate::collection::protocol::Strategy;

/// A volume of one node at a time that several have is not one volume.
pub(super) fn on_several_nodes(it: &Subject<'_>) -> Vec<Objection> {
    let nodes = it.facts.own_nodes();
    let claim = of_one_node(it).next();
    one(claim.filter(|_| nodes.len() > 1).map(|claim| {
        let nodes = nodes.into_iter().collect::<Vec<_>>().join(", ");
        let found = format!("the claim {claim} of {} is ReadWriteOnce, and its pods run on {nodes}", it.name());
        Objection::new("ClaimOnSeveralNodes", found, "run them on one node, or use a ReadWriteMany claim")
    }))
}

/// A read-only pod that is started on another node before the old one ends would wait for its volume for ever.
pub(super) fn surges_elsewhere(it: &Subject<'_>) -> Vec<Objection> {
    if it.facts.wish.strategy == Strategy::ScaleToZero || !surges(it) {
        return Vec::new();
    }
    // Where the volume may not be read, nothing is known of where it can be had.
    let volumes = || of_one_node(it).filter_map(|claim| Some((claim, it.facts.volumes.get(claim)?)));
    let Some((claim, _)) = volumes().next() else { return Vec::new() };
    let nodes = it.facts.nodes.iter().filter(|node| {
        let reaches = volumes().all(|(_, volume)| {
            let affinity = volume.spec.as_ref().and_then(|spec| spec.node_affinity.as_ref());
            is_selected(node, affinity.and_then(|affinity| affinity.required.as_ref()))
        });
        reaches && takes(node, it.template.pod)
    });
    let found = || {
        let which = "starts new pods before it ends old ones, perhaps on another node";
        format!("the claim {claim} of {} is ReadWriteOnce, and the Deployment {which}", it.name())
    };
    let remedy = "set its spec.strategy.type to Recreate, or collect with strategy ScaleToZero";
    one((nodes.count() > 1).then(|| Objection::new("RolloutUnfit", found(), remedy)))
}

fn of_one_node<'a>(it: &'a Subject<'_>) -> impl Iterator<Item = &'a str> {
    let modes = it.facts.access_modes();
    it.template.claims().filter(move |claim| modes.get(*claim) == Some(&AccessMode::OneNode))
}

/// By default a quarter of the pods, and at least one.
fn surges(it: &Subject<'_>) -> bool {
    let strategy = it.deployment.spec.strategy.as_ref();
    if strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("Recreate") {
        return false;
    }
    match strategy.and_then(|strategy| strategy.rolling_update.as_ref()?.max_surge.as_ref()) {
        Some(IntOrString::Int(count)) => *count > 0,
        Some(IntOrString::String(share)) => share.trim_end_matches('%') != "0",
        None => true,
    }
}
