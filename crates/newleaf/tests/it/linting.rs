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

/// A bench with findings of every severity: an expired CA, and a chain that nobody accepts.
fn judged(format: &str) -> (Bench, Said) {
    let bench = Bench::with_identity();
    let said = bench.run(&format!(
        "lint --format {format} --at 2100-01-01T00:00:00Z --bundle ca/ca.crt worker/tls.crt"
    ));
    assert_eq!(said.code, 3, "{}", said.err);
    (bench, said)
}

#[test]
fn sarif_has_each_rule_once_and_a_place_for_each_finding() {
    let (_bench, said) = judged("sarif");
    let log = said.json();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let ids: Vec<_> = rules
        .iter()
        .map(|rule| rule["id"].as_str().unwrap())
        .collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    let results = run["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(result["ruleId"], ids[index]);
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert!(
            ["ca/ca.crt", "worker/tls.crt"].contains(&place.as_str().unwrap()),
            "{place}"
        );
    }
}

/// The schema is the one of OASIS, as the crate serde-sarif 0.8.0 carries it.
#[test]
fn sarif_follows_the_schema_of_oasis() {
    let Some(python) = newleaf_parts::program("python") else {
        return;
    };
    let (bench, said) = judged("sarif");
    bench.write(
        "clean.sarif",
        &bench.done("lint --format sarif ca/ca.crt").out,
    );
    bench.write("found.sarif", &said.out);
    bench.write("wrong.sarif", &said.out.replace("ruleIndex", "ruleIndices"));
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sarif-2.1.0.json");
    let program = "import fastjsonschema, json, sys\n\
                   read = lambda path: json.load(open(path))\n\
                   fastjsonschema.compile(read(sys.argv[1]))(read(sys.argv[2]))";
    let accepts = |file: &str| {
        let output = std::process::Command::new(&python)
            .args(["-c", program, schema])
            .arg(bench.path(file))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), said)
    };
    for file in ["clean.sarif", "found.sarif"] {
        let (accepted, said) = accepts(file);
        assert!(accepted, "{file}: {said}");
    }
    let (accepted, said) = accepts("wrong.sarif");
    assert!(!accepted && said.contains("ruleIndices"), "{said}");
}

#[test]
fn a_key_is_held_against_the_leaf_and_its_file_is_judged() {
    let bench = Bench::with_identity();
    let lint = |key: &str| {
        let said = bench.run(&format!("lint --format json worker/tls.crt --key {key}"));
        (said.code, codes(&said))
    };
    assert_eq!(lint("worker/tls.key"), (0, Vec::new()));
    assert_eq!(lint("ca/ca.key"), (3, vec!["NL207".to_owned()]));
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs_err::set_permissions(bench.path("worker/tls.key"), open).unwrap();
    assert_eq!(lint("worker/tls.key"), (0, vec!["NL214".to_owned()]));
}

#[test]
fn ca_files_of_a_server_of_ones_own_are_judged_together() {
    let bench = Bench::with_identity();
    bench.done("ca new --unencrypted --out ca2 --organization acme --common-name ca-g2");
    bench.write(
        "both.pem",
        &(bench.read("ca/ca.crt") + &bench.read("ca2/ca.crt")),
    );
    let lint = |files: &str| {
        codes(&bench.done(&format!("lint --profile self-hosted --format json {files}")))
    };
    assert!(lint("ca/ca.crt ca2/ca.crt").is_empty());
    assert_eq!(lint("ca/ca.crt both.pem"), ["NL901"]);
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
