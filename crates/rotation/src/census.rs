//! The census: who presents what, made of reports that have an age.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use newleaf_x509::Fingerprint;

use crate::{
    id::{Generation, HolderId},
    sight::{Census, Presence, Sighting, Source},
};

/// One report of a leaf in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Who presented it; none, if it is nobody's that is registered.
    pub holder: Option<HolderId>,
    /// When it was last seen in use.
    pub seen_at: Timestamp,
    /// The leaf's fingerprint, if the source tells it.
    pub leaf: Option<Fingerprint>,
    /// Where the report comes from.
    pub source: Source,
}

/// What our own issuance journal knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issued {
    /// Each leaf we ever issued.
    pub leaves: BTreeMap<Fingerprint, IssuedLeaf>,
    /// Generations whose CA was made by newleaf and whose key never left its store: for these, and only
    /// these, our journal knows every leaf there is.
    pub complete: BTreeSet<Generation>,
}

/// What matters of a leaf that we issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedLeaf {
    /// For whom.
    pub holder: HolderId,
    /// When, which is before it was put where the holder reads it.
    pub issued_at: Timestamp,
    /// Which CA signed it.
    pub generation: Generation,
    /// Whether it was issued for the rotation that asks.
    pub of_rotation: bool,
    /// The last instant of validity.
    pub not_after: Timestamp,
}

/// How reports are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The instant of judgement.
    pub now: Timestamp,
    /// A report that is older than this says nothing.
    pub age: SignedDuration,
    /// How far clocks may disagree.
    pub skew: SignedDuration,
}

impl Window {
    /// Returns whether what was seen then still counts. A sight from the future is as useless as one from long ago.
    pub fn holds(&self, seen_at: Timestamp) -> bool {
        let age = self.now.duration_since(seen_at);
        age <= self.age && age >= -self.skew
    }
}

/// Takes the census. `why_unknown` says, for a holder without a report, why there is none.
///
/// A report from before the holder's newest leaf was issued says nothing: since then it may have changed,
/// and on the way back an old report would even say what is wished for.
pub fn take(
    holders: &[HolderId],
    reports: &[Report],
    issued: &Issued,
    why_unknown: &BTreeMap<HolderId, String>,
    window: Window,
) -> Census {
    let fresh: Vec<&Report> = reports
        .iter()
        .filter(|report| window.holds(report.seen_at))
        .collect();
    let mut census = Census {
        expired: expired(issued, window),
        ..Census::default()
    };
    for holder in holders {
        let newest = issued.newest(holder);
        let theirs: Vec<&&Report> = fresh
            .iter()
            .filter(|report| report.holder.as_ref() == Some(holder))
            .filter(|report| newest.is_none_or(|at| report.seen_at >= at))
            .collect();
        let presence = if theirs.is_empty() {
            let why = why_unknown.get(holder).cloned();
            Presence::Unknown(why.unwrap_or_else(|| unseen(newest, window)))
        } else {
            Presence::Seen(distinct(theirs.into_iter().map(|r| sighting(r, issued))))
        };
        census.holders.insert(holder.clone(), presence);
    }
    let nobodys = fresh
        .iter()
        .filter(|r| r.holder.as_ref().is_none_or(|h| !holders.contains(h)));
    census.unregistered = distinct(nobodys.map(|r| sighting(r, issued)));
    census
}

impl Issued {
    /// Returns when the newest leaf of this holder was issued.
    fn newest(&self, holder: &HolderId) -> Option<Timestamp> {
        self.leaves
            .values()
            .filter(|leaf| leaf.holder == *holder)
            .map(|leaf| leaf.issued_at)
            .max()
    }
}

fn unseen(newest: Option<Timestamp>, window: Window) -> String {
    let since = newest.map(|at| format!(" and since its newest leaf was issued at {at}"));
    format!(
        "no source has seen it within {:#}{}",
        window.age,
        since.unwrap_or_default()
    )
}

fn sighting(report: &Report, issued: &Issued) -> Sighting {
    let known = report.leaf.and_then(|leaf| issued.leaves.get(&leaf));
    Sighting {
        generation: known.map(|leaf| leaf.generation),
        leaf: report.leaf,
        of_rotation: known.is_some_and(|leaf| leaf.of_rotation),
        source: report.source,
    }
}

fn distinct(sightings: impl Iterator<Item = Sighting>) -> Vec<Sighting> {
    let mut list: Vec<Sighting> = Vec::new();
    for sighting in sightings {
        if !list.contains(&sighting) {
            list.push(sighting);
        }
    }
    list
}

/// The generations of which no leaf can be valid any more, whoever holds it.
fn expired(issued: &Issued, window: Window) -> BTreeSet<Generation> {
    let alive = |generation: &Generation| {
        issued.leaves.values().any(|leaf| {
            leaf.generation == *generation
                && leaf
                    .not_after
                    .saturating_add(window.skew)
                    .unwrap_or(Timestamp::MAX)
                    >= window.now
        })
    };
    issued
        .complete
        .iter()
        .filter(|generation| !alive(generation))
        .copied()
        .collect()
}

#[cfg(test)]
mod tests;
