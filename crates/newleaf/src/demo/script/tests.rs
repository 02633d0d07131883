//! What counts as the right refusal.

use super::says_who_is_left;

#[track_caller]
fn check(refusal: &str, expected: bool) {
    assert_eq!(says_who_is_left(refusal), expected, "{refusal}");
}

#[test]
fn only_the_evidence_refuses_an_early_distrust() {
    let refused = "error[R005]: cannot distrust g1 yet: ";
    for (evidence, expected) in [
        ("2 of 3 identities still present g1", true),
        (
            "1 of 3 identities still present g1; 1 of 3 are unknown: `restarted`: away",
            true,
        ),
        ("0 of 3 identities still present g1", false),
        ("4 of 3 identities still present g1", false),
        ("2 of 3 identities still present g2", false),
        ("3 of 3 are unknown: `proxied`: away", false),
        ("", false),
    ] {
        check(&format!("{refused}{evidence}"), expected);
    }
    check("2 of 3 identities still present g1", false);
    check("error[J001]: could not read the journal", false);
}
