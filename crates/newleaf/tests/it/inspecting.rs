//! `inspect` shows what is there, and says why where it cannot.

use crate::bench::Bench;

#[test]
fn a_directory_is_shown_with_each_key_beside_its_certificate() {
    let bench = Bench::with_identity();
    let said = bench.done("inspect --json ca worker");
    let files = said.json();
    let paths: Vec<_> = files
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["path"].as_str().unwrap())
        .collect();
    assert_eq!(
        paths,
        ["ca/ca.crt", "ca/ca.key", "worker/tls.crt", "worker/tls.key"]
    );
    assert_eq!(files[0]["certificates"][0]["kind"], "root");
    assert_eq!(
        files[2]["certificates"][0]["subject_alt_names"][0],
        "DNS:a.x"
    );
    let leaf = &files[2]["certificates"][0]["fingerprint"];
    assert_eq!(&files[3]["private_keys"][0]["certificate"], leaf);
    assert_eq!(files[3]["private_keys"][0]["mode"], "0600");
}

#[test]
fn openssl_reads_the_same_fingerprint() {
    let bench = Bench::with_identity();
    let ours =
        bench.done("inspect --json worker/tls.crt").json()[0]["certificates"][0]["fingerprint"]
            .clone();
    if let Some(opinion) = bench.openssl("x509 -in worker/tls.crt -noout -fingerprint -sha256") {
        let theirs = opinion
            .out
            .trim()
            .rsplit('=')
            .next()
            .unwrap()
            .replace(':', "")
            .to_lowercase();
        assert_eq!(ours, theirs);
    }
}

#[test]
fn der_is_read_too() {
    let bench = Bench::with_identity();
    if bench
        .openssl("x509 -in worker/tls.crt -outform DER -out worker/tls.der")
        .is_some()
    {
        let said = bench.done("inspect --json worker/tls.der");
        assert_eq!(
            said.json()[0]["certificates"][0]["subject"],
            "O=acme, CN=worker-a"
        );
    }
}

#[test]
fn pkcs12_is_opened_by_its_passphrase() {
    let bench = Bench::with_identity();
    bench.write("p", "correct horse\n");
    let convert = "key convert worker/tls.key worker/w.p12 --to pkcs12 --chain worker/tls.crt";
    bench.done(&format!("{convert} --out-passphrase file:p"));
    let shut = bench.done("inspect --json worker/w.p12").json();
    assert_eq!(shut[0]["certificates"].as_array().unwrap().len(), 0);
    let told = shut[0]["facts"][0]["value"].as_str().unwrap();
    assert!(told.contains("`--passphrase`"), "{told}");
    let open = bench
        .done("inspect --json worker/w.p12 --passphrase file:p")
        .json();
    let leaf = &open[0]["certificates"][0];
    assert_eq!(leaf["subject"], "O=acme, CN=worker-a");
    assert_eq!(
        open[0]["private_keys"][0]["certificate"],
        leaf["fingerprint"]
    );
    bench.write("wrong", "correct horsf\n");
    let said = bench.fails("inspect worker/w.p12 --passphrase file:wrong", 2, "F009");
    assert!(!said.err.contains("horsf"), "{}", said.err);
    if bench
        .openssl("pkcs12 -export -in worker/tls.crt -inkey worker/tls.key -out worker/o.p12 -passout file:p")
        .is_some()
    {
        let theirs = bench.done("inspect --json worker/o.p12 --passphrase file:p");
        let theirs = &theirs.json()[0]["certificates"][0];
        assert_eq!(theirs["fingerprint"], leaf["fingerprint"]);
    }
}

#[test]
fn a_key_is_looked_at_in_every_form() {
    let bench = Bench::with_identity();
    bench.write("p", "correct horse\n");
    let convert = "key convert worker/tls.key worker";
    bench.done(&format!("{convert}/plain.der --to pkcs8 --der"));
    for form in ["pem", "der --der"] {
        bench.done(&format!(
            "{convert}/sealed.{form} --to encrypted-pkcs8 --out-passphrase file:p"
        ));
    }
    let plain = bench.done("inspect --json worker/plain.der").json();
    assert_eq!(plain[0]["private_keys"][0]["kind"], "ECDSA P-256");
    for file in ["sealed.pem", "sealed.der"] {
        let shut = bench.done(&format!("inspect --json worker/{file}")).json();
        assert_eq!(
            shut[0]["private_keys"][0]["kind"],
            "encrypted with a passphrase"
        );
        let open = bench.done(&format!(
            "inspect --json worker/tls.crt worker/{file} --passphrase file:p"
        ));
        let (leaf, key) = (&open.json()[0], &open.json()[1]["private_keys"][0]);
        assert_eq!(key["kind"], "ECDSA P-256, encrypted with a passphrase");
        assert_eq!(key["certificate"], leaf["certificates"][0]["fingerprint"]);
    }
}

#[test]
fn the_time_that_is_left_comes_first_and_is_counted_from_the_instant_given() {
    let bench = Bench::with_identity();
    let described = bench.done("inspect --json worker/tls.crt").json();
    let end = described[0]["certificates"][0]["not_after"]
        .as_str()
        .unwrap();
    let end: jiff::Timestamp = end.parse().unwrap();
    let first = |hours_to_end: i64| {
        let at = end - jiff::SignedDuration::from_hours(hours_to_end);
        let said = bench.done(&format!("inspect worker/tls.crt --at {at}"));
        said.out.lines().nth(1).unwrap().to_owned()
    };
    assert_eq!(first(3 * 24 + 4), "└─ time left    3 d 4 h");
    assert_eq!(first(-2), "└─ time left    none, ended 2 h ago");
    assert_eq!(first(40 * 24), "└─ time left    begins in 9 d 23 h");
}

#[test]
fn what_cannot_be_read_is_explained() {
    let bench = Bench::with_identity();
    bench.fails("inspect missing.pem", 2, "F001");
    bench.write("empty.pem", "");
    bench.fails("inspect empty.pem", 2, "F002");
    let cut: String = bench.read("worker/tls.crt").chars().take(200).collect();
    bench.write("cut.pem", &cut);
    let said = bench.fails("inspect cut.pem", 2, "F002");
    assert!(
        said.err
            .contains("line 1: expected `-----END CERTIFICATE-----`"),
        "{}",
        said.err
    );
    bench.write(
        "garbage.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    let said = bench.fails("inspect garbage.pem", 2, "F002");
    assert!(
        said.err
            .contains("line 1: cannot read the certificate that begins here"),
        "{}",
        said.err
    );
    fs_err::create_dir(bench.path("nothing")).unwrap();
    bench.fails("inspect nothing", 2, "F002");
}

#[test]
fn no_colour_reaches_a_pipe() {
    let bench = Bench::with_identity();
    let said = bench.done("inspect ca worker");
    assert!(!said.out.contains('\u{1b}') && !said.err.contains('\u{1b}'));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    use std::process::Stdio;
    let bench = Bench::with_identity();
    let mut child = bench
        .newleaf("inspect ca worker")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(output.stderr.is_empty());
}
