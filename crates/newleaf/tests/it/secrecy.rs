//! A private key goes nowhere: not into a bundle, not into an output.

use crate::bench::{Bench, Said};

/// The lines of a key's PEM that are its secret.
fn secret_lines(pem: &str) -> Vec<&str> {
    let lines: Vec<_> = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    assert!(!lines.is_empty());
    lines
}

#[track_caller]
fn check(bench: &Bench, arguments: &str, key: &str) -> Said {
    let said = bench.run(arguments);
    for line in secret_lines(key) {
        for output in [&said.out, &said.err] {
            assert!(
                !output.contains(line),
                "newleaf {arguments} printed the key"
            );
        }
    }
    said
}

#[test]
fn a_key_in_a_bundle_is_refused_and_never_printed() {
    let bench = Bench::with_identity();
    let key = bench.read("ca/ca.key");
    bench.write("mixed.pem", &(bench.read("ca/ca.crt") + &key));
    let said = check(&bench, "lint mixed.pem", &key);
    assert_eq!(said.code, 3);
    assert!(said.out.contains("mixed.pem"), "{}", said.out);
    assert_eq!(check(&bench, "lint --format json mixed.pem", &key).code, 3);
    assert_eq!(
        check(&bench, "lint --bundle mixed.pem --current ca/ca.crt", &key).code,
        3
    );
    let said = check(
        &bench,
        "sandbox --namespace a.b --client-ca mixed.pem",
        &key,
    );
    assert_eq!(said.code, 2);
    assert!(said.err.starts_with("error[F003]: "), "{}", said.err);
    assert!(said.err.contains("found `PRIVATE KEY`"), "{}", said.err);
    check(
        &bench,
        "leaf issue --ca-cert mixed.pem --ca-key ca/ca.key --out w --common-name w",
        &key,
    );
    assert!(!bench.path("w").exists());
}

#[test]
fn keys_are_inspected_without_being_shown() {
    let bench = Bench::with_identity();
    let key = bench.read("worker/tls.key");
    for arguments in [
        "inspect worker",
        "inspect --json worker",
        "inspect worker/tls.key",
        "lint worker/tls.key",
    ] {
        check(&bench, arguments, &key);
    }
}

#[test]
fn a_key_whose_text_is_broken_is_not_quoted() {
    let bench = Bench::with_identity();
    let key = bench.read("worker/tls.key");
    let broken = key.replacen("-----END", "!!!\n-----END", 1);
    bench.write("broken.key", &broken);
    for arguments in [
        "inspect broken.key",
        "leaf issue --ca-cert ca/ca.crt --ca-key broken.key --out w --common-name w",
    ] {
        let said = check(&bench, arguments, &key);
        assert_eq!(said.code, 2, "{}", said.err);
    }
}

#[test]
fn issuing_prints_no_key() {
    let bench = Bench::new();
    let said = bench.done("ca new --unencrypted --out ca --common-name c");
    for line in secret_lines(&bench.read("ca/ca.key")) {
        assert!(!said.out.contains(line) && !said.err.contains(line));
    }
}
