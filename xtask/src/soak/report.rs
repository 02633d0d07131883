//! What came out of a play, for people and for machines.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::SoakError;
use super::identity::common_name;
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
}

impl Side {
    pub(super) const ALL: [Self; 2] = [Self::Proxied, Self::Direct];
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Proxied => "proxied",
            Self::Direct => "direct",
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
    /// Identities under which the front saw no call at all.
    unseen: Vec<u32>,
    /// The fewest calls that it saw under one identity.
    fewest_calls: u64,
}

impl Swaps {
    pub(super) fn of(swaps: &[Swap], seen: &BTreeMap<String, u64>) -> Self {
        let mut times: Vec<_> = swaps.iter().map(|swap| swap.adopted_ms).collect();
        times.sort_unstable();
        let calls = |swap: &Swap| seen.get(&common_name(swap.generation)).copied();
        Self {
            count: swaps.len(),
            adopted_median_ms: times.get(times.len() / 2).copied().unwrap_or_default(),
            adopted_slowest_ms: times.last().copied().unwrap_or_default(),
            unseen: swaps
                .iter()
                .filter(|swap| calls(swap).is_none())
                .map(|swap| swap.generation)
                .collect(),
            fewest_calls: swaps.iter().filter_map(calls).min().unwrap_or_default(),
        }
    }
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
        self.workers.iter().all(worked)
            && self.swaps.unseen.is_empty()
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
            unseen,
            fewest_calls,
        } = &self.swaps;
        writeln!(
            f,
            "{count} identities: adopted after {adopted_median_ms} ms (median), {adopted_slowest_ms} ms (slowest); \
             {fewest_calls} calls or more under each; not seen: {unseen:?}"
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
