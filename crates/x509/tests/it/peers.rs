//! What other tools make, and what newleaf says of it: golden reports of the real tcld and certstrap, and of OpenSSL as most
//! pages tell people to call it. Instants and fingerprints are taken out; keys and serial numbers are new each time and not
//! spoken of.
//!
//! tcld and certstrap are built by `cargo xtask test` where Go is. What they cannot be asked for, and step, is played by
//! templates of their shape (`src/lint/tests/templates.rs`).

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use jiff::{SignedDuration, Timestamp};
use newleaf_x509::{
    Certificate, Chain, PrivateKey, TrustBundle,
    csr::Request,
    lint::{self, Context, Finding, Profile},
};

/// Runs a program in a directory; it must succeed.
fn run(program: &Path, room: &Path, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(room)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{} {arguments:?}: {said}",
        program.display()
    );
}

/// The report of a leaf below a CA, an hour after the leaf was made; empty if nothing is wrong.
fn report(room: &Path, ca: &str, leaf: &str) -> String {
    let read = |name: &str| {
        let text = fs_err::read_to_string(room.join(name)).unwrap();
        Certificate::all_from_pem(&text).unwrap()
    };
    let (ca, leaf) = (TrustBundle::new(read(ca)), Chain::new(read(leaf)).unwrap());
    let context = Context {
        profile: Profile::TemporalCloud,
        now: leaf.leaf().not_before() + SignedDuration::from_hours(1),
    };
    let findings = [
        lint::bundle(&ca, &context),
        lint::chain_to(&leaf, &ca, &context),
    ]
    .concat();
    let lines: Vec<_> = findings.iter().map(normalised).collect();
    lines.join("\n")
}

