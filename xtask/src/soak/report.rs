//! What came out of a play, for people and for machines.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::SoakError;
use super::identity::Holder;
use super::sdk::Sdk;
use super::stage::Swap;

/// What Temporal's histories show, by task queue.
pub(super) type Histories = BTreeMap<String, BTreeMap<String, u64>>;

/// How a worker reaches Temporal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Side {
    /// In plaintext, through the proxy, whose identity is swapped.
    Proxied,
    /// Over mTLS of its own, with an identity that stays.
    Direct,
    /// Over a channel of `newleaf-identity` in the same program, whose identity is swapped.
    Embedded,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Proxied => "proxied",
            Self::Direct => "direct",
            Self::Embedded => "embedded",
        })
    }
}

/// What a worker tells in the end, as every program in `xtask/soak` prints it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) started: u64,
    pub(super) completed: u64,
    /// Each workflow whose end was not as expected, and why.
    pub(super) failed: Vec<String>,
    /// Seconds from start to result of the slowest workflow; 4 are its own.
    pub(super) slowest: f64,
    /// The SDK's own counts of calls that failed and of workflows that left its cache.
    pub(super) metrics: BTreeMap<String, u64>,
}

/// One worker.
#[derive(Debug, Serialize)]
pub(super) struct WorkerReport {
    pub(super) sdk: Sdk,
    pub(super) side: Side,
    /// Nothing, if it ended early or badly.
    pub(super) told: Option<Told>,
    pub(super) warnings: usize,
    pub(super) first_warnings: Vec<String>,
}

/// All identities of the proxy.
#[derive(Debug, Default, Serialize)]
pub(super) struct Swaps {
    count: usize,
    adopted_median_ms: u64,
    adopted_slowest_ms: u64,
    #[serde(flatten)]
    seen: Seen,
}

impl Swaps {
    pub(super) fn of(swaps: &[Swap], seen: &BTreeMap<String, Calls>) -> Self {
        let adopted = swaps.iter().map(|swap| swap.adopted_ms);
        let (adopted_median_ms, adopted_slowest_ms) = median_and_largest(adopted);
        Self {
            count: swaps.len(),
            adopted_median_ms,
            adopted_slowest_ms,
            seen: Seen::of(Holder::Proxy, swaps, seen),
        }
    }
}

/// What the front saw under one leaf.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Calls {
    number: u64,
    /// When the last of them began, in milliseconds since 1970.
    last_ms: u64,
}

impl Calls {
    pub(super) fn add(&mut self, begun_ms: u64) {
        self.number += 1;
        self.last_ms = self.last_ms.max(begun_ms);
    }
}

/// What the front saw of a holder's identities.
#[derive(Debug, Default, Serialize)]
pub(super) struct Seen {
    /// Those under which it saw no call at all.
    unseen: Vec<u32>,
    /// The fewest calls under one.
    fewest_calls: u64,
    /// From the time at which an identity was in place to the last call that began under the one before.
    last_old_median_ms: u64,
    last_old_slowest_ms: u64,
}

impl Seen {
    pub(super) fn of(holder: Holder, swaps: &[Swap], seen: &BTreeMap<String, Calls>) -> Self {
        let under = |generation| seen.get(&holder.common_name(generation)).copied();
        let calls = |swap: &Swap| under(swap.generation);
        let last_old = swaps.iter().filter_map(|swap| {
            let before = under(swap.generation.checked_sub(1)?)?;
            Some(before.last_ms.saturating_sub(swap.put_ms))
        });
        let (last_old_median_ms, last_old_slowest_ms) = median_and_largest(last_old);
        let numbers = swaps.iter().filter_map(calls).map(|calls| calls.number);
        let unseen = swaps.iter().filter(|swap| calls(swap).is_none());
        Self {
            unseen: unseen.map(|swap| swap.generation).collect(),
            fewest_calls: numbers.min().unwrap_or_default(),
            last_old_median_ms,
            last_old_slowest_ms,
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            unseen,
            fewest_calls,
            last_old_median_ms,
            last_old_slowest_ms,
        } = self;
        write!(
            f,
            "{fewest_calls} calls or more under each; not seen: {unseen:?}; the last call under the one before began \
             after {last_old_median_ms} ms (median), {last_old_slowest_ms} ms (slowest)"
        )
    }
}

