//! PKCS #12, both ways, with openssl and with Java.

use jiff::{SignedDuration, Timestamp};
use newleaf_keystore::{
    KeyFile, Pkcs12, container,
    pkcs12::{PackError, Pkcs12Error},
    sealed::OpenError,
};
use newleaf_x509::{
    Certificate, PrivateKey,
    issue::{self, CaScope, CaTemplate, Issuer, LeafTemplate, LeafUse, Serial, Subject, Validity},
};

use crate::bench::{Bench, KEYS, SECRET, key, passphrase};

/// A leaf below an intermediate below a root: what goes into a file is leaf and intermediate.
pub(crate) fn chain(key: &PrivateKey) -> Vec<Certificate> {
    let now: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    let template = |name: &str, n: u8| CaTemplate {
        subject: Subject::new(name, Some("acme".to_owned()), None).unwrap(),
        serial: Serial::from_random([n; 16]),
        validity: Validity {
            not_before: now,
            not_after: now + SignedDuration::from_hours(24 * 3650),
        },
    };
    let (root_key, middle_key) = (self::key("P-384"), self::key("RSA 4096"));
    let scope = |path_length| CaScope {
        path_length,
        ..CaScope::default()
    };
    let root = issue::root(&template("root g1", 1), &scope(1), &root_key).unwrap();
    let issuer = Issuer::new(&root, &root_key).unwrap();
    let middle_public = middle_key.public_key();
    let middle = issue::intermediate(
        &template("workers g1", 2),
        &scope(0),
        middle_public,
        &issuer,
    )
    .unwrap();
    let leaf = LeafTemplate {
        subject: Subject::new("worker", None, None).unwrap(),
        sans: Vec::new(),
        serial: Serial::from_random([3; 16]),
        validity: template("unused", 1).validity,
        usage: LeafUse::Client,
    };
    let issuer = Issuer::new(&middle, &middle_key).unwrap();
    vec![issue::leaf(&leaf, key, &issuer).unwrap(), middle]
}

fn pkcs12(bytes: &[u8]) -> Pkcs12 {
    match container::read(bytes).unwrap() {
        KeyFile::Pkcs12(file) => file,
        KeyFile::Plain(_) | KeyFile::Sealed(_) => panic!("not PKCS #12"),
    }
}

#[test]
fn what_is_packed_is_unpacked() {
    for (kind, _) in KEYS {
        let key = key(kind);
        let chain = chain(&key);
        let packed = Pkcs12::pack(&key, &chain, "worker", &passphrase(SECRET)).unwrap();
        let opened = pkcs12(packed.der()).open(&passphrase(SECRET)).unwrap();
        assert_eq!(opened.key.secret_der(), key.secret_der());
        assert_eq!(opened.certificates, chain);
        let refused = packed.open(&passphrase("another")).err();
        assert_eq!(refused, Some(Pkcs12Error::Open(OpenError::WrongPassphrase)));
    }
}

#[test]
fn one_changed_byte_is_noticed() {
    let key = key("P-256");
    let packed = Pkcs12::pack(&key, &chain(&key), "w", &passphrase(SECRET)).unwrap();
    let mut der = packed.der().to_vec();
    let middle = der.len() / 3;
    der[middle] ^= 1;
    if let Some(spoiled) = Pkcs12::from_der(&der) {
        assert!(spoiled.open(&passphrase(SECRET)).is_err());
    }
}

#[test]
fn a_chain_of_another_key_is_not_packed() {
    let chain = chain(&key("P-256"));
    let refused = Pkcs12::pack(&key("P-384"), &chain, "w", &passphrase(SECRET)).err();
    assert_eq!(refused, Some(PackError::OtherKey));
    let none = Pkcs12::pack(&key("P-384"), &[], "w", &passphrase(SECRET)).err();
    assert_eq!(none, Some(PackError::OtherKey));
}

