//! Progress: a bar on a terminal, lines elsewhere, nothing if nobody wants it.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::Loudness;
use super::screen;
use super::show::text::count;
use super::stop::Stop;
use crate::oci::RepositoryName;
use crate::pruning::Operation;
use crate::worker::{Outcome, Progress};

/// Who watches the work on one registry.
pub(super) struct Watcher {
    look: Look,
    stop: Stop,
    quiet: bool,
    deleting: AtomicBool,
    repositories: AtomicUsize,
}

enum Look {
    Bar(ProgressBar),
    Lines,
    Nothing,
}

impl Watcher {
    pub(super) fn new(loudness: &Loudness, stop: Stop) -> Self {
        // A bar and a log would write over one another.
        let look = match (loudness.quiet, std::io::stderr().is_terminal() && !loudness.verbose) {
            (true, _) => Look::Nothing,
            (false, true) => Look::Bar(bar()),
            (false, false) => Look::Lines,
        };
        Self { look, stop, quiet: loudness.quiet, deleting: AtomicBool::new(false), repositories: AtomicUsize::new(0) }
    }

    /// Reading is over, and so many tags are deleted from now on.
    pub(super) fn delete(&self, tags: usize) {
        self.deleting.store(true, Ordering::Relaxed);
        self.stop.deleting(true);
        if let Look::Bar(bar) = &self.look {
            bar.reset();
            bar.set_message(format!("deleting {}", count(tags, "tag")));
        }
    }

    /// It is over; the line is free again.
    pub(super) fn end(&self) {
        self.stop.deleting(false);
        if let Look::Bar(bar) = &self.look {
            bar.finish_and_clear();
        }
    }

    fn say(&self, line: &str) {
        match &self.look {
            Look::Bar(bar) => bar.suspend(|| screen::out(line)),
            Look::Lines | Look::Nothing => screen::out(line),
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({pos} so far, {elapsed})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

impl Progress for Watcher {
    fn reading(&self, repository: &RepositoryName, tags: usize) {
        if self.deleting.load(Ordering::Relaxed) {
            return;
        }
        let number = self.repositories.fetch_add(1, Ordering::Relaxed) + 1;
        match &self.look {
            Look::Bar(bar) => bar.set_message(format!("reading {}: {repository}", count(number, "repository"))),
            Look::Lines => screen::err(format_args!("reading {repository}: {}", count(tags, "tag"))),
            Look::Nothing => {}
        }
    }

    fn read(&self) {
        if let (Look::Bar(bar), false) = (&self.look, self.deleting.load(Ordering::Relaxed)) {
            bar.inc(1);
        }
    }

    fn operated(&self, repository: &RepositoryName, operation: &Operation, outcome: &Outcome) {
        if let Look::Bar(bar) = &self.look {
            bar.inc(1);
        }
        if !self.quiet && matches!(outcome, Outcome::Done | Outcome::Already) {
            for line in done(repository, operation) {
                self.say(&line);
            }
        }
    }

    fn is_called_off(&self) -> bool {
        self.stop.came().is_some()
    }
}

/// A line for each thing that an operation took away or put back.
fn done(repository: &RepositoryName, operation: &Operation) -> Vec<String> {
    if let Operation::Restore { tag, .. } = operation {
        return vec![format!("restored {repository}:{tag}")];
    }
    let mut lines: Vec<String> = operation.tags().iter().map(|tag| format!("deleted {repository}:{tag}")).collect();
    if let Operation::Delete { digest, .. } = operation {
        lines.push(format!("deleted {repository}@{digest}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Digest;

    #[test]
    fn what_is_gone_is_named_in_full() {
        let digest = Digest::of(b"a");
        let tags = vec!["a".parse().unwrap(), "b".parse().unwrap()];
        let lines = done(&"apps/shop".parse().unwrap(), &Operation::Delete { digest: digest.clone(), tags });
        assert_eq!(lines, ["deleted apps/shop:a", "deleted apps/shop:b", &format!("deleted apps/shop@{digest}")]);
    }
}
