//! A full disk stops a drive before the next deed, and leaves a journal from which it goes on.

use std::{env, path::PathBuf, process::Stdio};

use newleaf_controller::{Ended, Journal, drive};
use newleaf_rotation::{Event, Generation, Outcome};
use tokio::process::Command;

use crate::{
    stage::{Stage, a_plan, domain, rotation, scratch},
    world::TestWorld,
};

/// The child of the next test: drives until the journal cannot be written. Without its environment it drives to the end.
#[tokio::test(start_paused = true)]
async fn child_fills_the_disk() {
    let own = scratch();
    let given = env::var_os("NEWLEAF_TEST_DIRECTORY");
    let directory = given
        .clone()
        .map_or_else(|| own.path().to_owned(), PathBuf::from);
    let world = TestWorld::in_file(directory.join("world.json"));
    let journal = Journal::open(directory.join("journal.db")).unwrap();
    let means = Stage::empty().means();
    if journal.rotations().unwrap().is_empty() {
        let writer = journal.writer(&domain()).await.unwrap();
        writer.begin(&a_plan(&[]), means.clock.now()).unwrap();
    }
    let ended = drive(&world, &journal, &rotation(), means).await;
    if given.is_none() {
        assert_eq!(ended.unwrap(), Ended::Over(Outcome::Rotated));
        return;
    }
    let error = ended.unwrap_err();
    assert!(error.may_retry(), "{error:?}");
    assert!(error.to_string().starts_with("could not "), "{error}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_done_whose_intent_cannot_be_written() {
    let directory = scratch();
    let program = env::current_exe().unwrap();
    // A limit on the size of a file is what a full disk is to SQLite. 256 blocks of 512 bytes hold about half a rotation;
    // without the trap the limit would kill, not fail.
    let status = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 256; exec \"$0\" \"$@\""])
        .arg(program)
        .args(["--exact", "disk::child_fills_the_disk", "--test-threads=1"])
        .env("NEWLEAF_TEST_DIRECTORY", directory.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await
        .unwrap();
    assert!(status.success(), "the child ended with {status}");
    let journal = Journal::open(directory.path().join("journal.db")).unwrap();
    let record = journal.record(&rotation()).unwrap();
    let intended = record.events.iter();
    let n_intended = intended
        .filter(|line| matches!(line.event, Event::Intended { .. }))
        .count();
    let world = TestWorld::in_file(directory.path().join("world.json"));
    let n_done = world.facts().requests.len();
    assert!(n_done <= n_intended, "{n_done} of {n_intended}");
    assert!(record.events.len() > 3, "the disk was full too early");
    let ended = drive(&world, &journal, &rotation(), Stage::empty().means()).await;
    assert_eq!(ended.unwrap(), Ended::Over(Outcome::Rotated));
    assert!(world.facts().is_all(Generation(2)));
}
