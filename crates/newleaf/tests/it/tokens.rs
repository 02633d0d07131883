//! A CA whose key never leaves its token, which is the real SoftHSM2: whatever a CA signs is signed there.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    os::unix::net::UnixStream,
    path::Path,
    process::{Command, Stdio},
};

use crate::bench::{Bench, Said};

/// Where Debian puts the module.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// A bench with a token labelled `newleaf`, its PIN in `pin`, and a trust domain `d` whose CA keeps its key there.
struct TokenBench(Bench);

impl TokenBench {
    /// Nothing, where there is no token to be had; CI must have one.
    fn new() -> Option<Self> {
        if !Path::new(MODULE).exists() {
            let ci = std::env::var_os("CI").is_some();
            assert!(!ci, "SoftHSM2 is missing, and CI is set");
            eprintln!("not tested: SoftHSM2 is not installed here");
            return None;
        }
        let bench = Bench::new();
        fs_err::create_dir(bench.path("tokens")).unwrap();
        let tokens = bench.path("tokens");
        bench.write(
            "softhsm2.conf",
            &format!("directories.tokendir = {}\n", tokens.display()),
        );
        bench.write("pin", "1234\n");
        bench.write("server.pem", "");
        bench.write(
            "newleaf.yaml",
            &format!(
                "domains:\n  d:\n    issuer:\n      directory: ca\n      common_name: tok-ca\n      token: {{ module: {MODULE}, label: newleaf, pin: file:pin }}\n    trust_points:\n      self: {{ manual: {{}}, endpoints: [{{ address: \"127.0.0.1:1\", server_ca: server.pem }}] }}\n    holders:\n      w: {{ store: {{ directory: w }} }}\n"
            ),
        );
        let bench = Self(bench);
        let mut init = Command::new("softhsm2-util");
        init.args(["--init-token", "--free", "--label", "newleaf"])
            .args(["--pin", "1234", "--so-pin", "5678"]);
        let made = bench.with_tokens(&mut init).output().unwrap();
        assert!(made.status.success());
        Some(bench)
    }

    fn with_tokens<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("SOFTHSM2_CONF", self.0.path("softhsm2.conf"))
    }

    fn run(&self, arguments: &str) -> Said {
        let mut command = self.0.newleaf(arguments);
        Said::of(&self.with_tokens(&mut command).output().unwrap())
    }

    #[track_caller]
    fn done(&self, arguments: &str) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, 0, "newleaf {arguments}\n{}", said.err);
        said
    }
}

#[test]
fn a_ca_in_a_token_signs_lists_requests_and_renewals() {
    let Some(token) = TokenBench::new() else {
        return;
    };
    let (bench, ca) = (
        &token.0,
        format!("--ca ca/g1 --token newleaf --token-module {MODULE} --passphrase file:pin"),
    );
    token.done("ca new d");
    assert_eq!(
        bench
            .names("ca/g1")
            .iter()
            .filter(|n| *n == "ca.key")
            .count(),
        0
    );
    token.done("csr new --out host --common-name worker-c");
    token.done(&format!("csr sign host/tls.csr {ca} --out host/tls.crt"));
    let before = bench.read("host/tls.crt");
    token.done(&format!("leaf renew host {ca}"));
    assert_ne!(bench.read("host/tls.crt"), before);
    token.done(&format!("crl new {ca}"));
    token.done(&format!("crl update {ca} --revoke host/tls.crt"));
    let judge = "verify -crl_check -CAfile ca/g1/ca.crt -CRLfile ca/g1/ca.crl host/tls.crt";
    if let Some(said) = bench.openssl(judge) {
        assert!(said.err.contains("certificate revoked"), "{}", said.err);
    }
}

#[test]
fn a_ca_in_a_token_issues_leaves() {
    let Some(token) = TokenBench::new() else {
        return;
    };
    let bench = &token.0;
    token.done("ca new d");
    let key = format!("--token newleaf --token-module {MODULE} --passphrase file:pin");
    token.done(&format!(
        "leaf issue --ca ca/g1 {key} --out a --common-name worker-a --san dns:a.x"
    ));
    // The certificate may lie anywhere; the key's label is that of its subject.
    fs_err::copy(bench.path("ca/g1/ca.crt"), bench.path("elsewhere.crt")).unwrap();
    token.done(&format!(
        "leaf issue --ca-cert elsewhere.crt {key} --out b --common-name worker-b"
    ));
    let twice = token.run(&format!(
        "leaf issue --ca-cert elsewhere.crt --ca-key a/tls.key {key} --out c --common-name c"
    ));
    assert_eq!(twice.code, 2, "{}", twice.err);
    let neither = token.run("leaf issue --ca-cert elsewhere.crt --out c --common-name c");
    assert!(neither.err.contains("--token"), "{}", neither.err);
    let judge = "verify -x509_strict -purpose sslclient -CAfile ca/g1/ca.crt a/tls.crt b/tls.crt";
    if let Some(said) = bench.openssl(judge) {
        assert_eq!(said.code, 0, "{}", said.err);
    }
}

