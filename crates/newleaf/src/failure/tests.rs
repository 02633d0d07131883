//! Sentences.

use super::*;

#[derive(Debug, thiserror::Error)]
#[error("could not turn the leaf")]
struct Outer(#[source] Inner);

#[derive(Debug, thiserror::Error)]
#[error("the wind is still")]
struct Inner;

#[track_caller]
fn check(failure: &Failure, expected: &str) {
    assert_eq!(failure.sentences(Console::of_this_process()), expected);
}

#[test]
fn causes_and_hints_follow_the_error() {
    let failure = Failure::new(&code::FILE_READ, Outer(Inner)).hint("wait for wind");
    check(
        &failure,
        "error[F001]: could not turn the leaf\n  caused by: the wind is still\n  help: wait for wind\n",
    );
}

#[test]
fn without_a_hint_the_page_is_the_next_step() {
    check(
        &Failure::new(&code::FILE_READ, Inner),
        "error[F001]: the wind is still\n  help: run `newleaf explain F001`\n",
    );
}

#[test]
fn a_cause_that_was_printed_already_is_not_repeated() {
    #[derive(Debug, thiserror::Error)]
    #[error("could not go out: the wind is still")]
    struct Loud(#[source] Inner);
    let failure = Failure::new(&code::FILE_READ, Loud(Inner)).hint("wait");
    check(
        &failure,
        "error[F001]: could not go out: the wind is still\n  help: wait\n",
    );
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let closed = Failure::output(io::Error::from(io::ErrorKind::BrokenPipe));
    let full = Failure::output(io::Error::from(io::ErrorKind::StorageFull));
    assert!(closed.is_broken_pipe());
    assert!(!full.is_broken_pipe());
}

#[test]
fn exit_codes_are_those_of_the_help() {
    let all = [
        Exit::Done,
        Exit::Refused,
        Exit::Usage,
        Exit::Findings,
        Exit::Waiting,
        Exit::Unsafe,
        Exit::Bug,
        Exit::Unknown,
    ];
    let said: Vec<u8> = EXIT_CODES
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect();
    assert_eq!(all.map(Exit::number).to_vec(), said);
}
