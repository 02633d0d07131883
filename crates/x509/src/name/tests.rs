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
