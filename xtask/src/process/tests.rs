//! Programs that end, fail, and never end.

use std::process::Command;
use std::time::Duration;

use super::{Ended, RunError, capture, finish_early, finish_within};

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[test]
fn a_failure_carries_what_was_said() {
    let error = capture(&mut shell("echo out; echo err >&2; exit 3")).unwrap_err();
    let RunError::Failed { said, status, .. } = error else {
        panic!("{error}")
    };
    assert_eq!((said.as_str(), status.code()), ("out\nerr", Some(3)));
}

#[test]
fn a_missing_program_is_named() {
    let error = capture(&mut Command::new("newleaf-no-such-program")).unwrap_err();
    assert_eq!(error.to_string(), "could not run `newleaf-no-such-program`");
}

#[test]
fn each_ending_is_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let check = |script: &str, limit: u64| {
        let limit = Duration::from_secs(limit);
        finish_within(&mut shell(script), limit, &log).unwrap()
    };
    assert_eq!(check("exit 0", 60), Ended::Passed);
    assert_eq!(check("echo why; exit 1", 60), Ended::Failed);
    assert_eq!(fs_err::read_to_string(&log).unwrap(), "why\n");
}

/// The program writes down its own id before it begins to wait for ever.
#[test]
fn what_does_not_end_is_ended() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let mut command = shell("echo $$; exec sleep 600");
    let ended = finish_within(&mut command, Duration::from_secs(3), &log).unwrap();
    assert_eq!(ended, Ended::TooLate);
    let id = fs_err::read_to_string(&log).unwrap();
    assert!(
        capture(&mut shell(&format!("kill -0 {id}"))).is_err(),
        "{id} still runs"
    );
}

#[test]
fn what_has_said_enough_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let mut command = shell("echo enough; exec sleep 600");
    let limit = Duration::from_mins(1);
    let ended = finish_early(&mut command, limit, &log, |said| said.contains("enough")).unwrap();
    assert_eq!(ended, Ended::Enough);
}
