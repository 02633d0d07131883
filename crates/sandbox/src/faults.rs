//! Bad luck on order: what a test or a demonstration makes the Cloud Ops API do next.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How the next operation ends, if not well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BadEnding {
    /// `STATE_FAILED`.
    Failed,
    /// `STATE_REJECTED`.
    Rejected,
}

/// The faults that are ordered. All are safe to order while calls are under way.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Ordered>);

#[derive(Debug, Default)]
struct Ordered {
    bad_endings: Vec<BadEnding>,
    lost_replies: usize,
    unavailable: usize,
    delay: Duration,
}

impl Faults {
    /// Makes the next accepted update end badly, when its time is over.
    pub fn end_next_operation(&self, ending: BadEnding) {
        self.with(|ordered| ordered.bad_endings.push(ending));
    }

    /// Makes the next accepted update take effect while its reply is lost: the connection is reset.
    pub fn lose_next_reply(&self) {
        self.with(|ordered| ordered.lost_replies += 1);
    }

    /// Makes the next `calls` calls of the Cloud Ops API fail with `UNAVAILABLE`, without effect.
    pub fn be_unavailable(&self, calls: usize) {
        self.with(|ordered| ordered.unavailable = calls);
    }

    /// Delays every call of the Cloud Ops API from now on.
    pub fn delay_calls(&self, delay: Duration) {
        self.with(|ordered| ordered.delay = delay);
    }

    pub(crate) fn take_bad_ending(&self) -> Option<BadEnding> {
        self.with(|ordered| {
            (!ordered.bad_endings.is_empty()).then(|| ordered.bad_endings.remove(0))
        })
    }

    pub(crate) fn take_lost_reply(&self) -> bool {
        self.with(|ordered| take_one(&mut ordered.lost_replies))
    }

    pub(crate) fn take_unavailable(&self) -> bool {
        self.with(|ordered| take_one(&mut ordered.unavailable))
    }

    pub(crate) fn delay(&self) -> Duration {
        self.with(|ordered| ordered.delay)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Ordered) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn take_one(count: &mut usize) -> bool {
    let some = *count > 0;
    *count = count.saturating_sub(1);
    some
}
