//! `verify` tells whether a server that trusts a bundle accepts a chain, and says why where it does not.

use crate::bench::Bench;

#[test]
fn a_chain_is_accepted_by_the_ca_that_signed_it() {
    let bench = Bench::with_identity();
    let said = bench.done("verify --json --bundle ca/ca.crt worker/tls.crt");
    let verdict = &said.json()[0];
    let mut fields: Vec<_> = verdict.as_object().unwrap().keys().cloned().collect();
    fields.sort_unstable();
    let expected = [
        "accepted",
        "accepted_by",
        "at",
        "not_after",
        "path",
        "reason",
        "subject",
    ];
    assert_eq!(fields, expected);
    assert_eq!(verdict["accepted"], true);
    assert!(verdict["reason"].is_null());
    let ca = bench.done("inspect --json ca/ca.crt").json();
    let ca = &ca[0]["certificates"][0];
    assert_eq!(
        verdict["accepted_by"]["fingerprint"], ca["fingerprint"],
        "{verdict}"
    );
}

#[test]
fn a_refusal_has_a_reason_and_an_exit_code() {
    let bench = Bench::with_identity();
    bench.done("ca new --unencrypted --out other --organization acme --common-name other-g1");
    let cases = [
        ("--bundle other/ca.crt worker/tls.crt", "accepted client CA"),
        ("--bundle ca/ca.crt ca/ca.crt", "expected a leaf first"),
        (
            "--at 2100-01-01T00:00:00Z --bundle ca/ca.crt worker/tls.crt",
            "expected a leaf valid at",
        ),
    ];
    for (arguments, reason) in cases {
        let said = bench.run(&format!("verify {arguments}"));
        assert_eq!(said.code, 3, "{arguments}: {}", said.err);
        assert!(said.out.contains("refused"), "{arguments}: {}", said.out);
        assert!(said.out.contains(reason), "{arguments}: {}", said.out);
        let said = bench.run(&format!("verify --json {arguments}"));
        assert_eq!(said.code, 3, "{arguments}");
        let verdict = &said.json()[0];
        assert_eq!(verdict["accepted"], false, "{verdict}");
        assert!(verdict["reason"].as_str().unwrap().contains(reason));
    }
}

#[test]
fn one_refusal_among_several_is_a_refusal() {
    let bench = Bench::with_identity();
    let said = bench.run("verify --bundle ca/ca.crt worker/tls.crt ca/ca.crt");
    assert_eq!(said.code, 3);
    let words: Vec<_> = said
        .out
        .lines()
        .map(|line| line.contains(": accepted: "))
        .collect();
    assert_eq!(words, [true, false], "{}", said.out);
}

#[test]
fn what_cannot_be_read_is_no_verdict() {
    let bench = Bench::with_identity();
    bench.write("text", "no certificate");
    for arguments in [
        "--bundle ca/ca.crt text",
        "--bundle text worker/tls.crt",
        "--bundle ca/ca.crt nothing.pem",
    ] {
        let said = bench.run(&format!("verify {arguments}"));
        assert_ne!(said.code, 0, "{arguments}");
        assert_ne!(said.code, 3, "{arguments}");
        assert!(said.out.is_empty(), "{arguments}");
    }
}
