//! What a pod's status says of one of its containers.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod};

/// How much is told of a message that is not ours, in characters.
const TEXT: usize = 300;

/// How far a container is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Progress {
    /// It has not been started, and why.
    Waits(String),
    /// It never will be, and why.
    Failed(String),
    /// It runs.
    Runs,
    /// It has ended.
    Ended(ContainerStateTerminated),
}

/// How far a container of the pod is.
pub(super) fn progress(pod: &Pod, container: &str) -> Progress {
    let status = pod.status.clone().unwrap_or_default();
    let statuses = status.container_statuses.iter().flatten();
    let state = statuses.clone().find(|it| it.name == container).and_then(|it| it.state.clone()).unwrap_or_default();
    match state {
        ContainerState { terminated: Some(ended), .. } => return Progress::Ended(ended),
        ContainerState { running: Some(_), .. } => return Progress::Runs,
        _ => {}
    }
    let inits = status.init_container_statuses.iter().flatten();
    let why = inits.clone().chain(statuses).find_map(waits_for).or_else(|| unscheduled(pod));
    if matches!(status.phase.as_deref(), Some("Failed" | "Succeeded")) {
        let words = [status.reason, status.message].into_iter().flatten().collect::<Vec<_>>().join(": ");
        let words = Some(plain(&words)).filter(|words| !words.is_empty());
        let init = inits.clone().find_map(failed);
        return Progress::Failed(init.or(words).or(why).unwrap_or_else(|| "the pod ended".into()));
    }
    Progress::Waits(why.unwrap_or_else(|| "the pod is being started".into()))
}

/// Why a container is not started, where its status says so.
fn waits_for(status: &ContainerStatus) -> Option<String> {
    let waiting = status.state.as_ref()?.waiting.as_ref()?;
    let reason = waiting.reason.as_deref().filter(|reason| *reason != "PodInitializing")?;
    let message = waiting.message.as_deref().map(|message| format!(": {}", plain(message))).unwrap_or_default();
    Some(format!("container {}: {reason}{message}", status.name))
}

/// Why an init container ended otherwise than it should. What it printed is not told: it may be anybody's.
fn failed(status: &ContainerStatus) -> Option<String> {
    let ended = status.state.as_ref()?.terminated.as_ref().filter(|ended| ended.exit_code != 0)?;
    Some(format!("init container {}: {}", status.name, how(ended)))
}

/// How a container ended.
pub(super) fn how(ended: &ContainerStateTerminated) -> String {
    let reason = ended.reason.as_deref().filter(|reason| !["Error", "Completed"].contains(reason));
    match reason {
        Some(reason) => format!("{reason} (exit code {})", ended.exit_code),
        None => format!("exit code {}", ended.exit_code),
    }
}

fn unscheduled(pod: &Pod) -> Option<String> {
    let conditions = pod.status.as_ref()?.conditions.iter().flatten();
    let mut conditions = conditions.filter(|it| it.type_ == "PodScheduled" && it.status == "False");
    let message = conditions.next()?.message.as_deref().unwrap_or_default();
    Some(format!("no node takes the pod: {}", plain(message)))
}

fn plain(text: &str) -> String {
    text.chars().take(TEXT).map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(status: &Value) -> Progress {
        progress(&serde_json::from_value(json!({"metadata": {}, "status": status})).unwrap(), "main")
    }

    #[test]
    fn it_says_how_far_a_container_is_and_why() {
        let waiting = |reason: &str, message: &str| json!({"waiting": {"reason": reason, "message": message}});
        let container = |name: &str, state: Value| json!({"name": name, "state": state, "image": "", "imageID": "", "ready": false, "restartCount": 0});
        let ended = |code: i32| json!({"terminated": {"exitCode": code, "reason": "Error"}});
        assert_eq!(of(&json!(null)), Progress::Waits("the pod is being started".into()));
        let unscheduled = json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes\nare free"}]});
        assert_eq!(of(&unscheduled), Progress::Waits("no node takes the pod: 0/1 nodes are free".into()));
        let pulling = json!({"phase": "Pending",
            "initContainerStatuses": [container("first", waiting("ErrImagePull", "not found"))],
            "containerStatuses": [container("main", waiting("PodInitializing", ""))]});
        assert_eq!(of(&pulling), Progress::Waits("container first: ErrImagePull: not found".into()));
        let init = json!({"phase": "Failed", "initContainerStatuses": [container("first", ended(2))],
            "containerStatuses": [container("main", waiting("PodInitializing", ""))]});
        assert_eq!(of(&init), Progress::Failed("init container first: exit code 2".into()));
        let evicted = json!({"phase": "Failed", "reason": "Evicted", "message": "low on disk"});
        assert_eq!(of(&evicted), Progress::Failed("Evicted: low on disk".into()));
        assert_eq!(of(&json!({"containerStatuses": [container("main", json!({"running": {}}))]})), Progress::Runs);
        let Progress::Ended(ended) = of(&json!({"containerStatuses": [container("main", ended(3))]})) else { panic!() };
        assert_eq!(how(&ended), "exit code 3");
        assert_eq!(
            how(&ContainerStateTerminated { reason: Some("OOMKilled".into()), exit_code: 137, ..ended }),
            "OOMKilled (exit code 137)"
        );
    }
}
