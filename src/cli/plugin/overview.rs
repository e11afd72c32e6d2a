//! All resources in a table.

use jiff::Timestamp;

use super::commands::{Commands, next};
use super::subject::Subject;
use crate::cli::show::text::{Table, ago};

/// A row for each of `subjects`, and the next command for the first that is not ready.
pub(super) fn lines(subjects: &[Subject], with_namespace: bool, commands: &Commands, now: Timestamp) -> Vec<String> {
    if subjects.is_empty() {
        let typed = if with_namespace { "explain rr.spec" } else { "registry-retention status -A" };
        return ["There is no RegistryRetention.".to_owned()]
            .into_iter()
            .chain(next(&[commands.kubectl(typed)]))
            .collect();
    }
    let header = [
        "NAMESPACE",
        "NAME",
        "MODE",
        "READY",
        "REASON",
        "TAGS",
        "GO",
        "DELETED",
        "WAIT",
        "RUNNING",
        "LAST RUN",
        "NEXT RUN",
    ];
    let first = usize::from(!with_namespace);
    let right: &'static [usize] = if with_namespace { &[5, 6, 7, 8] } else { &[4, 5, 6, 7] };
    let mut table = Table::new("", right, &header[first..]);
    for subject in subjects {
        table.row(row(subject, now).into_iter().skip(first));
    }
    let unready = subjects.iter().find(|subject| !subject.status.holds("Ready"));
    let typed: Vec<String> = unready.into_iter().map(|subject| commands.status(&subject.key)).collect();
    table.lines().into_iter().chain(next(&typed)).collect()
}

fn row(subject: &Subject, now: Timestamp) -> [String; 12] {
    let nothing = || "-".to_owned();
    let status = &subject.status;
    let last = status.last_run.as_ref();
    let ready = subject.status.condition("Ready");
    let mode = if subject.suspended { format!("{}, suspended", subject.mode) } else { subject.mode.clone() };
    [
        subject.key.namespace.clone(),
        subject.key.name.clone(),
        mode,
        ready.map_or_else(nothing, |it| it.status.clone()),
        ready.map_or_else(|| "NotSeen".to_owned(), |it| it.reason.clone()),
        last.map_or_else(nothing, |run| run.counts.tags.to_string()),
        last.map_or_else(nothing, |run| run.counts.condemned.to_string()),
        last.map_or_else(nothing, |run| run.deleted.to_string()),
        status.waiting.as_ref().map_or_else(nothing, |waiting| waiting.tags.to_string()),
        status.run.as_ref().map_or_else(nothing, |run| format!("{}/{}", run.deleted, run.counts.condemned)),
        last.map_or_else(nothing, |run| format!("{} ago", ago(run.start_time.0, now))),
        status.next_run_time.as_ref().map_or_else(nothing, |next| format!("in {}", ago(now, next.0))),
    ]
}
