//! The one place where the controller asks the clock.

use std::time::Duration;

use jiff::Timestamp;

/// How long one sleep is at most, so that a clock that jumps is noticed.
const LONGEST: Duration = Duration::from_secs(60);

/// The one `now` of a turn.
#[expect(clippy::disallowed_methods, reason = "this is where the controller asks the clock")]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

/// Returns when it is `at`, or some time before.
pub(super) async fn reach(at: Timestamp) {
    let left = Duration::try_from(at.duration_since(now())).unwrap_or(Duration::ZERO);
    tokio::time::sleep(left.min(LONGEST)).await;
}
