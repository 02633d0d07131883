//! What the demo proved, for people and for machines.

use std::{fmt, time::Duration};

use serde::Serialize;

use crate::demo::{
    end::End,
    script::{Findings, NEW},
    settings::Part,
    tally::Counts,
};

/// What must be known to judge.
#[derive(Debug)]
pub(crate) struct Evidence {
    /// What each client counted.
    pub(crate) counts: [(Part, Counts); 3],
    /// What the play showed.
    pub(crate) findings: Findings,
    /// How many crashes were wanted.
    pub(crate) crashes_wanted: u32,
    /// How many were survived.
    pub(crate) crashes_survived: u32,
    /// From which seed.
    pub(crate) seed: u64,
    /// Whether a real Temporal answered.
    pub(crate) is_real_temporal: bool,
    /// How long it took.
    pub(crate) took: Duration,
    /// Why the play broke off, if it did.
    pub(crate) error: Option<String>,
}

/// The summary. Its names are stable: fields may be added, none is renamed or changes its meaning.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    calls: u64,
    failed: u64,
    longest_gap_ms: u64,
    old_leaf_refused: bool,
    crashes_survived: u32,
    phases: Vec<&'static str>,
    early_distrust_refused: Option<String>,
    only_new_ca_at_the_end: bool,
    end: Option<End>,
    clients: Vec<ClientReport>,
    real_temporal: bool,
    seconds: u64,
    seed: u64,
    error: Option<String>,
    #[serde(skip)]
    crashes_wanted: u32,
}

/// What one client counted.
#[derive(Debug, Serialize)]
struct ClientReport {
    name: &'static str,
    calls: u64,
    failed: u64,
    longest_gap_ms: u64,
    failures: Vec<String>,
}

/// The last phase: a rollover that was seen through has reached it.
const LAST_PHASE: &str = "retired";

impl Report {
    /// Draws up the summary.
    pub(crate) fn of(evidence: Evidence) -> Self {
        let clients: Vec<ClientReport> = evidence.counts.into_iter().map(client).collect();
        let Findings {
            phases,
            early_distrust,
            old_leaf_refused,
            is_new_ca_only,
            end,
        } = evidence.findings;
        Self {
            calls: clients.iter().map(|client| client.calls).sum(),
            failed: clients.iter().map(|client| client.failed).sum(),
            longest_gap_ms: clients
                .iter()
                .map(|client| client.longest_gap_ms)
                .max()
                .unwrap_or_default(),
            old_leaf_refused,
            crashes_survived: evidence.crashes_survived,
            phases,
            early_distrust_refused: early_distrust,
            only_new_ca_at_the_end: is_new_ca_only,
            end,
            clients,
            real_temporal: evidence.is_real_temporal,
            seconds: evidence.took.as_secs(),
            seed: evidence.seed,
            error: evidence.error,
            crashes_wanted: evidence.crashes_wanted,
        }
    }

    /// Returns the promises that were not seen kept, in words.
    pub(crate) fn broken(&self) -> Vec<String> {
        let mut broken: Vec<String> = self.error.iter().cloned().collect();
        let mut expect = |holds: bool, otherwise: String| {
            if !holds {
                broken.push(otherwise);
            }
        };
        expect(self.calls > 0, "no call was made".to_owned());
        expect(self.failed == 0, format!("{} calls failed", self.failed));
        expect(
            self.phases.last() == Some(&LAST_PHASE),
            format!("the rollover did not reach `{LAST_PHASE}`"),
        );
        expect(
            self.early_distrust_refused.is_some(),
            "the early distrust was not refused".to_owned(),
        );
        expect(
            self.old_leaf_refused,
            "the old leaf is not seen refused".to_owned(),
        );
        expect(
            self.only_new_ca_at_the_end,
            "calls after the end are not seen under the new CA only".to_owned(),
        );
        expect(
            self.end == Some(End::wanted(NEW)),
            format!(
                "expected to end with {:?}, found {:?}",
                End::wanted(NEW),
                self.end
            ),
        );
        expect(
            self.crashes_survived >= self.crashes_wanted,
            format!(
                "{} of {} crashes survived",
                self.crashes_survived, self.crashes_wanted
            ),
        );
        broken
    }
}

fn client((part, counts): (Part, Counts)) -> ClientReport {
    ClientReport {
        name: part.name,
        calls: counts.calls,
        failed: counts.failed,
        longest_gap_ms: u64::try_from(counts.longest_gap.as_millis()).unwrap_or(u64::MAX),
        failures: counts.failures,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yes = |holds: bool| if holds { "yes" } else { "no" };
        let answered = if self.real_temporal {
            "a real Temporal behind the sandbox"
        } else {
            "the sandbox's own answers"
        };
        writeln!(f, "calls made           {} ({answered})", self.calls)?;
        writeln!(f, "failed               {}", self.failed)?;
        writeln!(f, "longest gap          {} ms", self.longest_gap_ms)?;
        writeln!(f, "old leaf refused     {}", yes(self.old_leaf_refused))?;
        let early = self.early_distrust_refused.is_some();
        writeln!(
            f,
            "early distrust       {}",
            if early { "refused" } else { "not refused" }
        )?;
        writeln!(
            f,
            "only g2 at the end   {}",
            yes(self.only_new_ca_at_the_end)
        )?;
        writeln!(f, "crashes survived     {}", self.crashes_survived)?;
        writeln!(f, "phases               {}", self.phases.join(" "))?;
        writeln!(
            f,
            "took                 {} s (seed {})",
            self.seconds, self.seed
        )?;
        for client in &self.clients {
            for failure in &client.failures {
                writeln!(f, "  {}: {failure}", client.name)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
