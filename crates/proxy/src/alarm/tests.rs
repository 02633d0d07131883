//! When an identity's end is told, and how often.

use super::*;

/// The instant at which so many hours are left.
fn left(hours: i64) -> Timestamp {
    let end = Timestamp::from_second(1_000_000 * 3600).unwrap();
    end - SignedDuration::from_hours(hours)
}

fn leaf(byte: u8) -> Fingerprint {
    Fingerprint::of(&[byte])
}

#[test]
fn an_alarm_rings_at_each_stage_and_then_now_and_again() {
    let mut alarm = Alarm::default();
    // Looked at once an hour: 20 hours fresh, 40 due, 10 urgent, 5 ended.
    let rung: Vec<_> = (-5..70)
        .rev()
        .filter_map(|hours| {
            let stage = match hours {
                50.. => Stage::Fresh,
                10..50 => Stage::Due,
                0..10 => Stage::Urgent,
                _ => Stage::Ended,
            };
            Some((hours, alarm.rings(leaf(1), stage, left(hours))?))
        })
        .collect();
    let at = |stage| {
        let of_stage = rung.iter().filter(|(_, rung)| *rung == stage);
        of_stage.map(|(hours, _)| *hours).collect::<Vec<_>>()
    };
    assert!(at(Stage::Fresh).is_empty());
    assert_eq!(at(Stage::Due), [49, 25], "once a day");
    assert_eq!(
        at(Stage::Urgent),
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
        "once an hour"
    );
    assert_eq!(at(Stage::Ended), [-1, -2, -3, -4, -5]);
}

#[test]
fn an_alarm_rings_once_for_many_looks_and_again_for_another_leaf() {
    let mut alarm = Alarm::default();
    let mut rings = |byte, stage| alarm.rings(leaf(byte), stage, left(20)).is_some();
    assert!(rings(1, Stage::Due));
    assert!(!rings(1, Stage::Due));
    assert!(rings(2, Stage::Due));
    assert!(rings(2, Stage::Urgent));
    assert!(!rings(2, Stage::Fresh));
    assert!(rings(2, Stage::Due));
}

#[test]
fn a_clock_that_is_set_back_does_not_silence_the_alarm() {
    let mut alarm = Alarm::default();
    let mut rings = |hours| alarm.rings(leaf(1), Stage::Urgent, left(hours)).is_some();
    assert!(rings(1));
    assert!(rings(9));
    assert!(!rings(9));
}
