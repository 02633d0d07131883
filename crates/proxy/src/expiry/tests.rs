//! The stages of a life, and its sentences.

use super::*;

const HOUR: i64 = 3600;

/// A life of 100 hours, seen when so many are left.
fn expiry(hours_left: i64) -> Expiry {
    let end = Timestamp::from_second(1_000_000 * HOUR).unwrap();
    let begin = end - SignedDuration::from_hours(100);
    Expiry::new(begin, end, end - SignedDuration::from_hours(hours_left))
}

#[test]
fn a_life_has_four_stages() {
    for (hours_left, stage) in [
        (101, Stage::Fresh),
        (34, Stage::Fresh),
        (33, Stage::Due),
        (11, Stage::Due),
        (10, Stage::Urgent),
        (1, Stage::Urgent),
        (0, Stage::Ended),
        (-5, Stage::Ended),
    ] {
        assert_eq!(expiry(hours_left).stage(), stage, "{hours_left} h");
    }
}

#[test]
fn a_life_is_told_in_a_sentence() {
    let check = |hours_left, says: &str| assert_eq!(expiry(hours_left).to_string(), says);
    check(50, "ends in 2 d 2 h; 50 % of its 4 d 4 h are left");
    check(
        30,
        "ends in 1 d 6 h; 30 % of its 4 d 4 h are left, and its renewal is due",
    );
    check(
        5,
        "ends in 5 h; only 5 % of its 4 d 4 h are left, and nothing has replaced it",
    );
    check(-2, "ended 2 h ago; new connections will be refused");
}

#[test]
fn a_life_of_no_length_has_nothing_left() {
    let at = Timestamp::UNIX_EPOCH;
    let none = Expiry::new(at, at, at);
    assert_eq!(none.stage(), Stage::Ended);
    assert!(none.remaining_ratio() <= 0.0);
}