#[test]
fn openssl_reads_what_is_packed_here() {
    let bench = Bench::new();
    let key = key("P-256");
    let packed = Pkcs12::pack(&key, &chain(&key), "worker", &passphrase("secret")).unwrap();
    bench.write("w.p12", packed.der());
    let show = "pkcs12 -in w.p12 -passin pass:secret -nodes";
    if let Some(said) = bench.done("openssl", show) {
        assert_eq!(said.matches("BEGIN CERTIFICATE").count(), 2, "{said}");
        assert!(said.contains("friendlyName: worker"), "{said}");
        let KeyFile::Plain(again) = container::read(
            said.split("-----BEGIN PRIVATE KEY-----")
                .nth(1)
                .map(|rest| format!("-----BEGIN PRIVATE KEY-----{rest}"))
                .unwrap()
                .split_inclusive("-----END PRIVATE KEY-----")
                .next()
                .unwrap()
                .as_bytes(),
        )
        .unwrap() else {
            panic!("no key");
        };
        assert_eq!(again.public_key(), key.public_key());
    }
}

#[test]
fn what_openssl_packs_is_read_here() {
    let bench = Bench::new();
    let key = key("RSA 2048");
    let chain = chain(&key);
    bench.write("key.pem", key.to_pem().as_bytes());
    bench.write("leaf.pem", chain[0].to_pem());
    bench.write("middle.pem", chain[1].to_pem());
    for how in [
        "",
        "-macalg sha512",
        "-certpbe NONE",
        "-keypbe NONE",
        "-keypbe AES-128-CBC",
    ] {
        let pack = format!(
            "pkcs12 -export -inkey key.pem -in leaf.pem -certfile middle.pem -out w.p12 -passout pass:secret {how}"
        );
        if bench.done("openssl", &pack).is_none() {
            return;
        }
        let opened = pkcs12(&bench.read("w.p12")).open(&passphrase("secret"));
        let opened = opened.unwrap_or_else(|error| panic!("{how}: {error}"));
        assert_eq!(opened.key.public_key(), key.public_key(), "{how}");
        assert_eq!(opened.certificates, chain, "{how}");
    }
}

#[test]
fn java_lists_what_is_packed_here() {
    let bench = Bench::new();
    for kind in ["P-256", "RSA 2048"] {
        let key = key(kind);
        let packed = Pkcs12::pack(&key, &chain(&key), "worker", &passphrase("secret")).unwrap();
        bench.write("w.p12", packed.der());
        let list = "-list -v -keystore w.p12 -storetype PKCS12 -storepass secret";
        let Some(said) = bench.done("keytool", list) else {
            return;
        };
        assert!(said.contains("Entry type: PrivateKeyEntry"), "{said}");
        assert!(said.contains("Certificate chain length: 2"), "{said}");
        assert!(said.contains("Alias name: worker"), "{said}");
        // Listing reads certificates only; copying the entry decrypts the key.
        let copy = "-importkeystore -noprompt -srckeystore w.p12 -srcstorepass secret -destkeystore copy.p12 -deststorepass secret2 -deststoretype PKCS12";
        bench.done("keytool", copy);
        let opened = pkcs12(&bench.read("copy.p12")).open(&passphrase("secret2"));
        assert_eq!(opened.unwrap().key.public_key(), key.public_key());
        fs_err::remove_file(bench.path("copy.p12")).unwrap();
    }
}

#[test]
fn what_java_makes_is_read_here() {
    let bench = Bench::new();
    let make = "-genkeypair -alias w -keyalg EC -groupname secp256r1 -dname CN=worker -keystore w.p12 -storetype PKCS12 -storepass secret";
    if bench.done("keytool", make).is_some() {
        let opened = pkcs12(&bench.read("w.p12"))
            .open(&passphrase("secret"))
            .unwrap();
        assert_eq!(opened.certificates.len(), 1);
        assert_eq!(opened.certificates[0].public_key(), opened.key.public_key());
    }
}
