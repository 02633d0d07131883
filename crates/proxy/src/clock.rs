//! The proxy's only look at the wall clock, and its only dice.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    time::Duration,
};

use jiff::Timestamp;

/// Returns the instant of now: certificates are judged by it, and connections say when they were opened.
#[expect(
    clippy::disallowed_methods,
    reason = "a connection's loop is a leaf: nobody above it could pass the instant in"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Returns a span between `low` and `high` thousandths of `span`, drawn anew each time, so that many proxies
/// which began together do not dial together.
pub(crate) fn jittered(span: Duration, low: u32, high: u32) -> Duration {
    let drawn = RandomState::new().build_hasher().finish();
    let width = u64::from(high.saturating_sub(low).saturating_add(1));
    let offset = u32::try_from(drawn % width).unwrap_or(0);
    span / 1000 * low.saturating_add(offset)
}

/// Pauses that double from `first` up to `longest`.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self {
            next: first,
            longest,
        }
    }

    /// Returns the pause that is due, give or take a fifth.
    pub(crate) fn due(&mut self) -> Duration {
        let pause = jittered(self.next, 800, 1200);
        self.next = self.next.saturating_mul(2).min(self.longest);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_between_its_bounds() {
        let span = Duration::from_mins(5);
        let drawn: Vec<_> = (0..1000).map(|_| jittered(span, 600, 800)).collect();
        assert!(
            drawn
                .iter()
                .all(|d| *d >= span * 6 / 10 && *d <= span * 8 / 10)
        );
        assert!(drawn.iter().any(|d| d != drawn.first().unwrap()));
    }
}
