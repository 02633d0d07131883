//! Patterns and filters, against Temporal's documented rules and `tcld`'s own test cases.

use super::*;
use crate::forge::{self, Forge};

fn text(cn: &str, o: &str, ou: &str, san: &str) -> FilterText {
    FilterText {
        common_name: cn.to_owned(),
        organization: o.to_owned(),
        organizational_unit: ou.to_owned(),
        subject_alternative_name: san.to_owned(),
    }
}

fn filters(texts: &[FilterText]) -> Result<Filters, FilterError> {
    let filters = texts.to_vec();
    FiltersText { filters }.try_into()
}

fn leaf() -> Certificate {
    let root = Forge::root("g1", "p256-a");
    Forge::leaf("unused", "p256-b", &root)
        .with(|f| {
            f.subject = forge::name(&[
                (forge::O, "Example Code"),
                (forge::OU, "Payments"),
                (forge::OU, "Ledger"),
                (forge::CN, "Worker-7"),
            ]);
        })
        .extension(forge::san(&[
            (2, b"worker.code.example.com"),
            (6, b"spiffe://example/worker"),
            (1, b"ops@example.com"),
            (7, &[10, 1, 2, 3]),
        ]))
        .certificate()
}

#[test]
fn patterns_follow_the_documented_examples() {
    let cases: &[(&str, &str, bool)] = &[
        ("Example Code", "example code", true),
        ("EXAMPLE CODE", "example code", true),
        ("Example Code", "Example Code Inc", false),
        ("Example Code*", "Example Code", true),
        ("Example Code*", "EXAMPLE CODE INC", true),
        ("Example Code*", "My Example Code", false),
        ("*.example.com", "code.example.com", true),
        ("*.example.com", "a.b.EXAMPLE.com", true),
        ("*.example.com", ".example.com", true),
        ("*.example.com", "example.com", false),
        ("*code", "code", true),
        ("STRASSE", "straße", false),
        ("ÄRGER*", "ärgerlich", true),
        ("a", "", false),
    ];
    for (pattern, value, expected) in cases {
        let found = Pattern::parse(pattern).unwrap().matches(value);
        assert_eq!(found, *expected, "`{pattern}` on `{value}`");
    }
}

#[test]
fn patterns_that_are_refused() {
    let inner = |found: &str| FilterError::InnerWildcard {
        found: found.to_owned(),
    };
    let cases = [
        ("", FilterError::Blank),
        (" \t", FilterError::Blank),
        ("*", FilterError::BareWildcard),
        ("**", inner("**")),
        ("*.example.*", inner("*.example.*")),
        ("code.*.com", inner("code.*.com")),
        ("*a*", inner("*a*")),
    ];
    for (pattern, expected) in cases {
        assert_eq!(Pattern::parse(pattern), Err(expected), "`{pattern}`");
    }
}

#[test]
fn fields_are_joined_by_and_filters_by_or() {
    let leaf = leaf();
    let cases: &[(&[FilterText], bool)] = &[
        (&[], true),
        (&[text("worker-*", "", "", "")], true),
        (&[text("worker-*", "example code", "", "")], true),
        (&[text("worker-*", "other", "", "")], false),
        (&[text("", "other", "", ""), text("*-7", "", "", "")], true),
        (&[text("", "other", "", ""), text("*-8", "", "", "")], false),
        (&[text("", "", "payments", "")], true),
        (&[text("", "", "ledger", "")], true),
        (&[text("", "", "audit", "")], false),
        (&[text("", "", "", "*.code.example.com")], true),
        (&[text("", "", "", "spiffe://example/*")], true),
        (&[text("", "", "", "*@example.com")], true),
        (&[text("", "", "", "10.1.2.3")], true),
        (&[text("", "", "", "10.1.2.4")], false),
    ];
    for (texts, expected) in cases {
        assert_eq!(
            filters(texts).unwrap().admits(&leaf),
            *expected,
            "{texts:?}"
        );
    }
}

#[test]
fn a_planned_leaf_is_judged_as_the_issued_one() {
    let subject = Subject::new("worker", Some("acme".to_owned()), None).unwrap();
    let sans = [
        San::Dns("w.example".to_owned()),
        San::Uri("spiffe://acme/w".to_owned()),
        San::Ip([192, 0, 2, 1].into()),
    ];
    let cases = [
        (text("WORKER", "", "", ""), true),
        (text("", "acme", "", "w.example"), true),
        (text("", "", "", "spiffe://*"), true),
        (text("", "", "", "192.0.2.*"), true),
        (text("", "", "any", ""), false),
    ];
    for (text, expected) in cases {
        let filters = filters(std::slice::from_ref(&text)).unwrap();
        assert_eq!(filters.would_admit(&subject, &sans), expected, "{text:?}");
    }
}

