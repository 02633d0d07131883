//! Keys behind passphrases, asked for wherever they are, and in the forms that other programs want.

use std::{
    io::{Read as _, Write as _},
    process::{Command, Stdio},
};

use crate::bench::{Bench, mode};

#[test]
fn a_ca_key_is_encrypted_unless_somebody_says_otherwise() {
    let bench = Bench::sealed();
    assert!(
        bench
            .read("ca/ca.key")
            .starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    );
    assert_eq!(mode(&bench.path("ca/ca.key")), 0o600);
    bench.done("leaf issue --ca ca --passphrase file:p --out w --common-name w");
    bench.openssl_agrees("verify -x509_strict -purpose sslclient -CAfile ca/ca.crt w/tls.crt");
    bench.write("wrong", "correct horsf\n");
    let said = bench.fails(
        "leaf issue --ca ca --passphrase file:wrong --out x --common-name x",
        2,
        "F009",
    );
    assert!(!said.err.contains("horsf"), "{}", said.err);
    assert!(!bench.path("x").exists());
    let said = bench.done("ca new --out open --common-name c --unencrypted");
    assert!(
        said.err
            .contains("not encrypted: whoever reads the file can sign"),
        "{}",
        said.err
    );
}

#[test]
fn a_passphrase_comes_from_where_it_is() {
    let bench = Bench::sealed();
    let issue = "leaf issue --ca ca --out w --common-name w --force --passphrase";
    let mut with_variable = bench.newleaf(&format!("{issue} env:CA_SECRET"));
    assert!(
        with_variable
            .env("CA_SECRET", "correct horse")
            .status()
            .unwrap()
            .success()
    );
    let mut with_program = bench.newleaf(issue);
    assert!(
        with_program
            .arg("command:cat p")
            .status()
            .unwrap()
            .success()
    );
    bench.fails(&format!("{issue} env:NOT_SET_ANYWHERE"), 2, "F009");
    let said = bench.fails(&format!("{issue} file:nowhere"), 2, "F009");
    assert!(said.err.contains("first line of `nowhere`"), "{}", said.err);
    let said = bench.run(&format!("{issue} hunter2"));
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("never the passphrase itself"),
        "{}",
        said.err
    );
}

/// Types words at a terminal, each when it is asked for, and returns whether the command succeeded and what the terminal
/// showed. The terminal is made by `script`, which is part of every Debian; nothing, where it is missing.
fn type_at_a_terminal(bench: &Bench, line: &str, words: &[&str]) -> Option<(bool, String)> {
    let child = Command::new("timeout")
        .args(["60", "script", "-qec", line, "/dev/null"])
        .current_dir(bench.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        assert!(std::env::var_os("CI").is_none(), "`script` is needed in CI");
        eprintln!("`script` is not there: nobody was asked");
        return None;
    };
    let (mut keyboard, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut shown, mut n_asked) = (Vec::new(), 0);
    let mut words = words.iter();
    let mut byte = [0];
    while screen.read(&mut byte).unwrap() == 1 {
        shown.push(byte[0]);
        let asked = String::from_utf8_lossy(&shown).matches(": ").count();
        if asked > n_asked {
            n_asked = asked;
            if let Some(word) = words.next() {
                writeln!(keyboard, "{word}").unwrap();
            }
        }
    }
    drop(keyboard);
    let done = child.wait().unwrap().success();
    Some((done, String::from_utf8_lossy(&shown).into_owned()))
}

#[test]
fn a_person_is_asked_at_the_terminal_and_nothing_is_shown() {
    let bench = Bench::new();
    let line = |out: &str| {
        let newleaf = env!("CARGO_BIN_EXE_newleaf");
        format!("{newleaf} ca new --out {out} --common-name c")
    };
    let typed = type_at_a_terminal(&bench, &line("ca"), &["hunter2", "hunter2"]);
    let Some((done, shown)) = typed else {
        return;
    };
    assert!(done, "{shown}");
    assert!(shown.contains("passphrase for the CA's key: "), "{shown}");
    assert!(shown.contains("again: "), "{shown}");
    assert!(!shown.contains("hunter2"), "it was shown: {shown}");
    bench.write("p", "hunter2\n");
    bench.done("leaf issue --ca ca --passphrase file:p --out w --common-name w");
    let typed = type_at_a_terminal(&bench, &line("other"), &["hunter2", "hunter3"]);
    let (done, shown) = typed.unwrap();
    assert!(
        !done && shown.contains("the same passphrase twice"),
        "{shown}"
    );
    assert!(!bench.path("other").exists());
}