fn median_and_largest(figures: impl Iterator<Item = u64>) -> (u64, u64) {
    let mut sorted: Vec<_> = figures.collect();
    sorted.sort_unstable();
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    (median, sorted.last().copied().unwrap_or_default())
}

/// Everything.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) minutes: u32,
    pub(super) swap_every_s: u64,
    /// SDKs that could not be had, and why.
    pub(super) missing: BTreeMap<Sdk, String>,
    pub(super) workers: Vec<WorkerReport>,
    pub(super) swaps: Swaps,
    /// What the front saw of the channel within the worker in Rust, if that was played.
    pub(super) embedded: Option<Seen>,
    /// The proxy's last word about itself.
    pub(super) proxy: Value,
    pub(super) proxy_warnings: Vec<String>,
    pub(super) histories: Histories,
}

impl Report {
    /// Whether every workflow completed, every identity was used, and the proxy gave no call an answer of its own.
    pub(super) fn passed(&self) -> bool {
        let worked = |worker: &WorkerReport| {
            let told = worker.told.as_ref();
            told.is_some_and(|told| told.failed.is_empty() && told.completed == told.started)
        };
        let failed = self.proxy.get("failed").and_then(Value::as_u64);
        let embedded = self.embedded.as_ref();
        self.workers.iter().all(worked)
            && self.swaps.seen.unseen.is_empty()
            && embedded.is_none_or(|seen| seen.unseen.is_empty())
            && failed.unwrap_or_default() == 0
    }

    pub(super) fn print(&self, json: bool) -> Result<(), SoakError> {
        if json {
            let text = serde_json::to_string(self).map_err(|source| SoakError::Understand {
                who: "the report".into(),
                source,
            })?;
            println!("{text}");
        } else {
            print!("{self}");
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "worker              started completed failed slowest warnings"
        )?;
        for worker in &self.workers {
            let name = format!("{} {}", worker.sdk, worker.side);
            match &worker.told {
                Some(told) => {
                    let (started, completed) = (told.started, told.completed);
                    let (failed, slowest) = (told.failed.len(), told.slowest);
                    let warnings = worker.warnings;
                    writeln!(
                        f,
                        "{name:<19} {started:>7} {completed:>9} {failed:>6} {slowest:>5.2} s {warnings:>8}"
                    )?;
                    lines(f, told.failed.iter().take(3))?;
                    lines(
                        f,
                        told.metrics.iter().map(|(name, n)| format!("{name}: {n}")),
                    )?;
                }
                None => writeln!(f, "{name:<19} ended early")?,
            }
            lines(f, &worker.first_warnings)?;
        }
        for (queue, found) in &self.histories {
            let found: Vec<_> = found
                .iter()
                .map(|(name, n)| format!("{name} {n}"))
                .collect();
            writeln!(f, "history of {queue}: {}", found.join(", "))?;
        }
        for (sdk, reason) in &self.missing {
            writeln!(f, "missing: {sdk}: {reason}")?;
        }
        let Swaps {
            count,
            adopted_median_ms,
            adopted_slowest_ms,
            seen,
        } = &self.swaps;
        writeln!(
            f,
            "{count} identities: adopted after {adopted_median_ms} ms (median), {adopted_slowest_ms} ms (slowest); {seen}"
        )?;
        lines(
            f,
            self.embedded.iter().map(|seen| format!("embedded: {seen}")),
        )?;
        let of_proxy = |name| self.proxy.get(name).cloned().unwrap_or_default();
        writeln!(
            f,
            "proxy: adopted {}, refused {}, replayed {}, failed {}, warnings {}",
            of_proxy("adopted"),
            of_proxy("refused"),
            of_proxy("replayed"),
            of_proxy("failed"),
            self.proxy_warnings.len(),
        )?;
        lines(f, self.proxy_warnings.iter().take(5))
    }
}

fn lines<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    texts: impl IntoIterator<Item = T>,
) -> fmt::Result {
    texts
        .into_iter()
        .try_for_each(|text| writeln!(f, "    {text}"))
}
