//! What the callers count: every call, every failure, and the longest gap between two successes.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::demo::grpc::CallError;

/// How many failures are remembered in words; all are counted.
const MAX_REMEMBERED_FAILURES: usize = 16;

/// One caller's counts. Cheap to clone; the clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(Arc<Mutex<Counts>>);

/// What a caller counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Calls that ended, in whatever way.
    pub(crate) calls: u64,
    /// Calls that did not end with the status `OK`.
    pub(crate) failed: u64,
    /// The longest time between two successes in a row of unary calls. Long polls are left out: they end
    /// seldom by design, and counting their ends could only make a gap look shorter.
    pub(crate) longest_gap: Duration,
    /// The latest success.
    pub(crate) last_success: Option<Instant>,
    /// The first failures, in words.
    pub(crate) failures: Vec<String>,
}

/// The two kinds of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Answered at once.
    Unary,
    /// Held until there is work, or until the deadline is near.
    LongPoll,
}

impl Tally {
    /// Counts a call that ended at `at`.
    pub(crate) fn record(&self, kind: Kind, outcome: &Result<(), CallError>, at: Instant) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.calls += 1;
        match (outcome, kind) {
            (Ok(()), Kind::Unary) => {
                if let Some(last) = counts.last_success {
                    counts.longest_gap = counts.longest_gap.max(at.saturating_duration_since(last));
                }
                counts.last_success = Some(at);
            }
            (Ok(()), Kind::LongPoll) => {}
            (Err(error), _) => {
                counts.failed += 1;
                if counts.failures.len() < MAX_REMEMBERED_FAILURES {
                    counts.failures.push(crate::demo::causes(error));
                }
            }
        }
    }

    /// Returns the counts of the moment. A gap that is still open counts with its length so far.
    pub(crate) fn counts(&self, now: Instant) -> Counts {
        let mut counts = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(last) = counts.last_success {
            counts.longest_gap = counts.longest_gap.max(now.saturating_duration_since(last));
        }
        counts
    }
}

#[cfg(test)]
mod tests;
