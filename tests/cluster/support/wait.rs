use std::thread;
use std::time::{Duration, Instant};

/// How long anything that is waited for may take. It says that something is broken, not how fast it should be.
pub(super) const BOUND: Duration = Duration::from_secs(180);

/// Returns what `look` finds, as soon as it finds something; panics and says `what` was waited for if it never does.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < BOUND, "not within {BOUND:?}: {what}");
        thread::sleep(Duration::from_millis(100));
    }
}
