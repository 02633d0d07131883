//! Every lint fires where it should and nowhere else: each case names *all* the codes that its input deserves.

#![expect(clippy::too_many_lines, reason = "a table is as long as its cases")]

mod bundle;
mod certificate;
mod chain;
mod form;
mod go;
mod near;
mod policy;
mod slot;
mod templates;
mod text;
mod transition;

use std::collections::BTreeSet;

use super::*;
use crate::forge::{self, Forge, days, now};

/// An input that was linted, and the codes it deserves.
struct Case {
    name: &'static str,
    findings: Vec<Finding>,
    expected: &'static [&'static str],
}

fn case(name: &'static str, findings: Vec<Finding>, expected: &'static [&'static str]) -> Case {
    Case {
        name,
        findings,
        expected,
    }
}

const CLOUD: Context = context(Profile::TemporalCloud);
const SELF_HOSTED: Context = context(Profile::SelfHosted);
const STANDARD: Context = context(Profile::Rfc5280);

/// [`forge::NOW`] as a constant.
const fn context(profile: Profile) -> Context {
    let now = Timestamp::constant(1_772_323_200, 0);
    Context { profile, now }
}

#[track_caller]
fn check(cases: Vec<Case>) {
    for case in cases {
        let mut found: Vec<_> = case.findings.iter().map(|f| f.lint.code).collect();
        found.sort_unstable();
        let said: Vec<_> = case.findings.iter().map(ToString::to_string).collect();
        assert_eq!(found, case.expected, "{}: {said:#?}", case.name);
        for said in said {
            assert!(said.contains("expected"), "{}: {said}", case.name);
        }
    }
}

fn all_cases() -> Vec<Case> {
    [
        bundle::cases(),
        certificate::cases(),
        chain::cases(),
        form::cases(),
        go::cases(),
        policy::cases(),
        slot::cases(),
        templates::cases(),
        text::cases(),
        transition::cases(),
        transition::filter_cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn the_tests_live_at_one_instant() {
    assert_eq!(CLOUD.now, now());
}

#[test]
fn every_lint_is_fired_by_some_case() {
    let fired: BTreeSet<_> = all_cases()
        .iter()
        .flat_map(|case| case.findings.iter().map(|finding| finding.lint.code))
        .collect();
    let silent: Vec<_> = table()
        .filter(|lint| !fired.contains(lint.code))
        .map(|lint| (lint.code, lint.name))
        .collect();
    assert!(silent.is_empty(), "never fired: {silent:?}");
    assert_eq!(
        fired.len(),
        table().count(),
        "a lint that fires is not in the table"
    );
}

#[test]
fn every_lint_has_a_near_miss_that_does_not_fire_it() {
    let misses = near::misses();
    for near::Miss {
        name,
        codes,
        findings,
    } in &misses
    {
        for code in *codes {
            let fired = findings.iter().find(|finding| finding.lint.code == *code);
            assert_eq!(fired, None, "{name}");
            assert!(find(code).is_some(), "{name}: {code}");
        }
    }
    let missed: BTreeSet<_> = misses.iter().flat_map(|miss| miss.codes).copied().collect();
    let without: Vec<_> = table()
        .filter(|lint| !missed.contains(lint.code))
        .map(|lint| (lint.code, lint.name))
        .collect();
    assert!(without.is_empty(), "no near miss: {without:?}");
}

#[test]
fn the_table_is_in_order_and_complete() {
    let codes: Vec<_> = table().map(|lint| lint.code).collect();
    assert!(
        codes.is_sorted_by(|a, b| a < b),
        "codes out of order or twice: {codes:?}"
    );
    let names: BTreeSet<_> = table().map(|lint| lint.name).collect();
    assert_eq!(names.len(), codes.len(), "a name is used twice");
    for lint in table() {
        let family = match lint.family {
            Family::Encoding => '0',
            Family::Name => '1',
            Family::Key => '2',
            Family::Validity => '3',
            Family::Usage => '4',
            Family::Chain => '5',
            Family::Bundle => '6',
            Family::Transition => '7',
            Family::Filter => '8',
            Family::Slot => '9',
        };
        assert_eq!(lint.code.chars().nth(2), Some(family), "{}", lint.code);
        assert!(
            lint.says.trim_end_matches('"').ends_with('.') && lint.advice.ends_with('.'),
            "{}",
            lint.code
        );
        assert!(
            !lint.citation.is_empty() && !lint.profiles.is_empty(),
            "{}",
            lint.code
        );
        assert!(
            !lint.says.contains("  "),
            "{}: a line was joined badly",
            lint.code
        );
        assert_eq!(find(lint.code), Some(lint));
        assert_eq!(find(&lint.name.to_lowercase()), Some(lint));
    }
    assert_eq!(find("NL000"), None);
}

#[test]
fn the_worst_is_the_gravest() {
    let findings = leaf(&Forge::root("g1", "p256-a").certificate(), &CLOUD);
    assert_eq!(worst(&findings), Some(Severity::Error));
    assert_eq!(worst(&[]), None);
    assert!(Severity::Note < Severity::Warning && Severity::Warning < Severity::Error);
}

#[test]
fn a_finding_tells_now_the_limit_and_the_gap() {
    let root = Forge::root("g1", "p256-a");
    let ended = Forge::leaf("w", "p256-b", &root).with(|f| f.not_after = now() - days(3));
    let finding = leaf(&ended.certificate(), &CLOUD).remove(0);
    let short = ended.certificate().fingerprint().short();
    assert_eq!(
        finding.to_string(),
        format!(
            "error[NL301] O=acme, CN=w ({short}): expected an end after now, 2026-03-01T00:00:00Z, \
             found 2026-02-26T00:00:00Z: it ended 3 d ago"
        ),
    );
    let json = serde_json::to_value(&finding).unwrap();
    assert_eq!(json["lint"]["code"], "NL301");
    assert_eq!(json["lint"]["severity"], "error");
    assert_eq!(json["lint"]["profiles"][0], "temporal-cloud");
}
