//! How one resource stands, for a person who was woken by it.

use jiff::{SignedDuration, Timestamp};

use super::commands::{Commands, next};
use super::subject::Subject;
use crate::api::{LastRunStatus, RunResult, RunStatus, StorageStatus, WaitingStatus};
use crate::cli::show::rule_table;
use crate::cli::show::text::{ago, bytes};
use crate::retention::StoredPlan;

/// All that its status says, and the next commands.
pub(super) fn lines(subject: &Subject, commands: &Commands, now: Timestamp) -> Vec<String> {
    let status = &subject.status;
    let mut lines = heading(subject, now);
    lines.push(String::new());
    lines.push(field("Registry", &registry(subject)));
    lines.extend(status.storage.as_ref().map(|storage| field("Storage", &stored(storage, now))));
    if let Some(run) = &status.run {
        lines.push(field("Running", &running(run, now)));
    }
    if let Some(run) = &status.last_run {
        lines.extend(last_run(run, now));
    }
    let since_success = status.last_successful_run.as_ref().filter(|_| !succeeded(status.last_run.as_ref()));
    lines.extend(since_success.map(|at| field("Succeeded", &format!("last {}", moment(at.0, now)))));
    if let Some(waiting) = &status.waiting {
        lines.push(field("Waiting", &waits(waiting, now)));
    }
    lines.push(field("Next run", &next_run(subject, now)));
    if let Some(workloads) = &status.workloads {
        let text = format!(
            "{} image references of workloads; {} tags stay because of them",
            workloads.references, workloads.tags
        );
        lines.push(field("In use", &text));
    }
    if !status.rules.is_empty() {
        lines.push("Rules, as of the last run".to_owned());
        lines.extend(rule_table(status.rules.iter().cloned()).lines());
    }
    lines.extend(next(&typed(subject, commands, now)));
    lines
}

fn heading(subject: &Subject, now: Timestamp) -> Vec<String> {
    let Subject { key, mode, .. } = subject;
    let Some(ready) = subject.status.condition("Ready") else {
        return vec![
            format!("{key}: mode {mode}"),
            "  The operator has not seen it yet: it does not run, or does not serve this namespace.".to_owned(),
        ];
    };
    let stands = if ready.status == "True" { "ready" } else { "not ready" };
    let helped = if subject.status.holds("Stalled") { "; only a person can help" } else { "" };
    let since = ago(ready.last_transition_time.0, now);
    let mut lines = vec![
        format!("{key}: mode {mode}, {stands} for {since}: {}{helped}", ready.reason),
        format!("  {}", said(&ready.message)),
    ];
    if subject.status.holds("Reconciling") || !subject.is_observed() {
        lines.push(format!(
            "  Its generation {} is not planned yet; the rest is about the one before.",
            subject.generation
        ));
    }
    lines
}

/// What a condition says, up to the command that it ends with: the next ones stand at the end.
pub(super) fn said(message: &str) -> &str {
    message.split(" Next: ").next().unwrap_or(message)
}

fn field(name: &str, text: &str) -> String {
    format!("{name:<10} {text}")
}

/// `5h ago (2026-11-22T03:00:00Z)`.
fn moment(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago ({at:.0})", ago(at, now))
}

fn registry(subject: &Subject) -> String {
    let Some(registry) = &subject.status.registry else { return subject.url.clone() };
    let deletes = if registry.delete_enabled { "deletes" } else { "deletes nothing" };
    let unknown = registry.age_sources.get("Unknown").filter(|tags| **tags > 0);
    let ages = unknown.map(|tags| format!("; {tags} selected tags have no age that can be believed"));
    format!("{}, version {}, {deletes}{}", subject.url, registry.version, ages.unwrap_or_default())
}

fn stored(storage: &StorageStatus, now: Timestamp) -> String {
    let untagged = u64::try_from(storage.untagged_bytes).unwrap_or_default();
    format!(
        "{} used; a garbage collection gives back {} once the plan is done; untagged manifests take {}; read {}",
        storage.used,
        storage.reclaimable,
        bytes(untagged),
        moment(storage.measured_at.0, now)
    )
}

