//! Names reach their answers, and each answer is tried alone.

use super::*;

#[test]
fn every_question_takes_its_answers_by_name() {
    let mut quirks = Quirks::LIKELIEST;
    quirks.set("stale-version", "aborted").unwrap();
    quirks.set("resumption", "off").unwrap();
    assert_eq!(quirks.stale_version, StaleVersion::Aborted);
    assert_eq!(quirks.resumption, Resumption::Off);
    for name in Quirks::NAMES {
        let error = quirks.set(name, "no such answer").unwrap_err();
        assert!(!error.expected.contains("stale-version"), "{name} is known");
    }
    let error = quirks.set("moon", "full").unwrap_err();
    assert!(error.expected.contains("stale-version"));
}

#[test]
fn each_answer_is_varied_once() {
    let sets = Quirks::each_alone();
    assert_eq!(sets.len(), 1 + 2 + 2 + 1 + 1 + 1 + 1 + 2 + 1);
    for (i, set) in sets.iter().enumerate() {
        assert!(!sets[..i].contains(set));
    }
}
