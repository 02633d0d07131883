//! The conductor's only clock. The workers work; this one waits.

use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How often something is looked at that is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Time since a start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "the conductor of a play is where time comes from"
    )]
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// Waits until so much time has passed since the start.
    #[expect(
        clippy::disallowed_methods,
        reason = "the conductor of a play has nothing else to do"
    )]
    pub(super) fn wait_until(self, since_start: Duration) {
        thread::sleep(since_start.saturating_sub(self.elapsed()));
    }
}

/// The wall clock's milliseconds since 1970, as the front writes them into its log.
#[expect(
    clippy::disallowed_methods,
    reason = "the conductor of a play is where time comes from"
)]
pub(super) fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// Looks until there is something to see, or the time is over.
pub(super) fn await_some<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let watch = Stopwatch::start();
    loop {
        if let Some(seen) = look() {
            return Some(seen);
        }
        if watch.elapsed() >= limit {
            return None;
        }
        watch.wait_until(watch.elapsed() + LOOK_AGAIN);
    }
}
