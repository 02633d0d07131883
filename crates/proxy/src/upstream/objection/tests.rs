//! Who is refused without a dial, and who is only warned of.

use newleaf_x509::PrivateKey;

use super::*;
use crate::testing::{Ca, ecdsa, now};

/// The key of RFC 8410 §10.3.
const ED25519: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";

#[test]
fn a_good_leaf_is_neither_refused_nor_warned_of() {
    let good = Ca::new().client(&ecdsa(), 2026);
    for profile in [Profile::TemporalCloud, Profile::SelfHosted] {
        assert_eq!(judge(&good, profile, now()), Ok(Vec::new()));
    }
}

#[test]
fn what_only_temporal_cloud_refuses_is_refused_for_temporal_cloud() {
    let key = PrivateKey::from_pem(ED25519).ok().unwrap();
    let ed25519 = Ca::new().client(&key, 2026);
    assert!(judge(&ed25519, Profile::SelfHosted, now()).is_ok());
    let objection = judge(&ed25519, Profile::TemporalCloud, now()).unwrap_err();
    let said = objection.to_string();
    assert!(
        said.contains("NL201") && said.contains("CN=worker"),
        "{said}"
    );
}

#[test]
fn a_warning_is_no_refusal() {
    let long = Ca::new().client(&ecdsa(), 2029);
    let warnings = judge(&long, Profile::TemporalCloud, now()).unwrap();
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
