use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ContainerStateTerminated, Pod};
use kube::ResourceExt as _;

use super::pod::has_ended;
use super::{target, uid};
use crate::collection::garbage::{Account, Outcome};
use crate::collection::protocol::{Collector, Keeper, Report, Run};
use crate::collection::{CONTAINER, LABEL_RUN, PROGRAM};

/// The collector's Job, if there is one of its name, and the collector pods of this run. `gone_since`: since when neither
/// was there.
pub fn collector(run: &Run, job: Option<&Job>, pods: &[Pod], gone_since: Timestamp) -> Collector {
    let is_of_run = |labels: Option<&String>| labels.is_some_and(|it| *it == run.to_string());
    let Some(job) = job else {
        return if pods.iter().any(|pod| !has_ended(pod)) {
            Collector::Ending
        } else {
            Collector::Absent { since: gone_since }
        };
    };
    if !is_of_run(job.labels().get(LABEL_RUN)) {
        if pods.iter().any(|pod| !has_ended(pod)) {
            return Collector::Ending;
        }
        return Collector::OfAnotherRun { job: uid(job), since: gone_since };
    }
    if job.metadata.deletion_timestamp.is_some() {
        return Collector::Ending;
    }
    let spec = job.spec.as_ref();
    let is_suspended = spec.and_then(|spec| spec.suspend).unwrap_or_default();
    let was_started = job.status.as_ref().is_some_and(|status| status.start_time.is_some());
    match pods {
        [] if is_suspended && !was_started => Collector::Suspended(target(job)),
        [pod] => match (account(pod), has_ended(pod)) {
            (Some(account), true) => Collector::Ended(uid(job), verdict(pod, account.as_ref().ok())),
            _ => Collector::Running(uid(job)),
        },
        _ => Collector::Running(uid(job)),
    }
}

/// Whether the pod runs the collector for that run, and may delete.
pub fn is_collector_pod(pod: &Pod, run: &Run) -> bool {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut ours = containers.filter(|it| {
        it.command.as_ref().is_some_and(|command| *command == [PROGRAM])
            && it.args.as_ref().and_then(|arguments| arguments.first()).is_some_and(|first| first == "collector")
    });
    ours.next().is_some() && pod.labels().get(LABEL_RUN).is_some_and(|it| *it == run.to_string())
}

/// The account that its container left behind, or why there is none; `None` while the kubelet did not report its end.
pub fn account(pod: &Pod) -> Option<Result<Account, String>> {
    let status = pod.status.as_ref()?;
    if let Some(ended) = terminated(pod) {
        let account = Account::last_in(ended.message.as_deref().unwrap_or_default());
        let how = || ended.reason.clone().unwrap_or_else(|| format!("exit code {}", ended.exit_code));
        return Some(account.ok_or_else(how));
    }
    // It never was started, and will not be.
    let is_over = has_ended(pod);
    is_over.then(|| Err(status.reason.clone().unwrap_or_else(|| "its pod ended before it was started".into())))
}

fn terminated(pod: &Pod) -> Option<&ContainerStateTerminated> {
    let mut statuses = pod.status.as_ref()?.container_statuses.iter().flatten();
    statuses.find(|it| it.name == CONTAINER)?.state.as_ref()?.terminated.as_ref()
}

/// Success is exit code 0 and the account of a collection: an unknown flag alone ends a registry with 0 as well.
fn verdict(pod: &Pod, account: Option<&Account>) -> Report {
    let is_told = account.is_some_and(|account| account.outcome == Outcome::Collected);
    if is_told && terminated(pod).is_some_and(|ended| ended.exit_code == 0) {
        Report::Succeeded
    } else {
        Report::Failed
    }
}

/// The keeper's Job, if there is one of its name, and its pods.
pub fn keeper(run: &Run, job: Option<&Job>, pods: &[Pod]) -> Keeper {
    let Some(job) = job else { return Keeper::Absent };
    if job.labels().get(LABEL_RUN).is_none_or(|it| *it != run.to_string()) {
        return Keeper::OfAnotherRun(uid(job));
    }
    if job.metadata.deletion_timestamp.is_some() {
        return Keeper::Ending;
    }
    let conditions = job.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let mut over = conditions.filter(|it| matches!(it.type_.as_str(), "Complete" | "Failed") && it.status == "True");
    if over.next().is_some() {
        return Keeper::Ended(uid(job));
    }
    // It says that it is ready once it has tried the thaw.
    let is_ready = |pod: &Pod| {
        let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
        let mut ready = conditions.filter(|it| it.type_ == "Ready" && it.status == "True");
        pod.metadata.deletion_timestamp.is_none() && ready.next().is_some()
    };
    if pods.iter().any(is_ready) { Keeper::Ready(uid(job)) } else { Keeper::NotReady(uid(job)) }
}
