use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{
    Affinity, NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PersistentVolumeClaim,
};

use super::volumes::is_of_a_node;
use super::{Refusal, Template};

/// How a claim may be mounted, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessMode {
    /// By pods of any node.
    ManyNodes,
    /// By pods of one node at a time.
    OneNode,
    /// By one pod at a time.
    OnePod,
}

impl AccessMode {
    /// Reads a claim; in doubt, one node.
    pub fn of(claim: &PersistentVolumeClaim) -> Self {
        let modes = claim.spec.iter().flat_map(|spec| spec.access_modes.iter().flatten());
        let modes: BTreeSet<&str> = modes.map(String::as_str).collect();
        if modes.contains("ReadWriteOncePod") {
            Self::OnePod
        } else if modes.contains("ReadWriteMany") {
            Self::ManyNodes
        } else {
            Self::OneNode
        }
    }
}

/// The claims of a registry by name.
pub type Claims = BTreeMap<String, AccessMode>;

/// On which nodes a pod reaches the same volumes as the registry's. There is one only where the volumes allow a second
/// pod at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Any of these; none: wherever the template lets it run.
    nodes: BTreeSet<String>,
}

impl Place {
    pub(super) fn of(template: &Template<'_>, claims: &Claims, nodes: BTreeSet<String>) -> Result<Self, Refusal> {
        let mut is_bound = template.volumes().shared().any(is_of_a_node);
        for claim in template.claims() {
            let (deployment, name) = (template.name(), claim.to_owned());
            match claims.get(claim) {
                Some(AccessMode::ManyNodes) => {}
                Some(AccessMode::OneNode) => is_bound = true,
                // While no pod has it, ours may.
                Some(AccessMode::OnePod) if nodes.is_empty() => {}
                Some(AccessMode::OnePod) => return Err(Refusal::StoreOfOnePod { deployment, claim: name }),
                None => return Err(Refusal::ClaimNotFound { deployment, claim: name }),
            }
        }
        if let Some(volume) = template.volumes().shared().find(|volume| volume.host_path.is_some()) {
            is_bound = true;
            if nodes.len() != 1 {
                let (deployment, volume) = (template.name(), volume.name.clone());
                return Err(Refusal::NodeUnclear { deployment, volume, nodes: nodes.into_iter().collect() });
            }
        }
        Ok(Self { nodes: if is_bound { nodes } else { BTreeSet::new() } })
    }

    /// The template's demands on nodes, and this one. What it says of other pods is left out: who keeps away from its
    /// own kind would keep ours away.
    pub(super) fn affinity(&self, template: Option<&Affinity>) -> Option<Affinity> {
        let own = template.and_then(|affinity| affinity.node_affinity.clone());
        if self.nodes.is_empty() {
            return own.map(of_nodes);
        }
        let own = own.unwrap_or_default();
        let mut terms = own.required_during_scheduling_ignored_during_execution.unwrap_or_default().node_selector_terms;
        if terms.is_empty() {
            terms.push(NodeSelectorTerm::default());
        }
        // Terms are alternatives, and one can name just one node.
        let both = |term: &NodeSelectorTerm| {
            let term = term.clone();
            self.nodes.iter().map(move |node| {
                let mut term = term.clone();
                term.match_fields.get_or_insert_default().push(named(node));
                term
            })
        };
        let terms = terms.iter().flat_map(both).collect();
        Some(of_nodes(NodeAffinity {
            required_during_scheduling_ignored_during_execution: Some(NodeSelector { node_selector_terms: terms }),
            ..own
        }))
    }
}

fn of_nodes(node_affinity: NodeAffinity) -> Affinity {
    Affinity { node_affinity: Some(node_affinity), ..Affinity::default() }
}

fn named(node: &str) -> NodeSelectorRequirement {
    NodeSelectorRequirement { key: "metadata.name".into(), operator: "In".into(), values: Some(vec![node.to_owned()]) }
}
