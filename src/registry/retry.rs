use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::Method;

use super::error::{Problem, RegistryError};

/// How often a request is sent at most.
pub(super) const TRIES: u32 = 4;
/// The pause after the first try, doubled after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// A server that wants more patience than this gets none: the caller comes back later.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Whether sending a request twice is the same as sending it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It reads, and may be sent again whenever no answer came.
    Freely,
    /// It writes, and may be sent again only where it cannot have been carried out: a DELETE that was cut may have
    /// done half its work, and a PUT after a 5xx can leave a store that no collector takes.
    OnlyUnsent,
}

impl Repeat {
    /// How a request of `method` may be repeated.
    pub(super) fn of(method: &Method) -> Self {
        if matches!(*method, Method::GET | Method::HEAD) { Self::Freely } else { Self::OnlyUnsent }
    }
}

/// Reads once more what broke off half-way. The pauses of a repeated request are behind it: its answer had begun.
pub(super) async fn twice<T, F: Future<Output = Result<T, RegistryError>>>(
    read: impl Fn() -> F,
) -> Result<T, RegistryError> {
    match read().await {
        Err(error) if *error.problem() == Problem::CutShort => read().await,
        result => result,
    }
}

/// Why a try brought nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hitch {
    /// The server said this, and perhaps when to come back.
    Status(u16, Option<Duration>),
    /// The request never left.
    Unsent,
    /// The connection broke before there was an answer.
    Broken,
}

impl Hitch {
    /// The hitch in `problem`, if it is one that can pass.
    pub(super) fn of(problem: &Problem) -> Option<Self> {
        match problem {
            Problem::UnknownHost | Problem::Unreachable => Some(Self::Unsent),
            Problem::Interrupted | Problem::CutShort => Some(Self::Broken),
            Problem::RateLimited { retry_after } => Some(Self::Status(429, *retry_after)),
            Problem::ServerError { status, .. } => Some(Self::Status(*status, None)),
            _ => None,
        }
    }
}

/// How long to wait before the next try; `None` if there should be none.
///
/// `tries` were made; `random` spreads the pauses of many clients over half their length.
pub(super) fn pause(repeat: Repeat, hitch: Hitch, tries: u32, random: u64) -> Option<Duration> {
    let may_have_happened = match hitch {
        Hitch::Unsent | Hitch::Status(429, _) => false,
        Hitch::Broken | Hitch::Status(502..=504, _) => true,
        Hitch::Status(..) => return None,
    };
    if tries >= TRIES || (may_have_happened && repeat == Repeat::OnlyUnsent) {
        return None;
    }
    let full = FIRST_PAUSE * 2u32.pow(tries.saturating_sub(1));
    let half = full / 2;
    let spread = Duration::from_millis(random % u64::try_from(half.as_millis().max(1)).unwrap_or(1));
    match hitch {
        Hitch::Status(_, Some(asked)) if asked > LONGEST_PAUSE => None,
        Hitch::Status(_, Some(asked)) => Some(asked.max(half + spread)),
        _ => Some(half + spread),
    }
}

/// The pause that a `Retry-After` asks for: seconds, or an HTTP date (RFC 9110 § 10.2.3).
pub(super) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = rfc2822::parse(value).ok()?.timestamp();
    Some(at.duration_since(now).try_into().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_repeated_and_writes_only_where_nothing_can_have_happened() {
        let (busy, gone) = (Hitch::Status(429, None), Hitch::Status(503, None));
        for (repeat, hitch, again) in [
            (Repeat::Freely, busy, true),
            (Repeat::Freely, gone, true),
            (Repeat::Freely, Hitch::Broken, true),
            (Repeat::Freely, Hitch::Unsent, true),
            (Repeat::Freely, Hitch::Status(500, None), false),
            (Repeat::Freely, Hitch::Status(404, None), false),
            (Repeat::OnlyUnsent, busy, true),
            (Repeat::OnlyUnsent, Hitch::Unsent, true),
            (Repeat::OnlyUnsent, gone, false),
            (Repeat::OnlyUnsent, Hitch::Broken, false),
        ] {
            assert_eq!(pause(repeat, hitch, 1, 0).is_some(), again, "{repeat:?} {hitch:?}");
        }
    }

    #[test]
    fn pauses_double_and_end() {
        let millis = |tries, random| pause(Repeat::Freely, Hitch::Unsent, tries, random).map(|pause| pause.as_millis());
        assert_eq!([1, 2, 3, 4].map(|tries| millis(tries, 0)), [Some(100), Some(200), Some(400), None]);
        assert_eq!(millis(1, 99), Some(199));
        assert_eq!(millis(1, u64::MAX), Some(100 + u128::from(u64::MAX % 100)));
    }

    #[test]
    fn a_server_may_ask_for_patience_within_bounds() {
        let asked = |seconds| pause(Repeat::OnlyUnsent, Hitch::Status(429, Some(Duration::from_secs(seconds))), 1, 0);
        assert_eq!(asked(7), Some(Duration::from_secs(7)));
        assert_eq!(asked(0), Some(Duration::from_millis(100)));
        assert_eq!(asked(3600), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        for (value, seconds) in [
            ("5", Some(5)),
            (" 120 ", Some(120)),
            ("Sun, 22 Nov 2026 10:00:09 GMT", Some(9)),
            ("Sun, 22 Nov 2026 09:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