/// A finding without what differs from run to run.
fn normalised(finding: &Finding) -> String {
    let said = finding.to_string();
    let words = said.split(' ').map(|word| {
        let bare = word.trim_matches([',', ':', '(', ')', '`']);
        if bare.parse::<Timestamp>().is_ok() {
            word.replace(bare, "TIME")
        } else if bare.len() >= 8 && bare.bytes().all(|octet| octet.is_ascii_hexdigit()) {
            word.replace(bare, "FINGERPRINT")
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Returns where a peer is. Where Go is, `cargo xtask test` insists on it.
fn installed(peer: &str) -> Option<PathBuf> {
    let program = newleaf_parts::directory().map(|parts| parts.join("bin").join(peer));
    let found = program.filter(|program| program.exists());
    if found.is_none() {
        eprintln!("not judged: {peer} is not installed here");
    }
    found
}

/// A CA and leaves as `tcld generate-certificates` makes them when it is told what it insists on, and when it is told more. Its
/// DNS names end in four characters by chance, which may be ones that no host name has.
#[test]
fn tcld() {
    let Some(program) = installed("tcld") else {
        return;
    };
    let room = tempfile::tempdir().unwrap();
    let room = room.path();
    let generate = |line: &str| {
        let arguments: Vec<_> = line.split(' ').collect();
        let generate = ["--auto_confirm", "generate-certificates"];
        run(&program, room, &[&generate, &arguments[..]].concat());
    };
    generate("ca --org acme --validity-period 365d --ca-cert ca.pem --ca-key ca.key");
    let by_ca = "--ca-cert ca.pem --ca-key ca.key --org acme";
    generate(&format!("leaf {by_ca} --cert bare.pem --key bare.key"));
    generate(&format!(
        "leaf {by_ca} --organization-unit payments --common-name worker -d 90d --cert named.pem --key named.key"
    ));
    let report = |leaf: &str| {
        let report = report(room, "ca.pem", leaf);
        let lines: Vec<_> = report
            .lines()
            .filter(|line| !line.contains("NL116"))
            .collect();
        lines.join("\n")
    };
    insta::assert_snapshot!(report("bare.pem"), @r"
    note[NL414] O=acme (FINGERPRINT): expected a path length, found none
    warning[NL101] O=acme, OU= (FINGERPRINT): expected OU of at least 1 character, found an empty one
    note[NL209] O=acme, OU= (FINGERPRINT): expected a subject key identifier, found none
    warning[NL408] O=acme, OU= (FINGERPRINT): expected a key usage with digitalSignature, found none
    note[NL412] O=acme, OU= (FINGERPRINT): expected clientAuth, found no extended key usage
    ");
    insta::assert_snapshot!(report("named.pem"), @r"
    note[NL414] O=acme (FINGERPRINT): expected a path length, found none
    note[NL209] O=acme, OU=payments, CN=worker (FINGERPRINT): expected a subject key identifier, found none
    warning[NL408] O=acme, OU=payments, CN=worker (FINGERPRINT): expected a key usage with digitalSignature, found none
    note[NL412] O=acme, OU=payments, CN=worker (FINGERPRINT): expected clientAuth, found no extended key usage
    ");
    for name in ["ca", "bare", "named"] {
        let read = |end: &str| fs_err::read_to_string(room.join(format!("{name}.{end}"))).unwrap();
        let key = PrivateKey::from_pem(&read("key")).ok().unwrap();
        let certificate = Certificate::all_from_pem(&read("pem")).unwrap().remove(0);
        assert_eq!(
            key.public_key().spki(),
            certificate.public_key().spki(),
            "{name}"
        );
    }
}

#[test]
fn certstrap() {
    let Some(program) = installed("certstrap") else {
        return;
    };
    let room = tempfile::tempdir().unwrap();
    let room = room.path();
    let strap = |arguments: &[&str]| {
        run(
            &program,
            room,
            &[&["--depot-path", "out"], arguments].concat(),
        );
    };
    for (ca, kind) in [
        ("rsa", &["--key-bits", "2048"]),
        ("ec", &["--curve", "P-256"]),
    ] {
        let leaf = format!("{ca}-worker");
        let init = [
            "init",
            "--passphrase",
            "",
            "--organization",
            "acme",
            "--common-name",
            ca,
        ];
        strap(&[&init[..], kind].concat());
        let request = [
            "request-cert",
            "--passphrase",
            "",
            "--common-name",
            &leaf,
            "--domain",
            "worker.acme.test",
        ];
        strap(&[&request[..], kind].concat());
        strap(&["sign", &leaf, "--CA", ca, "--expires", "90 days"]);
        let request = fs_err::read_to_string(room.join(format!("out/{leaf}.csr"))).unwrap();
        let request = Request::from_pem(&request).unwrap();
        assert_eq!(request.sans().len(), 1);
        assert_eq!(request.wishes_beyond_leaf(), [""; 0]);
    }
    insta::assert_snapshot!(report(room, "out/rsa.crt", "out/rsa-worker.crt"), @"warning[NL410] CN=rsa-worker (FINGERPRINT): expected usages of an RSA 2048 key, found digitalSignature, keyEncipherment, dataEncipherment, keyAgreement");
    insta::assert_snapshot!(report(room, "out/ec.crt", "out/ec-worker.crt"), @"warning[NL410] CN=ec-worker (FINGERPRINT): expected usages of an ECDSA P-256 key, found digitalSignature, keyEncipherment, dataEncipherment, keyAgreement");
}

/// `openssl req -x509` and `openssl x509 -req` with nothing said, as the first page found tells people to. From 3.4 on OpenSSL
/// makes better leaves by itself, so that the report is that of the older.
#[test]
fn openssl_as_pages_tell() {
    let version = Command::new("openssl").arg("version").output();
    let said = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    if !said.is_ok_and(|said| said.starts_with("OpenSSL 3.0.")) {
        eprintln!("not judged: OpenSSL 3.0 is not installed here");
        return;
    }
    let room = tempfile::tempdir().unwrap();
    let room = room.path();
    let openssl = |line: &str| {
        let arguments: Vec<_> = line.split(' ').collect();
        run(Path::new("openssl"), room, &arguments);
    };
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 3650 -subj /CN=acme",
    );
    openssl("req -newkey rsa:2048 -nodes -keyout w.key -out w.csr -subj /CN=worker");
    openssl("x509 -req -in w.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -out w.crt");
    insta::assert_snapshot!(report(room, "ca.crt", "w.crt"), @r"
    note[NL414] CN=acme (FINGERPRINT): expected a path length, found none
    warning[NL405] CN=acme (FINGERPRINT): expected a key usage, found none
    error[NL009] CN=worker (FINGERPRINT): expected X.509 version 3, found version 1
    note[NL209] CN=worker (FINGERPRINT): expected a subject key identifier, found none
    warning[NL210] CN=worker (FINGERPRINT): expected the issuer's key identifier, found none
    warning[NL408] CN=worker (FINGERPRINT): expected a key usage with digitalSignature, found none
    note[NL412] CN=worker (FINGERPRINT): expected clientAuth, found no extended key usage
    ");
}
