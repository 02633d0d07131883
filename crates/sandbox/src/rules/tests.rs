//! What is refused, by rule.

use jiff::SignedDuration;
use newleaf_x509::{
    PrivateKey,
    issue::{self, CaTemplate, Issuer, LeafTemplate, LeafUse, Subject, Validity},
};
use temporalio_protos::protos::temporal::api::cloud::namespace::v1::{
    CertificateFilterSpec, MtlsAuthSpec,
};

use super::*;
use newleaf_identity::generate::{self, KeyKind};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn validity() -> Validity {
    Validity {
        not_before: NOW,
        not_after: NOW + SignedDuration::from_hours(24),
    }
}

fn ca_with(common_name: &str, key: &PrivateKey) -> Certificate {
    let template = CaTemplate {
        subject: Subject::new(common_name, Some("acme".to_owned()), None).unwrap(),
        serial: generate::serial().unwrap(),
        validity: validity(),
    };
    issue::ca(&template, key).unwrap()
}

fn ca(common_name: &str) -> Certificate {
    ca_with(common_name, &generate::key(KeyKind::EcdsaP256).unwrap())
}

fn spec(bundle: &str, filters: Vec<CertificateFilterSpec>) -> NamespaceSpec {
    NamespaceSpec {
        mtls_auth: Some(MtlsAuthSpec {
            accepted_client_ca: bundle.as_bytes().to_vec(),
            certificate_filters: filters,
            enabled: true,
            ..MtlsAuthSpec::default()
        }),
        ..NamespaceSpec::default()
    }
}

#[track_caller]
fn refused(bundle: &str, by: &str) {
    let said = read(&spec(bundle, Vec::new()), NOW).unwrap_err();
    assert!(said.starts_with("invalid ca certificate: "), "{said}");
    assert!(said.contains(by), "{said}");
}

#[test]
fn a_good_bundle_is_read_and_normalised() {
    let (g1, g2) = (ca("g1"), ca("g2"));
    let text = format!("\n{}\n\n{}\n", g1.to_pem(), g2.to_pem());
    let spec = spec(&text, Vec::new());
    let trust = read(&spec, NOW).unwrap();
    assert_eq!(trust.bundle.len(), 2);
    let kept = normalise(&spec, &trust).mtls_auth.unwrap();
    let expected = g1.to_pem() + &g2.to_pem();
    assert_eq!(kept.accepted_client_ca, expected.into_bytes());
}

#[test]
fn mtls_needs_a_ca_and_may_be_off() {
    refused("", "mTLS is enabled without any CA certificate");
    let off = read(&NamespaceSpec::default(), NOW).unwrap();
    assert!(!off.enabled);
}

#[test]
fn a_leaf_is_no_ca() {
    let key = generate::key(KeyKind::EcdsaP256).unwrap();
    let issuer = ca_with("g1", &key);
    let template = LeafTemplate {
        subject: Subject::new("worker-1", None, None).unwrap(),
        sans: Vec::new(),
        serial: generate::serial().unwrap(),
        validity: validity(),
        usage: LeafUse::Client,
    };
    let issuer_pair = Issuer::new(&issuer, &key).unwrap();
    let leaf = issue::leaf(
        &template,
        &generate::key(KeyKind::EcdsaP256).unwrap(),
        &issuer_pair,
    )
    .unwrap();
    refused(&(issuer.to_pem() + &leaf.to_pem()), "worker-1");
    // Alone, its way up to a root is missing too.
    refused(&leaf.to_pem(), "worker-1");
}

#[test]
fn a_key_that_is_neither_rsa_nor_ecdsa_is_refused() {
    // An Ed25519 key in PKCS #8 (RFC 8410 §7): a header of 16 octets, then the seed.
    let mut der = [
        0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
    ]
    .to_vec();
    der.extend([7; 32]);
    let ca = ca_with("edwards", &PrivateKey::from_der(&der).unwrap());
    refused(&ca.to_pem(), "edwards");
}

#[test]
fn a_bundle_has_at_most_16_members_and_32_kilobytes() {
    let sixteen: String = (0..16).map(|n| ca(&format!("g{n}")).to_pem()).collect();
    read(&spec(&sixteen, Vec::new()), NOW).unwrap();
    refused(&(sixteen.clone() + &ca("g16").to_pem()), "17");
    let padded = format!("{sixteen}{}", "\n".repeat(33 * 1024));
    refused(&padded, "32768");
}

#[test]
fn texts_that_are_no_certificates_are_refused() {
    refused("hello", "no certificate found");
    let pem = ca("g1").to_pem();
    let (cut, _end) = pem.rsplit_once("-----END").unwrap();
    refused(cut, "-----END CERTIFICATE-----");
}

#[test]
fn filters_follow_their_syntax() {
    let bundle = ca("g1").to_pem();
    let filter = |common_name: &str| CertificateFilterSpec {
        common_name: common_name.to_owned(),
        ..CertificateFilterSpec::default()
    };
    let accepted = |filters| read(&spec(&bundle, filters), NOW);
    accepted((0..25).map(|n| filter(&format!("worker-{n}"))).collect()).unwrap();
    accepted(vec![filter("worker-*"), filter("*.example")]).unwrap();
    let too_many = (0..26).map(|n| filter(&format!("worker-{n}"))).collect();
    for filters in [
        too_many,
        vec![filter("")],
        vec![filter("*")],
        vec![filter("a*b")],
        vec![filter("*a*")],
    ] {
        let said = accepted(filters).unwrap_err();
        assert!(said.starts_with("invalid certificate filters: "), "{said}");
    }
}
