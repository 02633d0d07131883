//! What callers saw, counted.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{Failure, UNARY_CALL, client::Done};

/// What somebody far away notices: 2.5 times the round trip of the scene `wan`.
const SLOW: Duration = Duration::from_millis(100);

/// How many failures are listed with their instant; all are counted.
const LISTED: usize = 10_000;

/// What one load came to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Unary calls that were answered as they should.
    pub calls: u64,
    /// Long polls that were answered as they should.
    pub polls: u64,
    /// Unary calls that failed, by how.
    pub failed: BTreeMap<String, u64>,
    /// Long polls that failed, by how.
    pub polls_failed: BTreeMap<String, u64>,
    /// For how long calls were begun.
    pub seconds: f64,
    /// The middle and the high latencies of unary calls.
    pub p50_us: u32,
    /// 99 of 100 calls were faster.
    pub p99_us: u32,
    /// The slowest call.
    pub max_us: u32,
    /// Unary calls that were answered, and later than after 100 ms.
    #[serde(default)]
    pub slow: u64,
    /// The longest time in which no unary call was answered well.
    pub longest_gap_ms: f64,
    /// When calls failed, in milliseconds from the beginning.
    pub failures_at_ms: Vec<u64>,
}

impl Report {
    /// All that failed.
    pub fn failures(&self) -> u64 {
        self.failed.values().chain(self.polls_failed.values()).sum()
    }
}

/// Counts while calls end.
#[derive(Debug, Default)]
pub struct Tally {
    report: Report,
    latencies: Vec<u32>,
    began: Option<Instant>,
    last_success: Option<Instant>,
    gap: Duration,
}

impl Tally {
    pub(super) fn begin(&mut self, at: Instant) {
        self.began = Some(at);
        self.last_success = Some(at);
    }

    pub(super) fn count(&mut self, done: &Done, now: Instant) {
        let unary = done.which == UNARY_CALL;
        match done.verdict {
            Ok(()) if unary => {
                self.report.calls += 1;
                let waited = now.saturating_duration_since(done.since);
                self.report.slow += u64::from(waited > SLOW);
                self.latencies
                    .push(u32::try_from(waited.as_micros()).unwrap_or(u32::MAX));
                if let Some(last) = self.last_success.replace(now) {
                    self.gap = self.gap.max(now.saturating_duration_since(last));
                }
            }
            Ok(()) => self.report.polls += 1,
            Err(failure) => self.failed(failure, unary, now),
        }
    }

    fn failed(&mut self, failure: Failure, unary: bool, now: Instant) {
        let count = if unary {
            &mut self.report.failed
        } else {
            &mut self.report.polls_failed
        };
        *count.entry(failure.to_string()).or_default() += 1;
        if let Some(began) = self.began
            && self.report.failures_at_ms.len() < LISTED
        {
            let at = now.saturating_duration_since(began).as_millis();
            let at = u64::try_from(at).unwrap_or(u64::MAX);
            self.report.failures_at_ms.push(at);
        }
    }

    /// What was counted so far.
    #[cfg(test)]
    pub(super) fn so_far(&self) -> &Report {
        &self.report
    }

    /// How many unary calls were counted so far, answered and failed.
    pub(super) fn counted(&self) -> u64 {
        self.report.calls + self.report.failed.values().sum::<u64>()
    }

    /// Calls that came and for which not even a connection was found are failures too.
    pub(super) fn count_all(&mut self, came: u64) {
        let missing = came.saturating_sub(self.counted());
        if missing > 0 {
            let unanswered = Failure::Unanswered.to_string();
            *self.report.failed.entry(unanswered).or_default() += missing;
        }
    }

    pub(super) fn report(&mut self, loaded: Duration) -> Report {
        self.latencies.sort_unstable();
        let place = |percent: usize| self.latencies.len().saturating_sub(1) * percent / 100;
        let latency = |percent| self.latencies.get(place(percent)).copied().unwrap_or(0);
        Report {
            seconds: loaded.as_secs_f64(),
            p50_us: latency(50),
            p99_us: latency(99),
            max_us: latency(100),
            longest_gap_ms: self.gap.as_secs_f64() * 1000.0,
            ..std::mem::take(&mut self.report)
        }
    }
}
