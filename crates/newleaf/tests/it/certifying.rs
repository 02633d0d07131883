//! What a CA signs: CAs below it, requests, renewals, and lists of the revoked.

use crate::bench::{Bench, mode};

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
    bench.openssl_agrees(
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
    if let Some(said) = bench.openssl_agrees("x509 -in ca/ca.crt -noout -ext nameConstraints") {
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
    bench.openssl_agrees("verify -x509_strict -purpose sslclient -CAfile ca/ca.crt a/tls.crt");
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
    let bench = Bench::sealed();
    bench.done(
        "csr new --out host --common-name worker-a --organization acme --san dns:a.workers.example --san dns:temporal.io",
    );
    assert_eq!(mode(&bench.path("host/tls.key")), 0o600);
    assert_eq!(bench.names("host"), ["tls.csr", "tls.key"]);
    bench.openssl_agrees("req -in host/tls.csr -verify -noout");
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
    bench.openssl_agrees("verify -x509_strict -purpose sslclient -CAfile ca/ca.crt host/tls.crt");
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
    if bench.openssl_agrees(ask).is_none() {
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
    if let Some(said) = bench.openssl_agrees("x509 -in w.crt -noout -text") {
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
    bench.openssl_agrees("req -in w.csr -outform DER -out w.der");
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
    bench.openssl_agrees(&format!("{verify} worker/tls.crt"));
    bench.fails("crl new --ca ca", 1, "F005");
    bench.done("crl update --ca ca --revoke worker/tls.crt --reason key-compromise");
    if let Some(said) = bench.openssl_agrees("crl -in ca/ca.crl -CAfile ca/ca.crt -noout -text") {
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
        bench.openssl_agrees(&format!("{verify} b/tls.crt"));
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
