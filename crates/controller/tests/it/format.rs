//! A journal that this program does not understand is refused and stays as it is.

use newleaf_controller::{Journal, JournalError};
use rusqlite::Connection;

use crate::stage::{Stage, rotation};

#[tokio::test(start_paused = true)]
async fn of_a_newer_newleaf() {
    let stage = Stage::set(&[]).await;
    let path = stage.path();
    drop(stage.journal);
    let other = Connection::open(&path).unwrap();
    other.pragma_update(None, "user_version", 7).unwrap();
    drop(other);
    for opened in [Journal::open(&path), Journal::open_read_only(&path)] {
        let error = opened.unwrap_err();
        assert!(!error.may_retry());
        let expected = format!(
            "cannot read `{}`: expected format 1 or older, found 7",
            path.display()
        );
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn of_another_program() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch("create table orders (id integer)")
        .unwrap();
    drop(other);
    let before = fs_err::read(&path).unwrap();
    let error = Journal::open(&path).unwrap_err();
    assert!(matches!(error, JournalError::Foreign { .. }), "{error:?}");
    assert_eq!(fs_err::read(&path).unwrap(), before);
}

#[test]
fn of_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let missing = Journal::open_read_only(&path).unwrap_err();
    assert!(matches!(missing, JournalError::Missing { .. }));
    assert!(!path.exists(), "a reader makes nothing");
    fs_err::write(&path, b"not a database, by far not, not even a small one").unwrap();
    let error = Journal::open(&path).unwrap_err();
    assert!(matches!(error, JournalError::Sqlite { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn the_file_itself_refuses_to_change_an_event() {
    let stage = Stage::set(&[]).await;
    stage.drive(&crate::world::TestWorld::new()).await.unwrap();
    let file = Connection::open(stage.path()).unwrap();
    for statement in ["update event set body = ''", "delete from event"] {
        let refused = file.execute(statement, []).unwrap_err().to_string();
        assert!(refused.contains("an event is never"), "{refused}");
    }
    let before = stage.journal.record(&rotation()).unwrap();
    assert_eq!(
        before.state().rev,
        u64::try_from(before.events.len()).unwrap()
    );
}

/// Found by the demo: `kill -9` in the very first write left a file that every reader was refused on.
#[test]
fn a_reader_gets_past_a_write_that_was_killed() {
    let directory = tempfile::tempdir().unwrap();
    let (written, killed) = (directory.path().join("a.db"), directory.path().join("b.db"));
    let connection = Connection::open(&written).unwrap();
    // A page cache of one page: what is not committed lies in the file already, and its journal beside it.
    connection
        .execute_batch(
            "pragma cache_size = 1; begin immediate; create table t (body blob);
             insert into t values (zeroblob(100000)); insert into t values (zeroblob(100000));",
        )
        .unwrap();
    fs_err::copy(&written, &killed).unwrap();
    let beside = |path: &std::path::Path| path.with_extension("db-journal");
    fs_err::copy(beside(&written), beside(&killed)).unwrap();
    let opened = Journal::open_read_only(&killed).unwrap_err();
    assert!(matches!(opened, JournalError::Missing { .. }), "{opened:?}");
    assert!(Journal::open(&killed).is_ok());
}
