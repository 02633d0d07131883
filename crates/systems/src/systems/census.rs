//! The census: what the sources of evidence tell, beside what the ledger knows.

use jiff::Timestamp;
use newleaf_rotation::{
    RotationId, Trouble,
    census::{self, Issued, IssuedLeaf, Window},
    sight::Census,
};

use super::Systems;
use crate::{
    canary, evidence,
    ledger::{LedgerEntry, Role},
    trouble,
};

impl Systems {
    pub(super) fn entries(&self) -> Result<Vec<LedgerEntry>, Trouble> {
        self.ledger.entries(&self.domain.id).map_err(trouble::of)
    }

    pub(super) async fn take_census(
        &self,
        rotation: &RotationId,
        now: Timestamp,
    ) -> Result<Census, Trouble> {
        let (entries, generations) = (self.entries()?, self.generations()?);
        let attestations = self.ledger.attestations(rotation).map_err(trouble::of)?;
        // The newest first: while a rotation goes on, it is the one that will still be accepted.
        let identities: Vec<_> = generations
            .iter()
            .rev()
            .filter_map(|(generation, ca)| canary::load(&self.domain, *generation, ca, now))
            .collect();
        let window = Window {
            now,
            age: self.domain.evidence_window,
            skew: self.domain.skew,
        };
        let ask = evidence::Ask {
            domain: &self.domain,
            identities: &identities,
            entries: &entries,
            attestations: &attestations,
        };
        let evidence = evidence::gather(&ask, window).await;
        let issued = self.issued(rotation, &entries)?;
        let holders = &self.plan.holders;
        Ok(census::take(
            holders,
            &evidence.reports,
            &issued,
            &evidence.why_unknown,
            window,
        ))
    }

    /// What the ledger says, for the census. Our canaries present old leaves on purpose, and are not counted.
    fn issued(&self, rotation: &RotationId, entries: &[LedgerEntry]) -> Result<Issued, Trouble> {
        let mut issued = Issued::default();
        for entry in entries {
            let Role::Holder(holder) = &entry.role else {
                continue;
            };
            let leaf = IssuedLeaf {
                holder: holder.clone(),
                issued_at: entry.issued_at,
                generation: entry.generation,
                of_rotation: entry.rotation.as_ref() == Some(rotation),
                not_after: entry.not_after,
            };
            issued.leaves.insert(entry.fingerprint, leaf);
        }
        for (generation, _) in self.generations()? {
            let n_entries = entries
                .iter()
                .filter(|entry| entry.generation == generation)
                .count();
            if self
                .ca()
                .is_complete(generation, n_entries)
                .map_err(trouble::of)?
            {
                issued.complete.insert(generation);
            }
        }
        Ok(issued)
    }
}
