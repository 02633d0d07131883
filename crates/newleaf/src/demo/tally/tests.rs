//! Tests of the counts.

use std::time::Duration;

use tokio::time::Instant;

use super::{Kind, Tally};
use crate::demo::grpc::CallError;

const MS: Duration = Duration::from_millis(1);

#[test]
fn the_longest_gap_is_between_successes_of_unary_calls() {
    let (tally, start) = (Tally::default(), Instant::now());
    tally.record(Kind::Unary, &Ok(()), start);
    tally.record(Kind::Unary, &Ok(()), start + 10 * MS);
    tally.record(Kind::LongPoll, &Ok(()), start + 30 * MS);
    tally.record(Kind::Unary, &Err(CallError::Late), start + 35 * MS);
    tally.record(Kind::Unary, &Ok(()), start + 40 * MS);
    let counts = tally.counts(start + 41 * MS);
    assert_eq!((counts.calls, counts.failed), (5, 1));
    assert_eq!(counts.longest_gap, 30 * MS);
    assert_eq!(counts.failures, ["no answer within the deadline"]);
}

#[test]
fn a_gap_that_is_still_open_counts() {
    let (tally, start) = (Tally::default(), Instant::now());
    tally.record(Kind::Unary, &Ok(()), start);
    assert_eq!(tally.counts(start + 700 * MS).longest_gap, 700 * MS);
}

#[test]
fn the_words_of_failures_are_bounded() {
    let (tally, now) = (Tally::default(), Instant::now());
    for _ in 0..100 {
        tally.record(Kind::Unary, &Err(CallError::Late), now);
    }
    let counts = tally.counts(now);
    assert_eq!((counts.failed, counts.failures.len()), (100, 16));
}