#[test]
fn keys_go_where_other_programs_want_them() {
    let bench = Bench::with_identity();
    bench.write("p", "changeit\n");
    bench.done("key convert worker/tls.key w.p12 --to pkcs12 --chain worker/tls.crt --alias worker --out-passphrase file:p");
    assert_eq!(mode(&bench.path("w.p12")), 0o600);
    bench.openssl_agrees("pkcs12 -in w.p12 -passin pass:changeit -nodes -out all.pem");
    let list = Command::new("keytool")
        .args(["-list", "-keystore", "w.p12", "-storepass", "changeit"])
        .current_dir(bench.path(""))
        .output();
    match list {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(
                said.contains("worker, ") && said.contains("PrivateKeyEntry"),
                "{said}"
            );
        }
        Err(_) => assert!(
            std::env::var_os("CI").is_none(),
            "`keytool` is needed in CI"
        ),
    }
    bench.done("key convert w.p12 again.key --to pkcs8 --passphrase file:p --chain-out again.crt");
    assert_eq!(bench.read("again.key"), bench.read("worker/tls.key"));
    assert_eq!(bench.read("again.crt"), bench.read("worker/tls.crt"));
    bench.done("key convert worker/tls.key w.sec1 --to sec1");
    assert!(
        bench
            .read("w.sec1")
            .starts_with("-----BEGIN EC PRIVATE KEY-----")
    );
    bench.done("key convert worker/tls.key w.enc --to encrypted-pkcs8 --out-passphrase file:p");
    bench.openssl_agrees("pkey -in w.enc -passin pass:changeit -noout");
    bench.fails("key convert worker/tls.key w.p1 --to pkcs1", 2, "F012");
    bench.fails("key convert worker/tls.key w.sec1 --to pkcs8", 1, "F005");
    bench.fails("key convert worker/tls.crt w.x --to pkcs8", 2, "F004");
    let said = bench.fails(
        "key convert worker/tls.key n.p12 --to pkcs12 --out-passphrase file:p",
        2,
        "F012",
    );
    assert!(said.err.contains("--chain tls.crt"), "{}", said.err);
}

const DOMAIN: &str = "\
domains:
  payments:
    issuer: { organization: acme, passphrase: \"file:p\" }
    trust_points:
      payments.a2dd6:
        manual: {}
        endpoints: [{ address: \"localhost:7233\" }]
    holders:
      worker-a: { store: { directory: a/tls } }
";

#[test]
fn a_trust_domains_ca_key_is_kept_as_the_configuration_says() {
    let bench = Bench::new();
    bench.write("newleaf.yaml", DOMAIN);
    bench.write("p", "correct horse\n");
    let said = bench.done("ca new payments");
    assert!(said.err.contains("0600, encrypted"), "{}", said.err);
    assert!(
        bench
            .read("ca/g1/ca.key")
            .starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    );
    bench.done("leaf issue payments worker-a");
    let said = bench.done("lint --format json --bundle ca/g1/ca.crt a/tls/tls.crt");
    assert_eq!(said.out.trim(), "[]");
    bench.write("p", "wrong\n");
    let said = bench.fails("leaf issue payments worker-a --force", 1, "I004");
    assert!(said.err.contains("expected the passphrase"), "{}", said.err);
    bench.write("newleaf.yaml", &DOMAIN.replace("file:p", "prompt"));
    let said = bench.fails("ca show payments", 2, "C003");
    assert!(said.err.contains("env:NAME"), "{}", said.err);
}

#[test]
fn secrets_that_everybody_may_read_are_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    bench.write("passphrase", "correct horse\n");
    let set = |file: &str, mode: u32| {
        let mode = std::fs::Permissions::from_mode(mode);
        fs_err::set_permissions(bench.path(file), mode).unwrap();
    };
    let warnings = |out: &str| {
        let issue =
            format!("leaf issue --ca ca --passphrase file:passphrase --common-name w --out {out}");
        bench.done(&issue).err.matches("warning: ").count()
    };
    set("passphrase", 0o600);
    bench.done("ca new --out ca --common-name g1 --passphrase file:passphrase");
    assert_eq!(warnings("a"), 0);
    set("passphrase", 0o644);
    assert_eq!(warnings("b"), 1);
    set("ca/ca.key", 0o604);
    assert_eq!(warnings("c"), 2);
    // A group is somebody's choice.
    set("passphrase", 0o640);
    set("ca/ca.key", 0o640);
    assert_eq!(warnings("d"), 0);
}
