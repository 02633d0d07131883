//! Keys behind passphrases, CAs below CAs, requests, renewals, lists of the revoked, and what Java gets.

use std::{
    io::{Read as _, Write as _},
    process::{Command, Stdio},
};

use crate::bench::{Bench, Said, mode};

/// A bench with a passphrase in `p`, and an encrypted CA in `ca`.
fn sealed() -> Bench {
    let bench = Bench::new();
    bench.write("p", "correct horse\n");
    bench.done("ca new --out ca --organization acme --common-name ca-g1 --passphrase file:p");
    bench
}

#[track_caller]
fn openssl(bench: &Bench, arguments: &str) -> Option<Said> {
    let said = bench.openssl(arguments)?;
    assert_eq!(
        said.code, 0,
        "openssl {arguments}\n{}{}",
        said.out, said.err
    );
    Some(said)
}

#[test]
fn a_ca_key_is_encrypted_unless_somebody_says_otherwise() {
    let bench = sealed();
    assert!(
        bench
            .read("ca/ca.key")
            .starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    );
    assert_eq!(mode(&bench.path("ca/ca.key")), 0o600);
    bench.done("leaf issue --ca ca --passphrase file:p --out w --common-name w");
    openssl(
        &bench,
        "verify -x509_strict -purpose sslclient -CAfile ca/ca.crt w/tls.crt",
    );
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
    let bench = sealed();
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
fn a_ca_below_another_signs_leaves_that_lead_to_the_root() {
    let bench = Bench::new();
    bench.done(
        "ca new --unencrypted --out root --common-name root-g1 --path-length 1 --lifetime 400d",
    );
    bench.done(
        "ca new --unencrypted --out ca --common-name workers-g1 --parent root --lifetime 300d",
    );
    bench.done("leaf issue --ca ca --out w --common-name w --san dns:w.x");
    let chain = bench.read("w/tls.crt");
    assert_eq!(
        chain.matches("BEGIN CERTIFICATE").count(),
        2,
        "leaf and intermediate"
    );
    openssl(
        &bench,
        "verify -x509_strict -purpose sslclient -CAfile root/ca.crt -untrusted ca/ca.crt w/tls.crt",
    );
    bench.write(
        "bundle.pem",
        &(bench.read("ca/ca.crt") + &bench.read("root/ca.crt")),
    );
    let said = bench.done("lint --format json --bundle bundle.pem w/tls.crt");
    assert_eq!(said.out.trim(), "[]");
    // Never more than the parent.
    let refused = bench.fails(
        "ca new --unencrypted --out x --common-name x --parent ca",
        2,
        "I001",
    );
    assert!(
        refused
            .err
            .contains("path length under the 0 of the parent")
            && refused.err.contains("--path-length 1"),
        "{}",
        refused.err
    );
    let refused = bench.fails(
        "ca new --unencrypted --out x --common-name x --parent root --lifetime 401d",
        2,
        "I001",
    );
    assert!(
        refused.err.contains("within its parent's validity"),
        "{}",
        refused.err
    );
    assert!(!bench.path("x").exists());
}

#[test]
fn constraints_bind_what_is_signed() {
    let bench = Bench::new();
    bench.done(
        "ca new --unencrypted --out ca --organization acme --common-name c --permit dns:workers.example --exclude dns:old.workers.example --permit ip:10.0.0.0/8 --permit email:acme.example",
    );
    if let Some(said) = openssl(&bench, "x509 -in ca/ca.crt -noout -ext nameConstraints") {
        for expected in [
            "DNS:workers.example",
            "DNS:old.workers.example",
            "IP:10.0.0.0/255.0.0.0",
            "email:acme.example",
        ] {
            assert!(said.out.contains(expected), "{expected}: {}", said.out);
        }
    }
    let issue = "leaf issue --ca ca --organization acme --common-name w --out";
    bench.done(&format!(
        "{issue} a --san dns:a.workers.example --san ip:10.1.2.3"
    ));
    openssl(
        &bench,
        "verify -x509_strict -purpose sslclient -CAfile ca/ca.crt a/tls.crt",
    );
    for (kind, name) in [
        ("dns", "a.example"),
        ("dns", "b.old.workers.example"),
        ("ip", "11.0.0.1"),
    ] {
        let asked = format!("{issue} b --san dns:a.workers.example --san {kind}:{name}");
        let said = bench.fails(&asked, 2, "I001");
        let found = format!("found `{}:{name}`", kind.to_uppercase());
        assert!(said.err.contains(&found), "{}", said.err);
    }
}

#[test]
fn a_request_is_signed_by_policy() {
    let bench = sealed();
    bench.done(
        "csr new --out host --common-name worker-a --organization acme --san dns:a.workers.example --san dns:temporal.io",
    );
    assert_eq!(mode(&bench.path("host/tls.key")), 0o600);
    assert_eq!(bench.names("host"), ["tls.csr", "tls.key"]);
    openssl(&bench, "req -in host/tls.csr -verify -noout");
    let sign = "csr sign host/tls.csr --ca ca --passphrase file:p";
    let said = bench.done(&format!(
        "{sign} --out host/tls.crt --allow-san dns:*.workers.example"
    ));
    assert!(
        said.err.contains("left out: `DNS:temporal.io`"),
        "{}",
        said.err
    );
    let said = bench.done("inspect --json host");
    let shown = said.out;
    assert!(
        shown.contains("a.workers.example") && !shown.contains("temporal.io"),
        "{shown}"
    );
    openssl(
        &bench,
        "verify -x509_strict -purpose sslclient -CAfile ca/ca.crt host/tls.crt",
    );
    bench.fails(&format!("{sign} --out host/tls.crt"), 1, "F005");
    bench.fails("csr new --out host --common-name b", 1, "F005");
    // A request for the key that is there.
    let key = bench.read("host/tls.key");
    bench.done("csr new --out host --common-name worker-a --same-key --force");
    assert_eq!(bench.read("host/tls.key"), key);
}

/// What openssl's requests ask for beyond a leaf is never given, and a request whose proof is broken is not read.
#[test]
fn a_request_of_openssl_gets_no_more_than_a_leaf() {
    let bench = Bench::with_identity();
    bench.write(
        "req.cnf",
        "[req]\ndistinguished_name=dn\nreq_extensions=ext\nprompt=no\n[dn]\nC=DE\nO=evil\nCN=w\n[ext]\nbasicConstraints=CA:TRUE\nkeyUsage=keyCertSign\nextendedKeyUsage=serverAuth,codeSigning\nsubjectAltName=DNS:w.x\n",
    );
    let ask = "req -new -newkey rsa:2048 -nodes -keyout w.key -out w.csr -config req.cnf";
    if openssl(&bench, ask).is_none() {
        return;
    }
    bench.write(
        "newleaf.yaml",
        "profiles:\n  worker: { organization: acme, lifetime: 7d, sans: [\"dns:{common_name}.workers.example\"] }\n",
    );
    let said = bench.done("csr sign w.csr --ca ca --out w.crt --profile worker");
    for left_out in [
        "`C=DE` of the subject",
        "`O=evil`: the profile says otherwise",
        "to be a CA",
        "purpose serverAuth",
        "key usage",
        "`DNS:w.x`: no profile",
    ] {
        assert!(
            said.err.contains(&format!("left out: {left_out}")),
            "{left_out}: {}",
            said.err
        );
    }
    if let Some(said) = openssl(&bench, "x509 -in w.crt -noout -text") {
        for expected in [
            "CA:FALSE",
            "TLS Web Client Authentication",
            "DNS:w.workers.example",
        ] {
            assert!(said.out.contains(expected), "{expected}: {}", said.out);
        }
        for unwanted in ["Certificate Sign", "Code Signing", "TLS Web Server"] {
            assert!(!said.out.contains(unwanted), "{unwanted}: {}", said.out);
        }
    }
    openssl(&bench, "req -in w.csr -outform DER -out w.der");
    let mut der = fs_err::read(bench.path("w.der")).unwrap();
    *der.last_mut().unwrap() ^= 1;
    fs_err::write(bench.path("w.der"), der).unwrap();
    let said = bench.fails("csr sign w.der --ca ca --out x.crt", 2, "F010");
    assert!(said.err.contains("found another signature"), "{}", said.err);
}

#[test]
fn a_leaf_is_renewed_with_a_new_key_or_its_own() {
    let bench = Bench::with_identity();
    let (leaf, key) = (bench.read("worker/tls.crt"), bench.read("worker/tls.key"));
    bench.done("leaf renew worker --ca ca");
    let (leaf_2, key_2) = (bench.read("worker/tls.crt"), bench.read("worker/tls.key"));
    assert!(leaf_2 != leaf && key_2 != key);
    bench.done("leaf renew worker --ca ca --same-key --lifetime 2d");
    assert_eq!(bench.read("worker/tls.key"), key_2);
    assert_ne!(bench.read("worker/tls.crt"), leaf_2);
    let said = bench.done("inspect --json worker/tls.crt");
    let shown = &said.json()[0]["certificates"][0];
    assert_eq!(shown["subject"], "O=acme, CN=worker-a");
    assert!(said.out.contains("a.x"), "{}", said.out);
    let said = bench.done("lint --format json --bundle ca/ca.crt worker/tls.crt");
    assert_eq!(said.out.trim(), "[]");
    assert_eq!(mode(&bench.path("worker/tls.key")), 0o600);
}

#[test]
fn a_leaf_ends_with_its_ca_only_if_somebody_says_so() {
    let bench = Bench::with_identity();
    let issue = "leaf issue --ca ca --out long --common-name w --lifetime 400d";
    let said = bench.fails(issue, 2, "I001");
    assert!(said.err.contains("--shorten"), "{}", said.err);
    let said = bench.done(&format!("{issue} --shorten"));
    assert!(
        said.err.contains("shortened: the leaf ends with its CA"),
        "{}",
        said.err
    );
}

#[test]
fn the_revoked_are_listed_and_refused() {
    let bench = Bench::with_identity();
    bench.done("leaf issue --ca ca --out b --common-name b");
    bench.done("crl new --ca ca");
    let verify = "verify -crl_check -CAfile ca/ca.crt -CRLfile ca/ca.crl";
    openssl(&bench, &format!("{verify} worker/tls.crt"));
    bench.fails("crl new --ca ca", 1, "F005");
    bench.done("crl update --ca ca --revoke worker/tls.crt --reason key-compromise");
    if let Some(said) = openssl(&bench, "crl -in ca/ca.crl -CAfile ca/ca.crt -noout -text") {
        for expected in [
            "verify OK",
            "Key Compromise",
            "X509v3 CRL Number",
            "X509v3 Authority Key Identifier",
        ] {
            let whole = format!("{}{}", said.out, said.err);
            assert!(whole.contains(expected), "{expected}: {whole}");
        }
        let refused = bench.openssl(&format!("{verify} worker/tls.crt")).unwrap();
        assert!(
            refused.code != 0 && refused.err.contains("revoked"),
            "{}",
            refused.err
        );
        openssl(&bench, &format!("{verify} b/tls.crt"));
    }
    // By the number that the record has; what it has not is not revoked.
    let record = bench.read("ca/issued.jsonl");
    let last: serde_json::Value = serde_json::from_str(record.lines().last().unwrap()).unwrap();
    let serial = last["serial"].as_str().unwrap();
    let said = bench.done(&format!("crl update --ca ca --revoke {serial}"));
    assert!(
        said.err.contains("list 3 of CA") && said.err.contains("2 revoked"),
        "{}",
        said.err
    );
    bench.fails("crl update --ca ca --revoke 0badc0de", 2, "I001");
    bench.done("ca new --unencrypted --out other --common-name other-g1");
    bench.fails("crl update --ca other --out ca/ca.crl", 2, "F011");
}

#[test]
fn keys_go_where_other_programs_want_them() {
    let bench = Bench::with_identity();
    bench.write("p", "changeit\n");
    bench.done("key convert worker/tls.key w.p12 --to pkcs12 --chain worker/tls.crt --alias worker --out-passphrase file:p");
    assert_eq!(mode(&bench.path("w.p12")), 0o600);
    openssl(
        &bench,
        "pkcs12 -in w.p12 -passin pass:changeit -nodes -out all.pem",
    );
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
    openssl(&bench, "pkey -in w.enc -passin pass:changeit -noout");
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

/// What tcld's own tests ask of issuing (its `TestCertificateGenerateCore` and its kin), asked of newleaf.
#[test]
fn what_tcld_promises_of_issuing_holds_here() {
    let bench = Bench::new();
    for (n, days) in [3, 8, 365, 1000].into_iter().enumerate() {
        bench.done(&format!(
            "ca new --unencrypted --out ca{n} --organization acme --common-name ca-g{n} --lifetime {days}d"
        ));
    }
    let said = bench.run("ca new --unencrypted --out x --common-name x --lifetime 3dd");
    assert_eq!(said.code, 2, "a malformed span");
    let said = bench.run("ca new --unencrypted --out x");
    assert_eq!(said.code, 2, "a missing name");
    bench.fails(
        "leaf issue --ca ca0 --out x --common-name x --lifetime 4d",
        2,
        "I001",
    );
    bench.done("leaf issue --ca ca2 --out w --common-name w --organization acme --organizational-unit u --lifetime 7d");
    // tcld's leaves have an empty unit, no key usage, no purpose and no SKI; its CAs share one name.
    let said = bench.done("lint --format json --bundle ca2/ca.crt w/tls.crt");
    assert_eq!(said.out.trim(), "[]");
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
