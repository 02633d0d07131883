//! The census: what the sources of evidence tell, beside what the ledger knows.

use jiff::Timestamp;
use newleaf_identity::Identity;
use newleaf_rotation::{
    Generation, HolderId, RotationId, Trouble,
    census::{self, Issued, IssuedLeaf, Window},
    sight::{Census, Traffic},
};
use newleaf_x509::Certificate;

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
        let entries = self.entries()?;
        let attestations = self.ledger.attestations(rotation).map_err(trouble::of)?;
        let (identities, window) = (self.canaries(now)?, self.window(now));
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

    /// What the sources tell of the traffic of some holders.
    pub(super) async fn look_at_traffic(
        &self,
        rotation: &RotationId,
        holders: &[HolderId],
        now: Timestamp,
    ) -> Result<Traffic, Trouble> {
        let entries = self.entries()?;
        let attestations = self.ledger.attestations(rotation).map_err(trouble::of)?;
        let identities = self.canaries(now)?;
        let ask = evidence::Ask {
            domain: &self.domain,
            identities: &identities,
            entries: &entries,
            attestations: &attestations,
        };
        Ok(evidence::traffic::look(&ask, holders, self.window(now)).await)
    }

    /// The identities to ask with, the newest first: while a rotation goes on, it is the one that will still be accepted.
    fn canaries(&self, now: Timestamp) -> Result<Vec<Identity>, Trouble> {
        let generations = self.generations()?;
        let canary = |(generation, ca): &(Generation, Certificate)| {
            canary::load(&self.domain, *generation, ca, now)
        };
        Ok(generations.iter().rev().filter_map(canary).collect())
    }

    fn window(&self, now: Timestamp) -> Window {
        Window {
            now,
            age: self.domain.evidence_window,
            skew: self.domain.skew,
        }
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