#[test]
fn a_ca_in_a_token_serves_leaves() {
    let Some(token) = TokenBench::new() else {
        return;
    };
    token.done("ca new d");
    let mut command = token.0.newleaf(&format!(
        "leaf serve --socket s --common-name worker-a --ca ca/g1 --token newleaf --token-module {MODULE} --passphrase file:pin"
    ));
    let command = token.with_tokens(&mut command);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let serves = lines.any(|line| line.unwrap().contains("serving"));
    let mut text = String::new();
    let read = UnixStream::connect(token.0.path("s")).and_then(|s| (&s).read_to_string(&mut text));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(serves && read.is_ok(), "{read:?}");
    let (chain, _key) = text.split_once("-----BEGIN PRIVATE KEY").unwrap();
    let chain = newleaf_x509::Certificate::all_from_pem(chain).unwrap();
    assert_eq!(chain[0].issuer().to_string(), "CN=tok-ca g1");
}

#[test]
fn a_root_and_what_is_below_it_keep_their_keys_in_a_token() {
    let Some(token) = TokenBench::new() else {
        return;
    };
    let bench = &token.0;
    let own = format!("--token newleaf --token-module {MODULE} --passphrase file:pin");
    let above = format!(
        "--parent root --parent-token newleaf --parent-token-module {MODULE} --parent-passphrase file:pin"
    );
    let root = "ca new --common-name root-g1 --path-length 1 --key rsa-2048";
    let said = token.done(&format!("{root} --out root {own}"));
    assert!(said.err.contains("in token `newleaf`"), "{}", said.err);
    assert_eq!(bench.names("root"), ["ca.crt"]);

    let again = token.run(&format!("{root} --out again {own}"));
    assert!(again.err.starts_with("error[I005]"), "{}", again.err);
    assert!(again.err.contains("--token-key"), "{}", again.err);
    token.done(&format!("{root} --out again {own} --token-key second"));

    // What the parent does not sign leaves no key behind, so that the name is free for the next try.
    let sub = "ca new --out sub --common-name workers-g1";
    let late = token.run(&format!("{sub} --lifetime 400d {own} {above}"));
    assert!(late.err.starts_with("error[I001]"), "{}", late.err);
    token.done(&format!("{sub} --lifetime 300d {own} {above}"));
    assert_eq!(bench.names("sub"), ["ca-chain.crt", "ca.crt"]);
    token.done(&format!(
        "ca new --out plain --common-name plain-g1 --lifetime 300d --unencrypted {above}"
    ));
    token.done(&format!(
        "leaf issue --ca sub {own} --out w --common-name worker-a"
    ));
    let judge =
        "verify -x509_strict -purpose sslclient -CAfile root/ca.crt -untrusted w/tls.crt w/tls.crt";
    if let Some(said) = bench.openssl(judge) {
        assert_eq!(said.code, 0, "{}", said.err);
    }
}

#[test]
fn what_a_token_does_not_have_is_told() {
    let Some(token) = TokenBench::new() else {
        return;
    };
    token.done("ca new d");
    token.0.write("wrong", "9999\n");
    let ca = format!("crl new --ca ca/g1 --token-module {MODULE}");
    for (rest, expected) in [
        ("--token newleaf --passphrase file:wrong", "found another"),
        ("--token other --passphrase file:pin", "labelled `other`"),
        (
            "--token newleaf --passphrase file:pin --token-key nobody",
            "labelled `nobody`",
        ),
    ] {
        let said = token.run(&format!("{ca} {rest}"));
        assert_eq!(said.code, 2, "{}", said.err);
        assert!(said.err.starts_with("error[I005]"), "{}", said.err);
        assert!(said.err.contains(expected), "{}", said.err);
        assert!(!said.err.contains("9999"), "{}", said.err);
    }
}
