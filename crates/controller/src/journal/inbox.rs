//! The inbox: how a decision reaches the process that drives, and how the answer comes back.
//!
//! Whoever decides puts a row in. Whoever holds the writer's lock takes the rows in order, lets `newleaf-rotation`
//! judge each, and writes the answer in the same transaction as the event, if there is one.

use jiff::Timestamp;
use newleaf_rotation::{Decision, RotationId};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::{Journal, JournalError, Writer, doing};

/// What became of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(crate) enum Answer {
    /// It was admitted and is in the journal.
    Recorded {
        /// The number of its event.
        rev: u64,
    },
    /// It was refused; nothing was changed.
    Refused {
        /// Why, with the evidence.
        why: String,
    },
}

/// A decision that waits in the inbox.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Its number.
    pub(crate) seq: i64,
    /// What was decided.
    pub(crate) decision: Decision,
}

impl Journal {
    /// Puts a decision into the inbox, and returns its number.
    pub(crate) fn ask(
        &self,
        rotation: &RotationId,
        at: Timestamp,
        decision: &Decision,
    ) -> Result<i64, JournalError> {
        let body = self.body(decision)?;
        let connection = self.connection();
        connection
            .execute(
                "insert into inbox (rotation, at, body) values (?1, ?2, ?3)",
                params![rotation.as_str(), at.to_string(), body],
            )
            .map_err(doing("put a decision", &self.path))?;
        Ok(connection.last_insert_rowid())
    }

    /// Returns the answer to a decision, if there is one yet.
    pub(crate) fn answer(&self, seq: i64) -> Result<Option<Answer>, JournalError> {
        let answer: Option<String> = self
            .connection()
            .query_row("select answer from inbox where seq = ?1", [seq], |row| {
                row.get(0)
            })
            .optional()
            .map_err(doing("read an answer", &self.path))?
            .flatten();
        answer.map(|body| self.understand(&body)).transpose()
    }

    /// Takes a decision back. Returns whether it was still unanswered; then nobody will ever see it.
    pub(crate) fn withdraw(&self, seq: i64) -> Result<bool, JournalError> {
        self.connection()
            .execute("delete from inbox where seq = ?1 and answer is null", [seq])
            .map(|n| n > 0)
            .map_err(doing("withdraw a decision", &self.path))
    }

    /// Returns whether a decision waits.
    pub(crate) fn is_asked(&self, rotation: &RotationId) -> Result<bool, JournalError> {
        self.connection()
            .prepare_cached(
                "select exists (select 1 from inbox where rotation = ?1 and answer is null)",
            )
            .and_then(|mut query| query.query_row([rotation.as_str()], |row| row.get(0)))
            .map_err(doing("look into the inbox", &self.path))
    }

    /// Returns the decision that has waited longest.
    pub(crate) fn asked(&self, rotation: &RotationId) -> Result<Option<Asked>, JournalError> {
        let row: Option<(i64, String)> = self
            .connection()
            .query_row(
                "select seq, body from inbox where rotation = ?1 and answer is null order by seq limit 1",
                [rotation.as_str()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
            .map_err(doing("look into the inbox", &self.path))?;
        row.map(|(seq, body)| {
            let decision = self.understand(&body)?;
            Ok(Asked { seq, decision })
        })
        .transpose()
    }
}

impl Writer<'_> {
    /// Answers that a decision is refused.
    pub(crate) fn refuse(&self, asked: &Asked, why: String) -> Result<(), JournalError> {
        let body = self.journal.body(&Answer::Refused { why })?;
        answer(&*self.connection()?, asked.seq, &body)
            .map(drop)
            .map_err(doing("answer a decision", &self.journal.path))
    }
}

/// Answers a decision. Returns false if it was withdrawn.
pub(super) fn answer(connection: &Connection, seq: i64, body: &str) -> rusqlite::Result<bool> {
    connection
        .execute(
            "update inbox set answer = ?2 where seq = ?1 and answer is null",
            params![seq, body],
        )
        .map(|n| n > 0)
}
