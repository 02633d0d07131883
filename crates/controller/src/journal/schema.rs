//! The tables of the journal, and the versions of its stored form.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::{BUSY, JournalError, doing};

/// The version of the stored form, in `PRAGMA user_version`. A change of a table or of a stored body counts it up and
/// says here how the older form is read.
pub(super) const FORMAT: u32 = 1;

/// The mark of our files, in `PRAGMA application_id`: "nlj1" read as a number.
const APPLICATION_ID: i64 = 0x6e6c_6a31;

/// Events are appended and never changed, and a rotation of a trust domain excludes every other: the file itself
/// refuses what the code must not do.
const TABLES: &str = "
create table rotation (
    id text primary key,
    domain text not null,
    plan text not null,
    started_at text not null,
    ended_at text,
    outcome text
) strict;
create unique index one_rotation_of_a_domain on rotation (domain) where ended_at is null;

create table event (
    rotation text not null references rotation (id),
    rev integer not null check (rev > 0),
    at text not null,
    body text not null,
    primary key (rotation, rev)
) strict, without rowid;
create trigger event_is_not_changed before update on event
begin select raise(abort, 'an event is never changed'); end;
create trigger event_is_not_deleted before delete on event
begin select raise(abort, 'an event is never deleted'); end;

create table inbox (
    seq integer primary key autoincrement,
    rotation text not null references rotation (id),
    at text not null,
    body text not null,
    answer text
) strict;
create index inbox_open on inbox (rotation, seq) where answer is null;

create table ledger (
    fingerprint text primary key,
    domain text not null,
    body text not null
) strict, without rowid;
create index ledger_of_domain on ledger (domain);
";

/// Makes the tables if there are none, and sets how the file is written.
pub(super) fn prepare(connection: &mut Connection, path: &Path) -> Result<(), JournalError> {
    let failed = doing("open the journal", path);
    connection.busy_timeout(BUSY).map_err(&failed)?;
    connection
        .pragma_update(None, "foreign_keys", true)
        .map_err(&failed)?;
    // In WAL mode readers never wait for the writer; with FULL a commit is on the disk when it returns.
    connection
        .pragma_update(None, "synchronous", "full")
        .map_err(&failed)?;
    // Before the first byte is written: a database of another program stays as it is.
    if is_new(connection, path)? {
        connection
            .pragma_update(None, "journal_mode", "wal")
            .map_err(&failed)?;
        create(connection, path)?;
    }
    check(connection, path)
}

/// Refuses a file that is not a journal, or that a newer newleaf wrote.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    let found = pragma(connection, path, "user_version")?;
    if pragma(connection, path, "application_id")? != APPLICATION_ID {
        return Err(JournalError::Foreign {
            path: path.to_owned(),
        });
    }
    if found > i64::from(FORMAT) {
        return Err(JournalError::Newer {
            path: path.to_owned(),
            expected: FORMAT,
            found,
        });
    }
    Ok(())
}

/// Returns whether there is no table yet.
pub(super) fn is_new(connection: &Connection, path: &Path) -> Result<bool, JournalError> {
    let tables: i64 = connection
        .query_row("select count(*) from sqlite_schema", [], |row| row.get(0))
        .map_err(doing("open the journal", path))?;
    Ok(tables == 0)
}

/// Two processes may meet here; the second finds the tables made.
fn create(connection: &mut Connection, path: &Path) -> Result<(), JournalError> {
    let failed = doing("make the journal", path);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(&failed)?;
    if is_new(&transaction, path)? {
        transaction.execute_batch(TABLES).map_err(&failed)?;
        transaction
            .pragma_update(None, "application_id", APPLICATION_ID)
            .map_err(&failed)?;
        transaction
            .pragma_update(None, "user_version", FORMAT)
            .map_err(&failed)?;
    }
    transaction.commit().map_err(&failed)
}

fn pragma(connection: &Connection, path: &Path, name: &str) -> Result<i64, JournalError> {
    connection
        .pragma_query_value(None, name, |row| row.get(0))
        .map_err(doing("open the journal", path))
}
