//! Which nodes take a pod, as far as the scheduler's rules on single nodes go.

use k8s_openapi::api::core::v1::{
    Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodSpec, Taint, Toleration,
};

/// Whether the scheduler may put it there.
pub(super) fn takes(node: &Node, pod: &PodSpec) -> bool {
    let spec = node.spec.clone().unwrap_or_default();
    let wanted = pod.node_selector.iter().flatten();
    let has_labels = wanted.into_iter().all(|(name, value)| label(node, name) == Some(value));
    let affinity = pod.affinity.as_ref().and_then(|affinity| affinity.node_affinity.as_ref());
    let required = affinity.and_then(|it| it.required_during_scheduling_ignored_during_execution.as_ref());
    let taints = spec.taints.iter().flatten().filter(|taint| taint.effect != "PreferNoSchedule");
    spec.unschedulable != Some(true)
        && has_labels
        && is_selected(node, required)
        && taints.into_iter().all(|taint| tolerates(pod, taint))
}

/// Whether a pod may be put onto a node in spite of a taint.
pub(super) fn tolerates(pod: &PodSpec, taint: &Taint) -> bool {
    let fits = |toleration: &Toleration| {
        let any = |said: Option<&str>, of: &str| said.is_none_or(|said| said.is_empty() || said == of);
        let value = match toleration.operator.as_deref() {
            Some("Exists") => true,
            Some("Equal" | "") | None => {
                toleration.value.as_deref().unwrap_or_default() == taint.value.as_deref().unwrap_or_default()
                    && toleration.key.as_deref().is_some_and(|key| !key.is_empty())
            }
            Some(_) => false,
        };
        value && any(toleration.key.as_deref(), &taint.key) && any(toleration.effect.as_deref(), &taint.effect)
    };
    pod.tolerations.iter().flatten().any(fits)
}

/// Whether any of the terms selects it; without terms, each node is.
pub(super) fn is_selected(node: &Node, selector: Option<&NodeSelector>) -> bool {
    selector.is_none_or(|selector| selector.node_selector_terms.iter().any(|term| fits(node, term)))
}

fn fits(node: &Node, term: &NodeSelectorTerm) -> bool {
    let labels = term.match_expressions.iter().flatten();
    let fields = term.match_fields.iter().flatten();
    let says_anything = labels.clone().next().is_some() || fields.clone().next().is_some();
    let name = |field: &str| node.metadata.name.as_ref().filter(|_| field == "metadata.name");
    says_anything
        && labels.into_iter().all(|it| holds(it, label(node, &it.key)))
        && fields.into_iter().all(|it| holds(it, name(&it.key)))
}

fn holds(it: &NodeSelectorRequirement, value: Option<&String>) -> bool {
    let is_in = || value.is_some_and(|value| it.values.iter().flatten().any(|one| one == value));
    let compared = || {
        let bound: i64 = it.values.as_ref()?.first()?.parse().ok()?;
        Some(value?.parse::<i64>().ok()?.cmp(&bound))
    };
    match it.operator.as_str() {
        "In" => is_in(),
        "NotIn" => !is_in(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => compared().is_some_and(std::cmp::Ordering::is_gt),
        "Lt" => compared().is_some_and(std::cmp::Ordering::is_lt),
        _ => false,
    }
}

fn label<'a>(node: &'a Node, name: &str) -> Option<&'a String> {
    node.metadata.labels.as_ref()?.get(name)
}
