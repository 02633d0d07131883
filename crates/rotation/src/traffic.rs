//! Traffic: whether pollers and calls are as they were before the rotation touched anything.
//!
//! A rotation compares a holder with itself. Its *baseline* is observed before the first leaf is delivered: the fewer
//! pollers of two looks, and the calls between them. A later look is no worse if every poller is still there and calls fail
//! no more often. What a source did not tell is unknown, and unknown is not a pass.

use std::collections::BTreeMap;

use crate::{
    id::HolderId,
    sight::{Calls, Reading, Traffic},
    standing::Standing,
};

/// How many times as often calls may fail as in the baseline. Twice a small number is still the small numbers' noise; a
/// baseline without a failure allows none, because a rotation promises that none comes from it.
const TOLERANCE: u64 = 2;

/// Judges whether every source of every holder told something: only then there is a baseline.
pub fn known(holders: &[HolderId], seen: &Traffic) -> Standing {
    let mut tally = Tally::default();
    for holder in holders {
        let sources = seen.of(holder);
        if sources.is_empty() {
            tally.unknown.push(format!("`{holder}`: no source tells"));
        }
        for (source, reading) in sources {
            match reading {
                Reading::Pollers(n) => tally.pollers(*n, *n),
                Reading::Calls(_) => tally.proxies += 1,
                Reading::Unknown(why) => tally.unknown(holder, source, why),
            }
        }
    }
    tally.standing(Tally::baseline)
}

/// Judges a look against the baseline; calls are those since `mark`.
pub fn judge(holders: &[HolderId], baseline: &Traffic, mark: &Traffic, seen: &Traffic) -> Standing {
    let mut tally = Tally::default();
    for holder in holders {
        if !baseline.holders.contains_key(holder) {
            tally
                .unknown
                .push(format!("`{holder}`: there is no baseline"));
        }
        for (source, was) in baseline.of(holder) {
            let reading = seen.of(holder).get(source);
            match (was, reading) {
                (_, Some(Reading::Unknown(why))) => tally.unknown(holder, source, why),
                (Reading::Pollers(was), Some(Reading::Pollers(n))) => {
                    tally.pollers(*n, *was);
                    if n < was {
                        let text = format!("`{holder}`: {n} of {was} pollers of {source}");
                        tally.worse.push(text);
                    }
                }
                (Reading::Calls(was), Some(Reading::Calls(n))) => {
                    match mark.calls(holder, source) {
                        Some(before) => tally.calls(holder, source, (was, &since(before, *n))),
                        None => tally.unknown(holder, source, "its calls are counted from now on"),
                    }
                }
                (_, _) => tally.unknown(holder, source, "it tells nothing any more"),
            }
        }
    }
    tally.standing(Tally::steady)
}

/// Makes the baseline of two looks: the fewer pollers, and the calls between them.
pub fn baseline(first: Option<&Traffic>, second: &Traffic) -> Traffic {
    let fewer = |holder: &HolderId, source: &String, reading: &Reading| {
        let before = first.and_then(|first| first.of(holder).get(source));
        match (before, reading) {
            (Some(Reading::Pollers(a)), Reading::Pollers(b)) => Reading::Pollers(*a.min(b)),
            (Some(Reading::Calls(a)), Reading::Calls(b)) => Reading::Calls(since(*a, *b)),
            (_, Reading::Calls(calls)) => Reading::Calls(since(*calls, *calls)),
            (_, other) => other.clone(),
        }
    };
    second.map(fewer)
}

/// Makes what was last seen the new baseline, as a person asked: pollers as they are, calls since `mark`. A source that told
/// nothing is not asked any more.
pub fn rebase(old: &Traffic, mark: &Traffic, seen: &Traffic) -> Traffic {
    let mut new = old.clone();
    for (holder, sources) in &seen.holders {
        let told = sources
            .iter()
            .filter_map(|(source, reading)| match reading {
                Reading::Pollers(n) => Some((source.clone(), Reading::Pollers(*n))),
                Reading::Calls(n) => {
                    let before = mark.calls(holder, source).unwrap_or(*n);
                    Some((source.clone(), Reading::Calls(since(before, *n))))
                }
                Reading::Unknown(_) => None,
            });
        new.holders.insert(holder.clone(), told.collect());
    }
    new
}

/// Subtracts counts. One that shrank began anew: all that it says now was counted since.
fn since(before: Calls, now: Calls) -> Calls {
    let shrank = now.failed < before.failed || now.answered < before.answered;
    if shrank && now.answered.is_some() == before.answered.is_some() {
        return now;
    }
    Calls {
        answered: now
            .answered
            .zip(before.answered)
            .map(|(now, before)| now.saturating_sub(before)),
        failed: now.failed.saturating_sub(before.failed),
    }
}

impl Calls {
    /// Returns how many calls there were, where that is counted.
    fn total(&self) -> Option<u64> {
        self.answered
            .map(|answered| answered.saturating_add(self.failed))
    }

