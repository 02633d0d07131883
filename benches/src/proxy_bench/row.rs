//! The figures: of one round, and of all rounds.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::Load;
use crate::{load::Report, targets::Target};

/// The columns of the table.
pub(super) const HEAD: &str =
    "load    target          cpu s/100k   calls/s   p50 us   p99 us  pss KiB     calls  failed";

/// One round of one load on one target.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) report: Report,
    /// CPU that the target used; none if there is none.
    pub(super) cpu: Option<Duration>,
    pub(super) pss_kib: Option<u64>,
}

/// What came out for one load and target.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The load.
    pub load: String,
    /// The target.
    pub target: String,
    /// Calls, over all rounds.
    pub calls: u64,
    /// Calls that failed, over all rounds.
    pub failed: u64,
    /// CPU seconds of the target's process tree for 100,000 calls.
    pub cpu_s_per_100k: Option<f64>,
    /// Calls a second.
    pub calls_per_s: Option<f64>,
    /// The median latency in microseconds; of `Start` the median time to the first answer.
    pub p50_us: Option<u32>,
    /// 99 of 100 calls were faster.
    pub p99_us: Option<u32>,
    /// Proportional set size in KiB.
    pub pss_kib: Option<u64>,
    /// How many rounds.
    pub rounds: usize,
    /// CPU seconds of each round.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cpu_rounds: Vec<f64>,
    /// How calls failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<String>,
    /// What else this load shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more: Option<serde_json::Value>,
}

impl Row {
    /// A row without figures yet.
    pub(super) fn empty(load: Load, target: Target) -> Self {
        Self {
            load: format!("{load:?}"),
            target: target.to_string(),
            calls: 0,
            failed: 0,
            cpu_s_per_100k: None,
            calls_per_s: None,
            p50_us: None,
            p99_us: None,
            pss_kib: None,
            rounds: 1,
            cpu_rounds: Vec::new(),
            failures: Vec::new(),
            more: None,
        }
    }

    /// The median of each figure; nothing without a round.
    pub(super) fn median(load: Load, target: Target, cells: &[Cell]) -> Option<Self> {
        cells.first()?;
        let cpu_rounds: Vec<_> = cells.iter().filter_map(Cell::cpu_s_per_100k).collect();
        let mut failures: Vec<_> = cells.iter().flat_map(Cell::failures).collect();
        failures.sort_unstable();
        failures.dedup();
        Some(Self {
            calls: cells.iter().map(|cell| cell.report.calls).sum(),
            failed: cells.iter().map(|cell| cell.report.failures()).sum(),
            cpu_s_per_100k: median(cpu_rounds.clone()),
            calls_per_s: median(cells.iter().map(Cell::calls_per_s).collect()),
            p50_us: median(cells.iter().map(|cell| cell.report.p50_us).collect()),
            p99_us: median(cells.iter().map(|cell| cell.report.p99_us).collect()),
            pss_kib: median(cells.iter().filter_map(|cell| cell.pss_kib).collect()),
            rounds: cells.len(),
            cpu_rounds,
            failures,
            ..Self::empty(load, target)
        })
    }
}

impl Cell {
    fn cpu_s_per_100k(&self) -> Option<f64> {
        let calls = count(self.report.calls);
        let cpu = self.cpu?.as_secs_f64();
        (calls > 0.0).then(|| rounded(cpu / calls * 100_000.0))
    }

    fn calls_per_s(&self) -> f64 {
        (count(self.report.calls) / self.report.seconds.max(0.001)).round()
    }

    fn failures(&self) -> impl Iterator<Item = String> {
        let failures = self
            .report
            .failed
            .keys()
            .chain(self.report.polls_failed.keys());
        failures.cloned()
    }
}

/// No load has more than four thousand million calls.
fn count(calls: u64) -> f64 {
    f64::from(u32::try_from(calls).unwrap_or(u32::MAX))
}

fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

/// The middle value; of an even number of values the lower of the two.
fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> Option<T> {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    values.get(values.len().saturating_sub(1) / 2).copied()
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
        };
        let whole = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |v| v.to_string());
        write!(
            f,
            "{:<7} {:<15} {:>10} {:>9} {:>8} {:>8} {:>8} {:>9} {:>7}",
            self.load,
            self.target,
            number(self.cpu_s_per_100k, 3),
            number(self.calls_per_s, 0),
            whole(self.p50_us.map(u64::from)),
            whole(self.p99_us.map(u64::from)),
            whole(self.pss_kib),
            self.calls,
            self.failed,
        )?;
        match &self.more {
            Some(more) => write!(f, "  {more}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_a_value_that_was_measured() {
        assert_eq!(median(vec![3, 1, 2]), Some(2));
        assert_eq!(median(vec![4, 1, 2, 3]), Some(2));
        assert_eq!(median::<u32>(Vec::new()), None);
    }
}
