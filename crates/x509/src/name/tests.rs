//! Names as people read them, and as verifiers compare them.

use super::*;
use crate::forge::{self, CN, Forge, O};

fn named(attributes: &[(&str, &str)]) -> DistinguishedName {
    let name = forge::name(attributes);
    let root = Forge::root("unused", "p256-a").with(|f| f.subject = name);
    root.certificate().subject().clone()
}

#[test]
fn names_are_printed_with_escapes() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[], ""),
        (
            &[(O, "acme"), (CN, "payments g3")],
            "O=acme, CN=payments g3",
        ),
        (&[(O, "acme, Inc. + co")], "O=acme\\, Inc. \\+ co"),
        (&[(CN, " a ")], "CN=\\ a\\ "),
        (&[(CN, "#a")], "CN=\\#a"),
        (&[(CN, "a\u{1b}[31m")], "CN=a\\u{001b}[31m"),
        (&[(CN, "a\u{202e}b\u{200b}")], "CN=a\\u{202e}b\\u{200b}"),
        (&[(CN, "söhne")], "CN=söhne"),
        (&[("1.2.3.4", "x")], "1.2.3.4=x"),
    ];
    for (attributes, expected) in cases {
        assert_eq!(named(attributes).to_string(), *expected);
    }
}

#[test]
fn names_collide_without_regard_to_case_and_runs_of_space() {
    let name = named(&[(O, "Acme  Inc"), (CN, "G1")]);
    assert!(name.collides_with(&named(&[(O, "ACME Inc "), (CN, "g1")])));
    assert!(
        !name.collides_with(&named(&[(CN, "g1"), (O, "ACME Inc")])),
        "order counts"
    );
    assert!(!name.collides_with(&named(&[(O, "Acme Inc"), (CN, "g2")])));
    assert_ne!(
        name,
        named(&[(O, "ACME Inc "), (CN, "g1")]),
        "equality is exact"
    );
}

#[test]
fn letters_that_fold_to_the_same_collide() {
    for (one, other) in [
        ("ΌΔΟΣ", "όδος"),
        ("ΌΔΟΣ", "όδοσ"),
        ("Straße", "STRASSE"),
        ("\u{212a}afka", "kafka"),
    ] {
        let (one, other) = (named(&[(CN, one)]), named(&[(CN, other)]));
        assert!(one.collides_with(&other), "{one} and {other}");
        assert_eq!(one.folded(), other.folded());
    }
}

#[test]
fn a_planned_name_is_the_issued_one() {
    let planned = Subject::new("w", Some("acme".to_owned()), Some("payments".to_owned())).unwrap();
    let issued = named(&[(O, "acme"), (forge::OU, "payments"), (CN, "w")]);
    assert_eq!(DistinguishedName::from(&planned), issued);
}

#[test]
fn values_are_found_by_kind() {
    let name = named(&[(O, "acme"), (CN, "a"), (CN, "b")]);
    assert_eq!(name.common_name(), Some("a"));
    assert_eq!(
        name.values(oid::COMMON_NAME).collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert!(!name.is_empty() && named(&[]).is_empty());
}

/// Each string as Go reads it, which is what Temporal's filters see.
#[test]
fn old_types_of_strings_are_read() {
    let cases: &[(u8, &[u8], &str, bool)] = &[
        (0x0c, b"caf\xc3\xa9", "CN=caf\u{e9}", true),
        (0x13, b"abc", "CN=abc", true),
        (0x12, b"12 3", "CN=12 3", true),
        (0x16, b"abc", "CN=abc", true),
        (0x14, b"caf\xe9", "CN=caf\u{e9}", false),
        (0x1e, b"\0a\x04\x30", "CN=a\u{430}", false),
        (0x1e, b"\0a\0\0", "CN=a", false),
        (0x1e, b"\0a\0", "CN=#006100", false),
        (0x1e, b"\xd8\0", "CN=#d800", false),
        (0x12, b"a", "CN=#61", false),
        (0x1c, b"\0\0\0a", "CN=#00000061", false),
    ];
    for (tag, value, expected, is_current) in cases {
        let root = Forge::root("unused", "p256-a");
        let root = root.with(|f| f.subject = forge::name_of(&[(CN, *tag, value)]));
        let subject = root.certificate().subject().clone();
        assert_eq!(subject.to_string(), *expected);
        let attribute = subject.attributes().next().unwrap();
        assert_eq!(attribute.is_current, *is_current, "{expected}");
        assert_eq!(attribute.is_text, !expected.contains('#'), "{expected}");
    }
}

/// What stands behind an empty RDN is read by Go, and so by Temporal's filters.
#[test]
fn an_empty_rdn_hides_nothing() {
    let rdn = |value: &str| forge::name(&[(CN, value)])[2..].to_vec();
    let name = forge::tlv(
        0x30,
        &[rdn("first"), forge::tlv(0x31, &[]), rdn("second")].concat(),
    );
    let root = Forge::root("unused", "p256-a").with(|f| f.subject = name);
    assert_eq!(
        root.certificate().subject().to_string(),
        "CN=first, CN=second"
    );
}
