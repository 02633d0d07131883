//! The table against zlint is whole, and names nothing that is not there.

use super::*;

#[test]
fn every_answer_is_a_lint_or_a_reason() {
    for (name, answer) in answers() {
        if let Answer::Codes(codes) = answer {
            for code in codes {
                assert!(newleaf_x509::lint::find(code).is_some(), "{name}: {code}");
            }
        }
    }
}

#[test]
fn no_line_is_lost_or_twice() {
    let names: Vec<_> = answers().map(|(name, _)| name).collect();
    let lines = LINES.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(names.len(), lines);
    assert!(names.is_sorted_by(|a, b| a < b), "out of order or twice");
    assert_eq!(names.len(), 133);
}

#[test]
fn every_reason_is_given_for_something() {
    let answers: Vec<_> = answers().map(|(_, answer)| answer).collect();
    for (word, reason) in REASONS {
        assert!(answers.contains(&Answer::LeftOut(reason)), "{word}");
    }
}