/// A server written in Go reads Latin-1 and units of 16 bits too, and nothing else that is old.
#[test]
fn an_attribute_matches_as_go_reads_it() {
    let root = Forge::root("g1", "p256-a");
    let called = |tag, value: &[u8]| {
        Forge::leaf("unused", "p256-b", &root)
            .with(|f| f.subject = forge::name_of(&[(forge::CN, tag, value)]))
            .certificate()
    };
    let (latin, wide) = (called(0x14, b"caf\xe9"), called(0x1c, b"\0\0\0a"));
    assert_eq!(latin.subject().to_string(), "CN=caf\u{e9}");
    assert_eq!(wide.subject().to_string(), "CN=#00000061");
    let cases = [
        (&latin, "caf*", true),
        (&latin, "#636166e9", false),
        (&wide, "#00000061", false),
        (&wide, "#*", false),
    ];
    for (leaf, pattern, expected) in cases {
        let filters = filters(&[text(pattern, "", "", "")]).unwrap();
        assert_eq!(filters.admits(leaf), expected, "`{pattern}`");
    }
}

#[test]
fn at_most_25_and_none_twice() {
    let numbered = |n: usize| {
        (0..n)
            .map(|i| text(&format!("w{i}"), "", "", ""))
            .collect::<Vec<_>>()
    };
    assert_eq!(filters(&numbered(25)).unwrap().as_slice().len(), 25);
    assert_eq!(
        filters(&numbered(26)),
        Err(FilterError::TooMany { found: 26 })
    );
    let twice = [text("a", "b", "", ""), text("a", "b", "", "")];
    let filter = "CN=a, O=b".to_owned();
    assert_eq!(filters(&twice), Err(FilterError::Duplicate { filter }));
}

/// The cases of `tcld`'s own parser and validator (`app/cafilters_test.go`), in our words; where `tcld` is silent about
/// a key that it does not know, a misspelt key is an error here.
#[test]
fn documents_are_read_as_tcld_reads_them() {
    let read = |json: &str| serde_json::from_str::<Filters>(json);
    let n = |json: &str| read(json).unwrap().as_slice().len();
    assert_eq!(n(r#"{"filters":[]}"#), 0);
    assert_eq!(n(r#"{"filters":[{"commonName":"test1"}]}"#), 1);
    let full = r#"{"filters":[{"commonName":"a","organization":"b","organizationalUnit":"c","subjectAlternativeName":"d"},{"commonName":"e"}]}"#;
    assert_eq!(n(full), 2);
    assert_eq!(serde_json::to_string(&read(full).unwrap()).unwrap(), full);
    for (json, expected) in [
        ("[", "EOF"),
        ("", "EOF"),
        (r#"{"filters":[{}]}"#, "at least one field"),
        (
            r#"{"filters":[{"commonName":"a"},{"commonName":"a"}]}"#,
            "twice",
        ),
        (r#"{"filters":[{"comonName":"a"}]}"#, "unknown field"),
    ] {
        let said = read(json).unwrap_err().to_string();
        assert!(said.contains(expected), "`{json}`: {said}");
    }
}

#[test]
fn a_pattern_covers_what_it_accepts() {
    let cases: &[(&str, &str, bool)] = &[
        ("a", "A", true),
        ("a*", "ab", true),
        ("a*", "ab*", true),
        ("ab*", "a*", false),
        ("*b", "ab", true),
        ("*b", "*ab", true),
        ("a*", "*a", false),
        ("a", "a*", false),
    ];
    for (wide, narrow, expected) in cases {
        let pattern = |text: &str| Pattern::parse(text).unwrap();
        assert_eq!(
            pattern(wide).covers(&pattern(narrow)),
            *expected,
            "`{wide}` over `{narrow}`"
        );
    }
    let filter = |text: FilterText| Filter::try_from(text).unwrap();
    let wide = filter(text("a*", "", "", ""));
    assert!(wide.covers(&filter(text("ab", "o", "", ""))));
    assert!(!wide.covers(&filter(text("", "o", "", ""))));
}

/// At the end of a word a capital sigma becomes another small letter than elsewhere, if words are looked at.
#[test]
fn a_letter_is_folded_whatever_stands_beside_it() {
    for (pattern, value) in [
        ("*\u{3a3}", "x\u{3a3}"),
        ("x\u{3a3}*", "X\u{3a3}y"),
        ("x\u{3a3}", "x\u{3c3}"),
    ] {
        let pattern = Pattern::parse(pattern).unwrap();
        assert!(pattern.matches(value), "`{}`", pattern.as_str());
    }
}
