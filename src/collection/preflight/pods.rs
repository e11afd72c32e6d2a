use k8s_openapi::api::core::v1::Pod;

use super::Objection;
use super::facts::Subject;
use crate::collection::Unanswered;
use crate::collection::protocol::Answer;

/// Each pod must say that it takes writes: whoever cannot be asked now cannot be asked in the end either.
pub(super) fn answers(it: &Subject<'_>) -> Vec<Objection> {
    let Some(answers) = &it.facts.answers else { return Vec::new() };
    let mut objections: Vec<Objection> = Vec::new();
    for pod in it.facts.own_pods() {
        let answer = pod.metadata.uid.as_ref().and_then(|uid| answers.get(uid));
        // One cause is told once, by the first pod that shows it.
        let objection = answer.map_or_else(|| Some(unclear(pod)), |answer| objection(it, pod, answer));
        objections.extend(objection.filter(|new| objections.iter().all(|old| old.reason() != new.reason())));
    }
    if let Some(url) = &it.facts.elsewhere {
        let found = format!("{url} is not served by {}, but by another registry", it.name());
        objections.push(Objection::new("RegistryElsewhere", found, "correct spec.registry.url, or the deploymentRef"));
    }
    objections
}

fn objection(it: &Subject<'_>, pod: &Pod, answer: &Result<Answer, Unanswered>) -> Option<Objection> {
    let (name, of) = (pod.metadata.name.as_deref().unwrap_or_default(), it.name());
    let remedy = match answer {
        Ok(Answer::Writable) => return None,
        Ok(Answer::ReadOnly) => {
            let found = format!("pod {name} of {of} is read-only already, by somebody else's doing");
            let remedy = "make it writable, and see why it was not";
            return Some(Objection::new("FrozenBySomeoneElse", found, remedy));
        }
        Ok(Answer::Unknown) => return Some(unclear(pod)),
        Err(Unanswered::Unauthorized(_)) => "name a Secret with a login: secretRef",
        Err(Unanswered::Tls(_)) => {
            "name a Secret with the authority's certificate, and the client's if it wants one: certSecretRef"
        }
        Err(Unanswered::Unreachable(_)) => {
            "let the operator connect to the registry's pods: see NetworkPolicies of its namespace"
        }
        Err(Unanswered::Unclear(_)) => "see what serves at the address that the registry's configuration names",
    };
    let why = answer.as_ref().err()?;
    Some(Objection::new(why.reason(), format!("pod {name} of {of} did not say whether it takes writes: {why}"), remedy))
}

fn unclear(pod: &Pod) -> Objection {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let found = format!("pod {name} could not be asked whether it takes writes");
    Objection::new("ProbeUnclear", found, "it is looked at again").passing()
}
