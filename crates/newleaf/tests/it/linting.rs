//! `lint` judges certificates, sets, changes and filters; its exit code is its verdict.

use serde_json::Value;

use crate::bench::{Bench, Said};

fn codes(said: &Said) -> Vec<String> {
    let findings = said.json();
    let all = findings.as_array().unwrap().iter();
    all.map(|finding| finding["code"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn what_newleaf_issues_is_clean() {
    let bench = Bench::with_identity();
    for profile in ["temporal-cloud", "self-hosted", "rfc5280"] {
        let said = bench.done(&format!(
            "lint --profile {profile} --format json --bundle ca/ca.crt worker/tls.crt"
        ));
        assert_eq!(said.json(), Value::Array(Vec::new()), "{profile}");
    }
}

#[test]
fn json_findings_have_the_fields_that_machines_rely_on() {
    let bench = Bench::with_identity();
    let said = bench.run("lint --format json --at 2100-01-01T00:00:00Z ca/ca.crt");
    assert_eq!(said.code, 3);
    let finding = &said.json()[0];
    let fields: Vec<_> = finding.as_object().unwrap().keys().cloned().collect();
    let mut expected = ["code", "severity", "subject", "message", "citation"];
    expected.sort_unstable();
    let mut found = fields;
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(finding["severity"], "error");
}

#[test]
fn an_expired_ca_in_a_bundle_is_an_error() {
    let bench = Bench::with_identity();
    bench.done("ca new --unencrypted --out short --common-name short-g1 --lifetime 1d");
    bench.write(
        "both.pem",
        &(bench.read("ca/ca.crt") + &bench.read("short/ca.crt")),
    );
    bench.done("lint both.pem");
    let in_three_days = jiff::Timestamp::from_second(now() + 3 * 86_400).unwrap();
    let said = bench.run(&format!("lint --format json --at {in_three_days} both.pem"));
    assert_eq!(said.code, 3, "{}", said.err);
    assert!(said.out.contains("short-g1"), "{}", said.out);
}

#[test]
fn a_change_that_cuts_off_a_chain_in_use_is_an_error() {
    let bench = Bench::with_identity();
    bench.done("ca new --unencrypted --out ca2 --organization acme --common-name ca-g2");
    bench.write(
        "both.pem",
        &(bench.read("ca/ca.crt") + &bench.read("ca2/ca.crt")),
    );
    let rollover =
        bench.done("lint --format json --current ca/ca.crt --bundle both.pem worker/tls.crt");
    assert!(codes(&rollover).is_empty(), "{}", rollover.out);
    let too_early =
        bench.run("lint --format json --current both.pem --bundle ca2/ca.crt worker/tls.crt");
    assert_eq!(too_early.code, 3);
    assert!(too_early.out.contains("worker-a"), "{}", too_early.out);
}

#[test]
fn filters_are_judged_against_the_leaves_that_must_pass() {
    let bench = Bench::with_identity();
    bench.write(
        "good.json",
        r#"{"filters":[{"commonName":"worker-*","organization":"acme"}]}"#,
    );
    bench.write("bad.json", r#"{"filters":[{"commonName":"starter-*"}]}"#);
    bench.write("broken.json", r#"{"filters":[{"commonName":"a*b"}]}"#);
    let leaf = "--leaf worker/tls.crt --bundle ca/ca.crt --format json";
    bench.done(&format!("lint --filters good.json {leaf}"));
    let said = bench.run(&format!("lint --filters bad.json {leaf}"));
    assert_eq!(said.code, 3, "{}", said.err);
    let said = bench.fails(&format!("lint --filters broken.json {leaf}"), 2, "F007");
    assert!(said.err.contains("a*b"), "{}", said.err);
}

#[test]
fn what_cannot_be_read_is_not_judged() {
    let bench = Bench::new();
    bench.fails("lint missing.pem", 2, "F001");
    bench.write("text", "nothing of the kind\n");
    bench.fails("lint text", 2, "F002");
}

#[test]
fn every_code_that_is_found_can_be_explained() {
    let bench = Bench::with_identity();
    let said = bench.run("lint --format json --at 2100-01-01T00:00:00Z ca/ca.crt worker/tls.crt");
    for code in codes(&said) {
        let page = bench.done(&format!("explain {code}")).out;
        assert!(
            page.starts_with(&format!("# {code}: ")) && page.contains("**What to do.**"),
            "{page}"
        );
    }
}

fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_secs()).unwrap()
}
