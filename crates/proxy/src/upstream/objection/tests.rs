//! Who is refused without a dial, and who is only warned of.

use newleaf_identity::generate::{self, KeyKind};
use newleaf_x509::{
    Chain, PrivateKey,
    issue::{self, CaTemplate, Issuer, LeafTemplate, LeafUse, Subject, Validity},
};

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The key of RFC 8410 §10.3.
const ED25519: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";

fn ecdsa() -> PrivateKey {
    generate::key(KeyKind::EcdsaP256).unwrap()
}

/// A leaf with this key, valid until the end of this year, by a CA that is valid until the end of 2030.
fn identity(key: &PrivateKey, year: i16) -> Identity {
    let validity = |year: i16| Validity {
        not_before: at("2026-01-01T00:00:00Z"),
        not_after: at(&format!("{year}-12-31T00:00:00Z")),
    };
    let ca_key = ecdsa();
    let ca = CaTemplate {
        subject: Subject::new("g1", None, None).unwrap(),
        serial: generate::serial().unwrap(),
        validity: validity(2030),
    };
    let ca = issue::ca(&ca, &ca_key).unwrap();
    let leaf = LeafTemplate {
        subject: Subject::new("worker", None, None).unwrap(),
        sans: Vec::new(),
        serial: generate::serial().unwrap(),
        validity: validity(year),
        usage: LeafUse::Client,
    };
    let issuer = Issuer::new(&ca, &ca_key).unwrap();
    let leaf = issue::leaf(&leaf, key, &issuer).unwrap();
    let chain = Chain::new([leaf]).unwrap();
    let identity = Identity::new(chain, key, at("2026-06-01T00:00:00Z"));
    identity.ok().unwrap()
}

#[test]
fn a_good_leaf_is_neither_refused_nor_warned_of() {
    let good = identity(&ecdsa(), 2026);
    let now = at("2026-06-01T00:00:00Z");
    for profile in [Profile::TemporalCloud, Profile::SelfHosted] {
        assert_eq!(judge(&good, profile, now), Ok(Vec::new()));
    }
}

#[test]
fn what_only_temporal_cloud_refuses_is_refused_for_temporal_cloud() {
    let key = PrivateKey::from_pem(ED25519).ok().unwrap();
    let ed25519 = identity(&key, 2026);
    let now = at("2026-06-01T00:00:00Z");
    assert!(judge(&ed25519, Profile::SelfHosted, now).is_ok());
    let objection = judge(&ed25519, Profile::TemporalCloud, now).unwrap_err();
    let said = objection.to_string();
    assert!(
        said.contains("NL201") && said.contains("CN=worker"),
        "{said}"
    );
}

#[test]
fn a_warning_is_no_refusal() {
    let long = identity(&ecdsa(), 2029);
    let now = at("2026-06-01T00:00:00Z");
    let warnings = judge(&long, Profile::TemporalCloud, now).unwrap();
    let codes: Vec<_> = warnings.iter().map(|finding| finding.lint.code).collect();
    assert_eq!(codes, ["NL307"]);
}

#[test]
fn the_profile_is_known_by_the_name_of_the_server() {
    for (name, profile_of_it) in [
        ("payments.a2dd6.tmprl.cloud", Profile::TemporalCloud),
        ("US-EAST-1.aws.API.temporal.io", Profile::TemporalCloud),
        ("temporal.example.com", Profile::SelfHosted),
        ("tmprl.cloud.example.com", Profile::SelfHosted),
        ("10.0.0.1", Profile::SelfHosted),
    ] {
        assert_eq!(profile(name), profile_of_it, "{name}");
    }
}
