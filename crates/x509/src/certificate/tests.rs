//! Certificates as they are read.

use super::*;
use crate::forge::{self, Forge, days, now};

#[test]
fn a_certificate_is_read_field_by_field() {
    let root = Forge::root("g1", "p256-a");
    let leaf = Forge::leaf("worker", "p256-b", &root)
        .with(|f| f.serial = vec![0x0a, 0xff])
        .certificate();
    assert_eq!(leaf.version(), 3);
    assert_eq!(leaf.serial_hex(), "0aff");
    assert_eq!(leaf.signature_algorithm(), &SignatureAlgorithm::EcdsaSha256);
    assert!(leaf.signature_algorithms_agree());
    assert_eq!(leaf.issuer().to_string(), "O=acme, CN=g1");
    assert_eq!(leaf.subject().to_string(), "O=acme, CN=worker");
    assert_eq!(leaf.not_after(), now() + days(80));
    assert_eq!(leaf.public_key(), forge::key("p256-b").public_key());
    assert!(!leaf.is_ca() && root.certificate().is_ca());
    assert!(!leaf.is_self_issued() && root.certificate().is_self_issued());
    assert!(leaf.is_signed_by(&root.certificate()));
    assert!(!root.certificate().is_signed_by(&leaf));
    assert_eq!(leaf.fingerprint(), Fingerprint::of(leaf.der()));
}

#[test]
fn both_ends_of_the_validity_are_inside() {
    let root = Forge::root("g1", "p256-a").certificate();
    let second = jiff::SignedDuration::from_secs(1);
    assert!(root.is_valid_at(root.not_before()) && root.is_valid_at(root.not_after()));
    assert!(!root.is_valid_at(root.not_before() - second));
    assert!(!root.is_valid_at(root.not_after() + second));
}

#[test]
fn the_end_that_means_no_end_is_read() {
    let mut der = Forge::root("g1", "p256-a")
        .with(|f| f.not_after = "9990-01-01T00:00:00Z".parse().unwrap())
        .der();
    let (from, to) = (b"99900101000000Z", b"99991231235959Z");
    let at = der
        .windows(from.len())
        .position(|window| window == from)
        .unwrap();
    der[at..at + to.len()].copy_from_slice(to);
    assert_eq!(
        Certificate::from_der(&der).unwrap().not_after(),
        Timestamp::MAX
    );
}

#[test]
fn what_is_not_one_certificate_is_refused() {
    let der = Forge::root("g1", "p256-a").der();
    let longer = [der.as_slice(), b"ab"].concat();
    assert_eq!(
        Certificate::from_der(&longer),
        Err(CertificateError::TrailingBytes { extra: 2 })
    );
    let huge = vec![0; MAX_DER_BYTES + 1];
    assert_eq!(
        Certificate::from_der(&huge),
        Err(CertificateError::TooLarge { found: huge.len() })
    );
    assert!(matches!(
        Certificate::from_der(b"no"),
        Err(CertificateError::NotACertificate { .. })
    ));
}

#[test]
fn the_extensions_of_a_leaf_are_read() {
    let root = Forge::root("g1", "p256-a");
    let sans: [(u8, &[u8]); 4] = [
        (2, b"w.example"),
        (6, b"spiffe://w"),
        (7, &[10, 0, 0, 1]),
        (1, b"a@b.example"),
    ];
    let leaf = Forge::leaf("worker", "p256-b", &root)
        .extension(forge::san(&sans))
        .certificate();
    let sans = &leaf.extensions().subject_alt_names.as_ref().unwrap().value;
    let said: Vec<_> = sans.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "DNS:w.example",
            "URI:spiffe://w",
            "IP:10.0.0.1",
            "email:a@b.example"
        ]
    );
    assert!(leaf.allows_usage(Usage::DigitalSignature) && !leaf.allows_usage(Usage::KeyCertSign));
    assert!(leaf.allows_client_auth());
    let aki = leaf
        .extensions()
        .authority_key_id
        .as_ref()
        .unwrap()
        .value
        .key_id
        .clone();
    let root = root.certificate();
    assert_eq!(
        aki,
        root.extensions()
            .subject_key_id
            .as_ref()
            .map(|ski| ski.value.clone())
    );
}
