//! Evidence: reports of who presents what, gathered for the census.
//!
//! A source that cannot be asked is not an error of the look: it is the reason why a holder is unknown.

pub(crate) mod attested;
pub(crate) mod pollers;
pub(crate) mod proxy;
pub(crate) mod traffic;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use newleaf_identity::Identity;
use newleaf_rotation::{
    HolderId, TrustPointId,
    census::{Report, Window},
    sight::Source,
};

use crate::{
    domain::{Domain, EvidenceSource, Holder},
    ledger::{Attestation, LedgerEntry},
    trouble::chain,
};
use pollers::Poller;

/// What the sources are asked with.
pub(crate) struct Ask<'a> {
    /// The trust domain.
    pub(crate) domain: &'a Domain,
    /// Identities that Temporal may accept, the likeliest first.
    pub(crate) identities: &'a [Identity],
    /// The ledger's entries of the domain.
    pub(crate) entries: &'a [LedgerEntry],
    /// What people attested for the rotation.
    pub(crate) attestations: &'a [Attestation],
}

/// What the sources told.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// Every report.
    pub(crate) reports: Vec<Report>,
    /// For holders of whom a source told nothing: why.
    pub(crate) why_unknown: BTreeMap<HolderId, String>,
}

impl Evidence {
    fn unknown(&mut self, holder: &HolderId, why: &str) {
        let said = self.why_unknown.entry(holder.clone()).or_default();
        if !said.is_empty() {
            said.push_str("; ");
        }
        said.push_str(why);
    }
}

/// A task queue of a trust point: all holders that poll it are asked about at once.
type Queue<'a> = (&'a TrustPointId, &'a str);

/// Asks every source of every holder.
pub(crate) async fn gather(ask: &Ask<'_>, window: Window) -> Evidence {
    let mut evidence = Evidence::default();
    let mut queues: BTreeMap<Queue<'_>, Vec<(&Holder, &str)>> = BTreeMap::new();
    for holder in &ask.domain.holders {
        if holder.evidence.is_empty() {
            evidence.unknown(&holder.id, "no source of evidence is configured");
        }
        for source in &holder.evidence {
            match source {
                EvidenceSource::Proxy { admin } => {
                    from_proxy(&mut evidence, holder, admin, window.now).await;
                }
                EvidenceSource::Pollers {
                    point,
                    task_queue,
                    identity_prefix,
                } => {
                    queues
                        .entry((point, task_queue))
                        .or_default()
                        .push((holder, identity_prefix));
                }
                EvidenceSource::Attested => from_person(&mut evidence, ask, holder),
            }
        }
    }
    for ((point, task_queue), holders) in queues {
        match pollers::look(ask, point, task_queue).await {
            Ok(found) => from_pollers(&mut evidence, &found, &holders),
            Err(error) => {
                for (holder, _) in holders {
                    evidence.unknown(&holder.id, &chain(&error));
                }
            }
        }
    }
    evidence
}

async fn from_proxy(evidence: &mut Evidence, holder: &Holder, admin: &str, now: Timestamp) {
    match proxy::leaves(admin).await {
        Ok(leaves) if leaves.is_empty() => {
            evidence.unknown(&holder.id, "its proxy has no connection to Temporal");
        }
        Ok(leaves) => evidence
            .reports
            .extend(leaves.into_iter().map(|leaf| Report {
                holder: Some(holder.id.clone()),
                seen_at: now,
                leaf: Some(leaf),
                source: Source::Proxy,
            })),
        Err(error) => evidence.unknown(&holder.id, &chain(&error)),
    }
}

/// A poller is the holder's whose prefix fits best; one that fits nobody's is nobody's, and counts as such.
fn from_pollers(evidence: &mut Evidence, found: &BTreeSet<Poller>, holders: &[(&Holder, &str)]) {
    let whose = |poller: &Poller| {
        let fitting = holders
            .iter()
            .filter(|(_, prefix)| poller.identity.starts_with(*prefix));
        fitting
            .max_by_key(|(_, prefix)| prefix.len())
            .map(|(holder, _)| holder.id.clone())
    };
    let reports: Vec<Report> = found
        .iter()
        .map(|poller| Report {
            holder: whose(poller),
            seen_at: poller.seen_at,
            leaf: poller.leaf,
            source: Source::Pollers,
        })
        .collect();
    for (holder, prefix) in holders {
        if !reports
            .iter()
            .any(|report| report.holder.as_ref() == Some(&holder.id))
        {
            evidence.unknown(
                &holder.id,
                &format!("no poller's identity begins with `{prefix}`"),
            );
        }
    }
    evidence.reports.extend(reports);
}

fn from_person(evidence: &mut Evidence, ask: &Ask<'_>, holder: &Holder) {
    let reports = attested::reports(&holder.id, ask.attestations, ask.entries);
    if reports.is_empty() {
        evidence.unknown(&holder.id, "nobody has attested what it presents");
    }
    evidence.reports.extend(reports);
}
