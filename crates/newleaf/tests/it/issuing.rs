//! CAs and leaves are issued as asked, or not at all.

use crate::bench::{Bench, mode};

#[test]
fn what_is_issued_satisfies_openssl() {
    for key in ["ecdsa-p256", "ecdsa-p384", "rsa-2048"] {
        let bench = Bench::new();
        bench.done(&format!(
            "ca new --unencrypted --out ca --common-name ca-g1 --key {key}"
        ));
        bench.done(&format!(
            "leaf issue --ca ca --out w --common-name w --san dns:w.x --san ip:10.0.0.7 --key {key}"
        ));
        let verify = "verify -x509_strict -purpose sslclient -CAfile ca/ca.crt w/tls.crt";
        if let Some(opinion) = bench.openssl(verify) {
            assert_eq!(opinion.code, 0, "{key}: {}{}", opinion.out, opinion.err);
        }
        if let Some(opinion) = bench.openssl("x509 -in w/tls.crt -noout -ext subjectAltName") {
            assert!(
                opinion.out.contains("DNS:w.x, IP Address:10.0.0.7"),
                "{}",
                opinion.out
            );
        }
    }
}

#[test]
fn a_leaf_of_another_ca_is_refused_by_openssl() {
    let bench = Bench::with_identity();
    bench.done("ca new --unencrypted --out other --common-name other-g1");
    let verify = "verify -x509_strict -purpose sslclient -CAfile other/ca.crt worker/tls.crt";
    if let Some(opinion) = bench.openssl(verify) {
        assert_ne!(opinion.code, 0);
    }
}

/// What was asked for is what the certificate says, to the second.
#[test]
fn subject_key_and_validity_are_as_asked() {
    let bench = Bench::new();
    bench.done("ca new --unencrypted --out ca --common-name ca-g1 --organization acme --key ecdsa-p256 --lifetime 8d --backdate 1h");
    bench.done("leaf issue --ca ca --out w --common-name w --organization acme --organizational-unit pay --key rsa-2048 --lifetime 36h --backdate 30m --san dns:w.x");
    for (file, subject, key, hours) in [
        ("ca/ca.crt", "O=acme, CN=ca-g1", "ECDSA P-256", 8 * 24 + 1),
        ("w/tls.crt", "O=acme, OU=pay, CN=w", "RSA 2048", 36),
    ] {
        let told = bench.done(&format!("inspect --json {file}")).json();
        let one = &told[0]["certificates"][0];
        assert_eq!(one["subject"], subject);
        assert_eq!(one["key"], key, "{one}");
        let at = |end: &str| one[end].as_str().unwrap().parse::<jiff::Timestamp>();
        let life = at("not_after")
            .unwrap()
            .duration_since(at("not_before").unwrap());
        let backdated = i64::from(file == "w/tls.crt") * 30;
        assert_eq!(life.as_mins(), hours * 60 + backdated, "{one}");
    }
}

#[test]
fn keys_are_for_their_owner_only() {
    let bench = Bench::with_identity();
    assert_eq!(mode(&bench.path("ca/ca.key")), 0o600);
    assert_eq!(mode(&bench.path("worker/tls.key")), 0o600);
    assert_eq!(mode(&bench.path("worker/tls.crt")), 0o644);
}

#[test]
fn nothing_is_overwritten_without_force() {
    let bench = Bench::with_identity();
    let (ca, key) = (bench.read("ca/ca.crt"), bench.read("ca/ca.key"));
    bench.fails(
        "ca new --unencrypted --out ca --common-name ca-g2",
        1,
        "F005",
    );
    assert_eq!(
        (bench.read("ca/ca.crt"), bench.read("ca/ca.key")),
        (ca.clone(), key)
    );
    let leaf = bench.read("worker/tls.crt");
    bench.fails("leaf issue --ca ca --out worker --common-name b", 1, "F005");
    assert_eq!(bench.read("worker/tls.crt"), leaf);
    bench.done("ca new --unencrypted --out ca --common-name ca-g2 --force");
    assert_ne!(bench.read("ca/ca.crt"), ca);
}

/// One of the two files is enough to stop, and the other one is not made.
#[test]
fn a_key_that_is_there_alone_is_kept_too() {
    let bench = Bench::new();
    fs_err::create_dir(bench.path("ca")).unwrap();
    bench.write("ca/ca.key", "somebody's");
    bench.fails(
        "ca new --unencrypted --out ca --common-name ca-g1",
        1,
        "F005",
    );
    assert_eq!(bench.read("ca/ca.key"), "somebody's");
    assert!(!bench.path("ca/ca.crt").exists());
}

#[test]
fn a_leaf_never_outlives_its_ca() {
    let bench = Bench::with_identity();
    let said = bench.fails(
        "leaf issue --ca ca --out long --common-name w --lifetime 366d",
        2,
        "I001",
    );
    assert!(
        said.err
            .contains("expected a leaf that ends by its CA's end"),
        "{}",
        said.err
    );
    assert!(said.err.contains("help: the CA has 36"), "{}", said.err);
    assert!(!bench.path("long").exists());
}

#[test]
fn a_key_that_is_not_the_cas_does_not_sign() {
    let bench = Bench::with_identity();
    bench.done("ca new --unencrypted --out other --common-name other-g1");
    let arguments = "leaf issue --ca-cert ca/ca.crt --ca-key other/ca.key --out w --common-name w";
    let said = bench.fails(arguments, 2, "I001");
    assert!(
        said.err
            .contains("expected the private key of CA `O=acme, CN=ca-g1`, found another key"),
        "{}",
        said.err
    );
    assert!(!bench.path("w").exists());
}

