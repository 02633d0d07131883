//! The ledger of issued leaves, kept in the journal's file so that one `fsync` discipline holds for both.

use newleaf_rotation::{Event, RotationId, TrustDomainId, Verb};
use newleaf_systems::ledger::{Attestation, Ledger, LedgerEntry, LedgerError};
use rusqlite::params;

use super::{Journal, JournalError, doing};

impl Ledger for Journal {
    fn record(&self, entry: &LedgerEntry) -> Result<(), LedgerError> {
        self.record_leaf(entry).map_err(cannot)
    }

    fn entries(&self, domain: &TrustDomainId) -> Result<Vec<LedgerEntry>, LedgerError> {
        self.leaves(domain).map_err(cannot)
    }

    /// The events are the only memory of what a person said; there is no second one that could disagree.
    fn attestations(&self, rotation: &RotationId) -> Result<Vec<Attestation>, LedgerError> {
        let record = match self.record(rotation) {
            // A leaf can be issued without a rotation, and nobody attests anything for one that does not exist.
            Err(JournalError::NoRotation { .. }) => return Ok(Vec::new()),
            record => record.map_err(cannot)?,
        };
        let attested = record.events.into_iter().filter_map(|line| {
            let Event::Decided(decision) = line.event else {
                return None;
            };
            let Verb::Attest { holder } = decision.verb else {
                return None;
            };
            Some(Attestation {
                holder,
                at: line.at,
                by: decision.by,
                reason: decision.reason,
            })
        });
        Ok(attested.collect())
    }
}

impl Journal {
    fn record_leaf(&self, entry: &LedgerEntry) -> Result<(), JournalError> {
        let body = self.body(entry)?;
        self.connection()
            .execute(
                "insert into ledger (fingerprint, domain, body) values (?1, ?2, ?3) on conflict do nothing",
                params![entry.fingerprint.to_string(), entry.domain.as_str(), body],
            )
            .map(drop)
            .map_err(doing("write the ledger", &self.path))
    }

    fn leaves(&self, domain: &TrustDomainId) -> Result<Vec<LedgerEntry>, JournalError> {
        let failed = doing("read the ledger", &self.path);
        let connection = self.connection();
        let mut query = connection
            .prepare_cached("select body from ledger where domain = ?1 order by fingerprint")
            .map_err(&failed)?;
        let rows = query
            .query_map([domain.as_str()], |row| row.get(0))
            .map_err(&failed)?;
        rows.map(|row| {
            let body: String = row.map_err(&failed)?;
            self.understand(&body)
        })
        .collect()
    }
}

fn cannot(error: JournalError) -> LedgerError {
    LedgerError(Box::new(error))
}