    /// Returns whether calls fail more often than they did, by more than the tolerance.
    fn is_worse_than(&self, was: &Self) -> bool {
        match (was.total(), self.total()) {
            // In whole numbers: failed / total > TOLERANCE * was.failed / was.total.
            (Some(n_was @ 1..), Some(n)) => {
                u128::from(self.failed) * u128::from(n_was)
                    > u128::from(TOLERANCE) * u128::from(was.failed) * u128::from(n)
            }
            // Without totals, or after a quiet time, there is no rate: the numbers themselves are compared.
            (Some(0) | None, _) | (_, None) => self.failed > TOLERANCE.saturating_mul(was.failed),
        }
    }
}

impl Traffic {
    /// Returns what is told of a holder; nothing, if nothing is.
    fn of(&self, holder: &HolderId) -> &BTreeMap<String, Reading> {
        const NOTHING: &BTreeMap<String, Reading> = &BTreeMap::new();
        self.holders.get(holder).unwrap_or(NOTHING)
    }

    fn calls(&self, holder: &HolderId, source: &str) -> Option<Calls> {
        match self.of(holder).get(source)? {
            Reading::Calls(calls) => Some(*calls),
            Reading::Pollers(_) | Reading::Unknown(_) => None,
        }
    }

    fn map(&self, change: impl Fn(&HolderId, &String, &Reading) -> Reading) -> Self {
        let sources = |holder: &HolderId, sources: &BTreeMap<String, Reading>| {
            let changed = sources.iter();
            changed
                .map(|(source, reading)| (source.clone(), change(holder, source, reading)))
                .collect()
        };
        let holders = self.holders.iter();
        Self {
            holders: holders
                .map(|(holder, all)| (holder.clone(), sources(holder, all)))
                .collect(),
        }
    }

    /// Takes what another look told of the holders that it was about; of the others nothing changes.
    pub(crate) fn renew(&mut self, seen: &Self) {
        self.holders
            .extend(seen.holders.iter().map(|(h, s)| (h.clone(), s.clone())));
    }

    /// Takes counts where there are none yet: calls are counted from here on.
    pub(crate) fn fill(&mut self, seen: &Self) {
        for (holder, sources) in &seen.holders {
            let ours = self.holders.entry(holder.clone()).or_default();
            for (source, reading) in sources {
                if !matches!(
                    ours.get(source),
                    Some(Reading::Calls(_) | Reading::Pollers(_))
                ) {
                    ours.insert(source.clone(), reading.clone());
                }
            }
        }
    }
}

/// What was found, source by source.
#[derive(Debug, Default)]
struct Tally {
    worse: Vec<String>,
    unknown: Vec<String>,
    pollers: Option<(u64, u64)>,
    proxies: usize,
    failed: u64,
    total: u64,
}

impl Tally {
    fn unknown(&mut self, holder: &HolderId, source: &str, why: &str) {
        self.unknown.push(format!("`{holder}`: {source}: {why}"));
    }

    fn pollers(&mut self, n: u64, was: u64) {
        let (sum, sum_was) = self.pollers.unwrap_or_default();
        self.pollers = Some((sum.saturating_add(n), sum_was.saturating_add(was)));
    }

    fn calls(&mut self, holder: &HolderId, source: &str, (was, now): (&Calls, &Calls)) {
        self.proxies += 1;
        self.failed = self.failed.saturating_add(now.failed);
        self.total = self.total.saturating_add(now.total().unwrap_or_default());
        if now.is_worse_than(was) {
            let text = format!(
                "`{holder}`: {} calls failed by {source}, {} in the baseline",
                share(now),
                share(was)
            );
            self.worse.push(text);
        } else if now.total() == Some(0) && was.total() != Some(0) {
            self.unknown(holder, source, "no call was made since the gate before");
        }
    }

    fn standing(self, evidence: impl Fn(&Self) -> String) -> Standing {
        if !self.worse.is_empty() {
            return Standing::Worse(self.worse.join("; "));
        }
        if !self.unknown.is_empty() {
            return Standing::Open(self.unknown.join("; "));
        }
        Standing::Reached(evidence(&self))
    }

    fn baseline(&self) -> String {
        let pollers = self.pollers.map(|(n, _)| format!("{n} pollers"));
        let proxies = (self.proxies > 0).then(|| format!("the calls of {} proxies", self.proxies));
        let told: Vec<String> = pollers.into_iter().chain(proxies).collect();
        format!("counted {}", told.join(" and "))
    }

    fn steady(&self) -> String {
        let pollers = self
            .pollers
            .map(|(n, was)| format!("{n} pollers, {was} before"));
        let calls = (self.proxies > 0).then(|| {
            let (failed, total) = (self.failed, self.total);
            match total {
                0 => format!("{failed} calls failed"),
                _ => format!("{failed} of {total} calls failed"),
            }
        });
        let told: Vec<String> = pollers.into_iter().chain(calls).collect();
        if told.is_empty() {
            return "overridden by a person: nothing is asked any more".to_owned();
        }
        told.join("; ")
    }
}

/// Prints counts, for example "2 of 1204".
fn share(calls: &Calls) -> String {
    match calls.total() {
        Some(total) => format!("{} of {total}", calls.failed),
        None => calls.failed.to_string(),
    }
}

#[cfg(test)]
mod tests;
