//! The instant until which somebody may speak, whatever the pace.

use std::{
    io,
    time::{Duration, Instant},
};

/// An instant at which patience ends.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Deadline {
    pub(super) fn after(bound: Duration) -> Self {
        Self(clock() + bound)
    }

    /// Returns the time that is left, or [`io::ErrorKind::TimedOut`] if there is none.
    pub(super) fn left(self) -> io::Result<Duration> {
        let left = self.0.saturating_duration_since(clock());
        if left.is_zero() {
            Err(io::ErrorKind::TimedOut.into())
        } else {
            Ok(left)
        }
    }

    pub(super) fn is_over(self) -> bool {
        self.left().is_err()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a thread that blocks has no runtime to ask; nothing is decided by it but when to give up"
)]
fn clock() -> Instant {
    Instant::now()
}
