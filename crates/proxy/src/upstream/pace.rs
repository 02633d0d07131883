//! How soon the server is dialled again.

use tokio::time::Instant;

use crate::{clock::Backoff, limits};

/// Keeps dials apart that come to nothing: that fail, or bring a connection which ends at once and was of no use.
///
/// Each costs both sides a TLS handshake, and whoever lets connections in only to close them (a balancer that has nobody
/// behind it) would be dialled without a pause, since no dial fails.
#[derive(Debug)]
pub(super) struct Pace {
    backoff: Backoff,
    /// Whether nothing has come to nothing yet.
    is_fresh: bool,
    not_before: Instant,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            backoff: Backoff::new(limits::REDIAL_PAUSE, limits::REDIAL_PAUSE_MAX),
            is_fresh: true,
            not_before: Instant::now(),
        }
    }

    /// Returns the earliest instant at which to dial.
    pub(super) fn not_before(&self) -> Instant {
        self.not_before
    }

    /// Returns whether nothing speaks against several dials at once.
    pub(super) fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    /// Notes that a dial failed. Several that were begun together fail together, and count once.
    pub(super) fn failed(&mut self) {
        let now = Instant::now();
        if now < self.not_before {
            return;
        }
        if now > self.not_before + limits::CONNECTION_AGE_MIN {
            // What failed before has been made good since.
            *self = Self::new();
        }
        self.is_fresh = false;
        self.not_before = now + self.backoff.due();
    }

    /// Notes that a connection ended before it was of any use. One may have been unlucky: its successor goes at once.
    pub(super) fn wasted(&mut self) {
        if !std::mem::take(&mut self.is_fresh) {
            self.failed();
        }
    }

    /// Notes that a connection was of use.
    pub(super) fn used(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::sleep_until;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_the_first_successor_of_what_was_of_no_use_goes_at_once() {
        let mut pace = Pace::new();
        let pause = |pace: &Pace| pace.not_before().saturating_duration_since(Instant::now());
        pace.wasted();
        assert_eq!(pause(&pace), Duration::ZERO);
        pace.wasted();
        assert!(pause(&pace) >= limits::REDIAL_PAUSE * 4 / 5);
        for _ in 0..10 {
            sleep_until(pace.not_before()).await;
            pace.wasted();
        }
        let longest = pause(&pace);
        assert!(longest >= limits::REDIAL_PAUSE_MAX * 4 / 5, "{longest:?}");
        assert!(longest <= limits::REDIAL_PAUSE_MAX * 6 / 5, "{longest:?}");
        pace.used();
        assert_eq!(pause(&pace), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_failed_long_ago_is_forgotten() {
        let mut pace = Pace::new();
        for _ in 0..10 {
            sleep_until(pace.not_before()).await;
            pace.failed();
        }
        tokio::time::advance(limits::REDIAL_PAUSE_MAX * 2 + limits::CONNECTION_AGE_MIN).await;
        pace.failed();
        let pause = pace.not_before() - Instant::now();
        assert!(pause <= limits::REDIAL_PAUSE * 6 / 5, "{pause:?}");
    }
}
