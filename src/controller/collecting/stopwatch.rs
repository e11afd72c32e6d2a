//! For how long a registry is read-only, and what takes the time. Pure: it is told what time it is.

use std::time::{Duration, Instant};

use jiff::SignedDuration;

use crate::api::ReadOnlySeconds;
use crate::collection::protocol::{For, Phase, Step};

/// By how much two readings of a clock of whole seconds may be wrong.
const COARSE: f64 = 2.0;

/// What takes the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Freeze,
    Drain,
    Collector,
    Thaw,
    /// Neither of them: reading, deciding, asking.
    Operator,
}

/// Adds up what takes the time, from the freeze on.
#[derive(Clone, Debug, Default)]
pub(super) struct Stopwatch {
    so_far: ReadOnlySeconds,
    /// Since when, and for what, as long as it runs.
    running: Option<(Instant, Part)>,
}

impl Stopwatch {
    /// Goes on from what was written down before.
    pub(super) fn from(so_far: Option<ReadOnlySeconds>) -> Self {
        Self { so_far: so_far.unwrap_or_default(), running: None }
    }

    /// Begins, if it has not begun.
    pub(super) fn start(&mut self, now: Instant) {
        self.running.get_or_insert((now, Part::Operator));
    }

    /// What was decided at `now`: the time since the last decision belongs to what was waited for then, if the same is
    /// waited for still; else it ends `now`.
    pub(super) fn turn(&mut self, step: &Step, phase: Option<&Phase>, woken: Instant, now: Instant) {
        let Some((since, part)) = self.running else { return };
        let next = part_of(step, phase);
        if next == part {
            self.add(part, now.saturating_duration_since(since));
        } else {
            // What the wait took ended when its event came; the rest went into looking.
            let woken = woken.clamp(since, now);
            self.add(part, woken.saturating_duration_since(since));
            self.add(Part::Operator, now.saturating_duration_since(woken));
        }
        self.running = Some((now, next));
    }

    /// Ends.
    pub(super) fn stop(&mut self, now: Instant) {
        if let Some((since, part)) = self.running.take() {
            self.add(part, now.saturating_duration_since(since));
        }
    }

    /// It took that long by a clock of whole seconds, which went on where this one did not.
    pub(super) fn lasted(&mut self, by_clock: SignedDuration) {
        let whole = by_clock.as_secs_f64();
        if self.so_far.total + COARSE < whole {
            self.so_far.total = whole;
        }
    }

    /// What it says so far, to the millisecond; `None` if it never began.
    pub(super) fn reading(&self) -> Option<ReadOnlySeconds> {
        let ReadOnlySeconds { total, freeze, drain, collector, thaw, operator } = self.so_far;
        let round = |seconds: f64| (seconds * 1000.0).round() / 1000.0;
        (total > 0.0).then(|| ReadOnlySeconds {
            total: round(total),
            freeze: round(freeze),
            drain: round(drain),
            collector: round(collector),
            thaw: round(thaw),
            operator: round(operator),
        })
    }

    fn add(&mut self, part: Part, time: Duration) {
        let seconds = time.as_secs_f64();
        self.so_far.total += seconds;
        let field = match part {
            Part::Freeze => &mut self.so_far.freeze,
            Part::Drain => &mut self.so_far.drain,
            Part::Collector => &mut self.so_far.collector,
            Part::Thaw => &mut self.so_far.thaw,
            Part::Operator => &mut self.so_far.operator,
        };
        *field += seconds;
    }
}

fn part_of(step: &Step, phase: Option<&Phase>) -> Part {
    let is_thawing = matches!(phase, Some(Phase::Thawing { .. } | Phase::Over { .. }));
    match step {
        Step::Wait(For::RollOut) if is_thawing => Part::Thaw,
        Step::Wait(For::RollOut) => Part::Freeze,
        Step::Wait(For::Drain(_)) => Part::Drain,
        Step::Wait(For::Collector | For::CollectorGone | For::CollectorProof(_)) => Part::Collector,
        Step::Wait(For::Replacement(_)) => Part::Thaw,
        _ => Part::Operator,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_belongs_to_what_is_waited_for_and_the_rest_to_the_operator() {
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let wait = |what| Step::Wait(what);
        let mut watch = Stopwatch::from(None);
        watch.turn(&wait(For::RollOut), None, at(0), at(0));
        assert_eq!(watch.reading(), None);
        watch.start(at(0));
        watch.turn(&wait(For::RollOut), None, at(0), at(10));
        // An event that changes nothing.
        watch.turn(&wait(For::RollOut), None, at(500), at(510));
        watch.turn(&wait(For::Drain(None)), None, at(1010), at(1030));
        watch.turn(&wait(For::Collector), None, at(3030), at(3040));
        let thawing = Phase::Claiming;
        watch.turn(&Step::Done(None), Some(&thawing), at(7040), at(7050));
        watch.stop(at(7100));
        let expected =
            ReadOnlySeconds { total: 7.1, freeze: 1.0, drain: 2.0, collector: 4.0, thaw: 0.0, operator: 0.1 };
        assert_eq!(watch.reading(), Some(expected));
        let later = Stopwatch::from(watch.reading());
        assert_eq!(later.reading(), Some(expected));
    }
}
