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
