//! A state directory that is taken away ends the drive: what would be written is kept nowhere.

use newleaf_controller::{Journal, JournalError, drive};

use crate::{
    stage::{Stage, a_plan, domain, rotation, scratch},
    world::TestWorld,
};

/// Begins a rotation that waits for an approval at its second phase, takes something away, and returns how the drive ends.
async fn drive_without(
    take_away: impl FnOnce(&std::path::Path) + Send,
) -> Result<newleaf_controller::Ended, JournalError> {
    let (directory, world) = (scratch(), TestWorld::new());
    let state = directory.path().join("state");
    fs_err::create_dir(&state).unwrap();
    let journal = Journal::open(state.join("journal.db")).unwrap();
    let means = Stage::empty().means();
    let plan = a_plan(&[newleaf_rotation::Phase::Prepared]);
    let writer = journal.writer(&domain()).await.unwrap();
    writer.begin(&plan, means.clock.now()).unwrap();
    drop(writer);
    let rotation = rotation();
    let driving = drive(&world, &journal, &rotation, means);
    let taking = async {
        // Until it asks, and does nothing but wait for the answer.
        while newleaf_controller::Snapshot::take(&journal, &rotation)
            .unwrap()
            .asks
            .is_none()
        {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        take_away(&state);
    };
    let both = async { tokio::join!(driving, taking).0 };
    tokio::time::timeout(std::time::Duration::from_mins(1), both)
        .await
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_deleted_state_directory() {
    let ended = drive_without(|state| fs_err::remove_dir_all(state).unwrap()).await;
    let error = ended.unwrap_err();
    assert!(matches!(error, JournalError::Gone { .. }), "{error:?}");
    assert!(!error.may_retry());
}

#[tokio::test(start_paused = true)]
async fn a_state_directory_that_was_moved() {
    let ended = drive_without(|state| {
        fs_err::rename(state, state.with_file_name("elsewhere")).unwrap();
    })
    .await;
    assert!(matches!(ended, Err(JournalError::Gone { .. })), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_backup_that_was_put_in_its_place() {
    let ended = drive_without(|state| {
        let journal = state.join("journal.db");
        fs_err::copy(&journal, state.join("backup")).unwrap();
        fs_err::rename(state.join("backup"), journal).unwrap();
    })
    .await;
    assert!(matches!(ended, Err(JournalError::Gone { .. })), "{ended:?}");
}

/// Whoever makes a new lock file holds the same right twice.
#[tokio::test(start_paused = true)]
async fn a_lock_file_that_was_removed() {
    let ended = drive_without(|state| {
        let locks = fs_err::read_dir(state).unwrap().map(|e| e.unwrap().path());
        for lock in locks.filter(|p| p.extension().is_some_and(|e| e == "lock")) {
            fs_err::remove_file(lock).unwrap();
        }
    })
    .await;
    assert!(matches!(ended, Err(JournalError::Gone { .. })), "{ended:?}");
}
