use jiff::{SignedDuration, Timestamp};

use super::Schedule;

/// What a resource asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asks<'a> {
    /// `metadata.generation`.
    pub generation: i64,
    /// `spec.suspend`.
    pub suspended: bool,
    /// Whether its runs delete: `mode: Enforce`.
    pub enforces: bool,
    /// `spec.schedule`.
    pub schedule: Option<&'a Schedule>,
    /// The annotation that asks for a run.
    pub requested: Option<&'a str>,
    /// A person accepted a plan that still waits.
    pub accepted: bool,
}

/// What was done for it so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct History<'a> {
    /// The generation that was planned last.
    pub planned: Option<i64>,
    /// The request that was answered last.
    pub answered: Option<&'a str>,
    /// A run is recorded that did not end.
    pub is_running: bool,
    /// When the last run began.
    pub last_start: Option<Timestamp>,
    /// The last runs, if they left something undone.
    pub failures: Option<Failures>,
}

/// Runs in a row that left something undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// How many; none if it was cut by its timeout, and goes on at once.
    pub count: u32,
    /// When the last of them ended.
    pub since: Timestamp,
    /// What it was to do, which is tried again.
    pub turn: Turn,
}

/// What is to be done, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due<T = Turn> {
    /// This, now.
    Now(T),
    /// Nothing before then.
    At(Timestamp),
    /// Nothing until something changes.
    WhenAsked,
}

/// One turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// A run that did not end is taken up, or brought to its end.
    Resume,
    /// Its plan is made and shown; nothing is deleted.
    Plan,
    /// A plan is made and, in mode `Enforce`, carried out.
    Run,
}

/// The first of a row of failures is retried after this, each further one after twice as long,
const FIRST_RETRY: SignedDuration = SignedDuration::from_secs(10);
/// up to this.
const LAST_RETRY: SignedDuration = SignedDuration::from_mins(10);

/// What is due now. Slots that passed while nobody looked come together as one run.
pub fn due(asks: Asks<'_>, history: History<'_>, now: Timestamp) -> Due {
    let retry = history.failures.map(|it| (it.since + delay(it.count), it.turn));
    if history.is_running {
        // Whoever stops a run need not wait for its next try.
        let goes_on = asks.enforces && !asks.suspended;
        return match retry {
            Some((at, _)) if at > now && goes_on => Due::At(at),
            _ => Due::Now(Turn::Resume),
        };
    }
    if asks.suspended {
        return Due::WhenAsked;
    }
    if history.planned != Some(asks.generation) {
        return Due::Now(Turn::Plan);
    }
    let requested = asks.requested.is_some() && asks.requested != history.answered;
    if requested || asks.accepted && asks.enforces {
        return Due::Now(Turn::Run);
    }
    let slot = asks.schedule.and_then(|schedule| schedule.next_after(history.last_start?)).map(|at| (at, Turn::Run));
    match retry.into_iter().chain(slot).min_by_key(|(at, turn)| (*at, *turn != Turn::Run)) {
        Some((at, turn)) if at <= now => Due::Now(turn),
        Some((at, _)) => Due::At(at),
        None => Due::WhenAsked,
    }
}

/// How long to wait after so many failures in a row.
fn delay(failures: u32) -> SignedDuration {
    if failures == 0 {
        return SignedDuration::ZERO;
    }
    let doubled = 1_i32.checked_shl(failures.saturating_sub(1).min(16)).unwrap_or(i32::MAX);
    (FIRST_RETRY * doubled).min(LAST_RETRY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-22T{text}Z").parse().unwrap()
    }

    #[test]
    fn what_is_due() {
        let daily = Schedule::parse("0 3 * * *", None).unwrap();
        let asks = Asks {
            generation: 2,
            suspended: false,
            enforces: true,
            schedule: Some(&daily),
            requested: None,
            accepted: false,
        };
        let done = History { planned: Some(2), last_start: Some(at("02:00:00")), ..History::default() };
        let now = at("02:30:00");
        let failures = |count, since| Some(Failures { count, since: at(since), turn: Turn::Plan });
        let failed = |count| History { failures: failures(count, "02:20:00"), ..done };
        let table = [
            ("a first sight plans", asks, History::default(), Due::Now(Turn::Plan)),
            ("a new generation plans", asks, History { planned: Some(1), ..done }, Due::Now(Turn::Plan)),
            ("nothing before its slot", asks, done, Due::At(at("03:00:00"))),
            ("nothing without a slot", Asks { schedule: None, ..asks }, done, Due::WhenAsked),
            (
                "a passed slot",
                asks,
                History { last_start: Some(at("02:00:00") - SignedDuration::from_hours(72)), ..done },
                Due::Now(Turn::Run),
            ),
            (
                "a request",
                Asks { requested: Some("b"), ..asks },
                History { answered: Some("a"), ..done },
                Due::Now(Turn::Run),
            ),
            (
                "a request is answered once",
                Asks { requested: Some("a"), ..asks },
                History { answered: Some("a"), ..done },
                Due::At(at("03:00:00")),
            ),
            ("an accepted plan", Asks { accepted: true, ..asks }, done, Due::Now(Turn::Run)),
            (
                "a dry run accepts nothing",
                Asks { accepted: true, enforces: false, ..asks },
                done,
                Due::At(at("03:00:00")),
            ),
            (
                "a suspended one",
                Asks { suspended: true, requested: Some("b"), ..asks },
                History::default(),
                Due::WhenAsked,
            ),
            (
                "what runs, goes on",
                Asks { suspended: true, ..asks },
                History { is_running: true, ..done },
                Due::Now(Turn::Resume),
            ),
            ("what runs is tried again", asks, History { is_running: true, ..failed(8) }, Due::Now(Turn::Resume)),
            (
                "what runs waits for its next try",
                asks,
                History { is_running: true, failures: failures(8, "02:25:00"), ..done },
                Due::At(at("02:35:00")),
            ),
            (
                "whoever stops it does not",
                Asks { enforces: false, ..asks },
                History { is_running: true, failures: failures(8, "02:25:00"), ..done },
                Due::Now(Turn::Resume),
            ),
            ("a failure is retried", asks, failed(1), Due::Now(Turn::Plan)),
            ("ever more slowly", asks, failed(7), Due::Now(Turn::Plan)),
            (
                "a slot does not wait for a retry",
                asks,
                History { failures: failures(9, "02:58:00"), ..done },
                Due::At(at("03:00:00")),
            ),
        ];
        for (name, asks, history, expected) in table {
            assert_eq!(due(asks, history, now), expected, "{name}");
        }
        assert_eq!(due(asks, failed(7), at("02:29:59")), Due::At(now));
    }

    #[test]
    fn retries_wait_ten_seconds_to_ten_minutes() {
        let seconds: Vec<i64> = [0, 1, 2, 3, 4, 7, 8, 60, u32::MAX].map(|count| delay(count).as_secs()).into();
        assert_eq!(seconds, [0, 10, 20, 40, 80, 600, 600, 600, 600]);
    }
}