#[test]
fn a_leaf_does_not_sign() {
    let bench = Bench::with_identity();
    let arguments =
        "leaf issue --ca-cert worker/tls.crt --ca-key worker/tls.key --out w --common-name w";
    let said = bench.fails(arguments, 2, "I001");
    assert!(
        said.err
            .contains("expected a CA certificate that may sign certificates"),
        "{}",
        said.err
    );
}

#[test]
fn names_follow_x520() {
    let bench = Bench::with_identity();
    let long = "n".repeat(65);
    bench.fails(
        &format!("ca new --unencrypted --out x --common-name {long}"),
        2,
        "I001",
    );
    bench.fails(
        &format!("leaf issue --ca ca --out x --common-name {long}"),
        2,
        "I001",
    );
    let twin = bench.fails(
        "leaf issue --ca ca --out x --organization acme --common-name CA-G1",
        2,
        "I001",
    );
    assert!(
        twin.err
            .contains("expected a subject that differs from its issuer's"),
        "{}",
        twin.err
    );
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let bench = Bench::with_identity();
    bench.write("file", "");
    let said = bench.fails(
        "ca new --unencrypted --out file/ca --common-name c",
        1,
        "F006",
    );
    assert!(said.err.contains("file/ca"), "{}", said.err);
}

const CONFIG: &str = "\
domains:
  payments:
    issuer: { organization: acme, unencrypted: true }
    trust_points:
      payments.a2dd6:
        manual: {}
        endpoints: [{ address: \"localhost:7233\" }]
    holders:
      worker-a: { store: { directory: a/tls }, sans: [\"dns:a.x\"] }
      worker-b: { store: { directory: b/tls } }
";

#[test]
fn a_trust_domain_begins_with_its_first_ca() {
    let bench = Bench::new();
    bench.write("newleaf.yaml", CONFIG);
    let said = bench.done("ca show payments");
    assert!(said.err.contains("newleaf ca new payments"), "{}", said.err);
    bench.done("ca new payments");
    assert_eq!(mode(&bench.path("ca/g1/ca.key")), 0o600);
    let said = bench.done("inspect --json ca/g1/ca.crt");
    assert_eq!(
        said.json()[0]["certificates"][0]["subject"],
        "O=acme, CN=payments-ca g1"
    );
    let (certificate, key) = (bench.read("ca/g1/ca.crt"), bench.read("ca/g1/ca.key"));
    let said = bench.fails("ca new payments", 1, "I003");
    assert!(
        said.err.contains("help: `newleaf rotate ca payments`"),
        "{}",
        said.err
    );
    assert_eq!(
        (bench.read("ca/g1/ca.crt"), bench.read("ca/g1/ca.key")),
        (certificate, key)
    );
    let said = bench.done("ca show payments");
    assert!(
        said.out
            .starts_with("g1  its key is there\ntime left    364 d 23 h\n")
            || said.out.contains("365 d"),
        "{}",
        said.out
    );
    bench.fails("ca new billing", 2, "C005");
}

#[test]
fn a_holder_gets_its_first_leaf_into_its_store() {
    let bench = Bench::new();
    bench.write("newleaf.yaml", CONFIG);
    let said = bench.fails("leaf issue payments worker-a", 1, "I004");
    assert!(
        said.err.contains("help: `newleaf ca new payments`"),
        "{}",
        said.err
    );
    bench.done("ca new payments");
    bench.done("leaf issue payments worker-a");
    assert_eq!(mode(&bench.path("a/tls/tls.key")), 0o600);
    let said = bench.done("lint --format json --bundle ca/g1/ca.crt a/tls/tls.crt");
    assert_eq!(said.out.trim(), "[]");
    let leaf = bench.read("a/tls/tls.crt");
    let said = bench.fails("leaf issue payments worker-a", 1, "F005");
    assert!(
        said.err.contains("help: `newleaf rotate leaf payments`"),
        "{}",
        said.err
    );
    assert_eq!(bench.read("a/tls/tls.crt"), leaf);
    bench.done("leaf issue payments worker-a --force");
    assert_ne!(bench.read("a/tls/tls.crt"), leaf);
    bench.fails("leaf issue payments worker-c", 2, "C005");
    assert!(!bench.path("b").exists());
}

/// A leaf that is somewhere and not in the journal would make the proof of expiry a lie.
#[test]
fn without_a_journal_no_leaf_is_handed_out() {
    let bench = Bench::new();
    bench.write("newleaf.yaml", CONFIG);
    bench.done("ca new payments");
    fs_err::create_dir_all(bench.path(".newleaf/journal.db")).unwrap();
    bench.fails("leaf issue payments worker-a", 1, "J001");
    assert!(!bench.path("a").exists());
}

/// Which of two CAs is in use is not for a command to guess; and a rollover, which could not begin either, is no advice.
#[test]
fn of_two_cas_with_a_key_none_signs() {
    let bench = Bench::new();
    bench.write("newleaf.yaml", CONFIG);
    bench.done("ca new payments");
    bench.done("ca new --out ca/g2 --common-name payments-ca-g2 --unencrypted");
    for command in ["leaf issue payments worker-a", "plan ca payments"] {
        let said = bench.fails(command, 1, "I004");
        assert!(said.err.contains("found g1 and g2"), "{}", said.err);
        assert!(
            said.err.contains("move the other's `ca.key` out of"),
            "{}",
            said.err
        );
        assert!(!said.err.contains("newleaf rotate ca"), "{}", said.err);
    }
}
