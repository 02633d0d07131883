//! What is printed while a rotation is followed.

use super::*;

#[test]
fn a_terminal_is_drawn_over() {
    let mut form = Form::Terminal { drawn: 0 };
    assert_eq!(
        form.frame("a\nb\n"),
        "\u{1b}[?7l\u{1b}[2Ka\n\u{1b}[2Kb\n\u{1b}[J\u{1b}[?7h"
    );
    // The longer picture before is cleared to its end.
    assert_eq!(
        form.frame("c\n"),
        "\u{1b}[?7l\u{1b}[2A\u{1b}[2Kc\n\u{1b}[J\u{1b}[?7h"
    );
}

#[test]
fn elsewhere_only_what_changed_is_printed() {
    let mut form = Form::Lines {
        shown: BTreeSet::new(),
    };
    assert_eq!(form.frame("a\nb\n"), "a\nb\n");
    assert_eq!(form.frame("a\nc\n"), "c\n");
    assert_eq!(form.frame("a\nc\n"), "");
    // What was and is again has changed twice.
    assert_eq!(form.frame("a\nb\n"), "b\n");
}