/// A run in progress.
pub(super) fn running(run: &RunStatus, now: Timestamp) -> String {
    format!("for {}: {} of {} tags deleted", ago(run.start_time.0, now), run.deleted, run.counts.condemned)
}

/// A run that ended.
pub(super) fn last_run(run: &LastRunStatus, now: Timestamp) -> Vec<String> {
    let counts = &run.counts;
    let took = ago(run.start_time.0, run.completion_time.0);
    let failed = if run.failed == 0 { String::new() } else { format!(", {} operations failed", run.failed) };
    let (mode, result) = (run.mode, run.result);
    let mut lines = vec![
        field("Last run", &format!("{}, took {took}: {mode:?}, {result:?}", moment(run.start_time.0, now))),
        field(
            "",
            &format!(
                "{} tags in {} repositories: {} stay, {} go; {} deleted{failed}",
                counts.tags, counts.repositories, counts.kept, counts.condemned, run.deleted
            ),
        ),
    ];
    let kept: Vec<String> = counts.kept_by_reason.iter().map(|(reason, tags)| format!("{tags} {reason}")).collect();
    if !kept.is_empty() {
        lines.push(field("", &format!("stay: {}", kept.join(", "))));
    }
    if run.result != RunResult::Succeeded {
        lines.push(field("", said(&run.message)));
    }
    lines
}

fn succeeded(run: Option<&LastRunStatus>) -> bool {
    run.is_some_and(|run| run.result == RunResult::Succeeded)
}

fn waits(waiting: &WaitingStatus, now: Timestamp) -> String {
    let until = StoredPlan::acceptable_until(waiting.since.0);
    let left = match until.duration_since(now) {
        left if left > SignedDuration::ZERO => {
            format!("can be accepted for {} more (until {until:.0})", ago(now, until))
        }
        _ => "can no longer be accepted: it is older than 7 days".to_owned(),
    };
    let hash = waiting.plan.hash.get(..12).unwrap_or(&waiting.plan.hash);
    format!("plan {hash}, {} tags, {}; {left}", waiting.tags, waiting.reasons.join(", "))
}

fn next_run(subject: &Subject, now: Timestamp) -> String {
    match &subject.status.next_run_time {
        _ if subject.suspended => "none while it is suspended".to_owned(),
        Some(at) if at.0 > now => format!("in {} ({:.0})", ago(now, at.0), at.0),
        Some(at) => format!("due since {:.0}", at.0),
        None if subject.scheduled => "as spec.schedule says, once it is planned".to_owned(),
        None => "only when asked for, since spec.schedule is absent".to_owned(),
    }
}

/// What to type next.
fn typed(subject: &Subject, commands: &Commands, now: Timestamp) -> Vec<String> {
    let (key, status) = (&subject.key, &subject.status);
    if status.conditions.is_empty() {
        return vec![commands.operator()];
    }
    if subject.suspended {
        return vec![commands.unsuspend(key)];
    }
    if status.run.is_some() {
        return vec![commands.plan_running(key)];
    }
    if let Some(waiting) = subject.acceptable(now).filter(|_| subject.enforces()) {
        let hash = waiting.plan.hash.get(..12).unwrap_or(&waiting.plan.hash);
        return vec![commands.plan_waiting(key), commands.accept(key, hash)];
    }
    if !subject.status.holds("Ready") {
        return vec![commands.run(key)];
    }
    match status.last_run.as_ref() {
        Some(run) if run.counts.condemned > 0 && !subject.enforces() => vec![commands.plan(key), commands.enforce(key)],
        Some(run) if run.counts.condemned > run.deleted && subject.enforces() => {
            vec![commands.plan(key), commands.run(key)]
        }
        _ => vec![commands.plan(key)],
    }
}
