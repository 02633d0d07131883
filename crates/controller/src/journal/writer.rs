//! The one who writes: plans, events, decisions with their answers, ends.

use std::sync::MutexGuard;

use jiff::Timestamp;
use newleaf_rotation::{Outcome, Plan, RotationId, TrustDomainId};
use rusqlite::{Connection, params};

use super::{Answer, Asked, Journal, JournalError, Recorded, error::doing, inbox, lock::Lock};

/// The right to write the events of one trust domain's rotations. At most one exists at a time, on the whole machine.
#[derive(Debug)]
pub struct Writer<'j> {
    pub(super) journal: &'j Journal,
    pub(super) domain: TrustDomainId,
    /// Released when the writer is dropped, or when the process dies.
    pub(super) lock: Lock,
}

impl Writer<'_> {
    /// Returns the trust domain whose rotations may be written.
    pub fn domain(&self) -> &TrustDomainId {
        &self.domain
    }

    /// Returns the way to write.
    pub(super) fn connection(&self) -> Result<MutexGuard<'_, Connection>, JournalError> {
        self.is_here()?;
        Ok(self.journal.connection())
    }

    /// Makes sure that what is written is kept, and that nobody else holds the same right.
    pub(crate) fn is_here(&self) -> Result<(), JournalError> {
        self.journal.is_here()?;
        self.lock.is_here()
    }

    /// Writes the plan of a rotation that starts. Refused while another rotation of the trust domain has not ended.
    pub fn begin(&self, plan: &Plan, at: Timestamp) -> Result<(), JournalError> {
        if let Some(rotation) = self.journal.current(&plan.domain)? {
            return Err(JournalError::NotEnded {
                domain: plan.domain.clone(),
                rotation,
            });
        }
        let body = self.journal.body(plan)?;
        self.connection()?
            .execute(
                "insert into rotation (id, domain, plan, started_at) values (?1, ?2, ?3, ?4)",
                params![
                    plan.rotation.as_str(),
                    plan.domain.as_str(),
                    body,
                    at.to_string()
                ],
            )
            .map(drop)
            .map_err(doing("write the plan", &self.journal.path))
    }

    /// Appends an event; it is on the disk when this returns.
    pub(crate) fn append(
        &self,
        rotation: &RotationId,
        line: &Recorded,
    ) -> Result<(), JournalError> {
        let body = self.journal.body(&line.event)?;
        insert(&*self.connection()?, rotation, line, &body)
            .map_err(doing("write an event", &self.journal.path))
    }

    /// Appends a decision and answers it, both or neither. Returns false, and appends nothing, if it was
    /// withdrawn meanwhile.
    pub(crate) fn append_asked(
        &self,
        rotation: &RotationId,
        line: &Recorded,
        asked: &Asked,
    ) -> Result<bool, JournalError> {
        let failed = doing("write a decision", &self.journal.path);
        let body = self.journal.body(&line.event)?;
        let answer = self.journal.body(&Answer::Recorded { rev: line.rev })?;
        let mut connection = self.connection()?;
        let transaction = connection.transaction().map_err(&failed)?;
        if !inbox::answer(&transaction, asked.seq, &answer).map_err(&failed)? {
            return Ok(false);
        }
        insert(&transaction, rotation, line, &body).map_err(&failed)?;
        transaction.commit().map_err(&failed)?;
        Ok(true)
    }

    /// Writes that a rotation is over.
    pub(crate) fn end(
        &self,
        rotation: &RotationId,
        at: Timestamp,
        outcome: &Outcome,
    ) -> Result<(), JournalError> {
        let outcome = self.journal.body(outcome)?;
        self.connection()?
            .execute(
                "update rotation set ended_at = ?2, outcome = ?3 where id = ?1 and ended_at is null",
                params![rotation.as_str(), at.to_string(), outcome],
            )
            .map(drop)
            .map_err(doing("write the end", &self.journal.path))
    }
}

fn insert(
    connection: &Connection,
    rotation: &RotationId,
    line: &Recorded,
    body: &str,
) -> rusqlite::Result<()> {
    let rev = i64::try_from(line.rev).unwrap_or(i64::MAX);
    connection
        .prepare_cached("insert into event (rotation, rev, at, body) values (?1, ?2, ?3, ?4)")?
        .execute(params![rotation.as_str(), rev, line.at.to_string(), body])
        .map(drop)
}
