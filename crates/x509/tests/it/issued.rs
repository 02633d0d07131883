//! Certificates that newleaf issues, of every kind of key.

use jiff::{SignedDuration, Timestamp};
use newleaf_x509::{
    Certificate, PrivateKey,
    issue::{self, CaTemplate, Issuer, LeafTemplate, LeafUse, San, Serial, Subject, Validity},
};

/// The instant at which these tests live.
pub(crate) fn now() -> Timestamp {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

pub(crate) fn days(n: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * n)
}

/// Two keys of each kind that newleaf issues for: one for the CA, one for the leaf.
pub(crate) const KEYS: [(&str, &str, &str); 5] = [
    (
        "P-256",
        include_str!("../keys/p256-a.pem"),
        include_str!("../keys/p256-b.pem"),
    ),
    (
        "P-384",
        include_str!("../keys/p384-a.pem"),
        include_str!("../keys/p384-b.pem"),
    ),
    (
        "RSA 2048",
        include_str!("../keys/rsa2048-a.pem"),
        include_str!("../keys/rsa2048-b.pem"),
    ),
    (
        "RSA 3072",
        include_str!("../keys/rsa3072-a.pem"),
        include_str!("../keys/rsa3072-b.pem"),
    ),
    (
        "RSA 4096",
        include_str!("../keys/rsa4096-a.pem"),
        include_str!("../keys/rsa4096-b.pem"),
    ),
];

/// A CA and a leaf that it signed.
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) ca: Certificate,
    pub(crate) leaf: Certificate,
}

fn subject(common_name: &str) -> Subject {
    let organization = Some("acme, Inc. + söhne".to_owned());
    Subject::new(common_name, organization, Some("payments".to_owned())).unwrap()
}

fn validity(length: i64) -> Validity {
    Validity {
        not_before: now() - days(1),
        not_after: now() + days(length),
    }
}

pub(crate) fn ca(key: &PrivateKey) -> Certificate {
    let template = CaTemplate {
        subject: subject("payments g3"),
        serial: Serial::from_random([0xff; 16]),
        validity: validity(365),
    };
    issue::ca(&template, key).unwrap()
}

pub(crate) fn leaf(
    key: &PrivateKey,
    ca: &Certificate,
    ca_key: &PrivateKey,
    usage: LeafUse,
) -> Certificate {
    let template = LeafTemplate {
        subject: subject("worker"),
        sans: vec![
            San::Dns("worker.example".to_owned()),
            San::Uri("spiffe://example/worker".to_owned()),
            San::Ip([192, 0, 2, 7].into()),
        ],
        serial: Serial::from_random([0; 16]),
        validity: validity(90),
        usage,
    };
    issue::leaf(&template, key, &Issuer::new(ca, ca_key).unwrap()).unwrap()
}

/// Every kind of CA with every kind of leaf.
pub(crate) fn pairs() -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (ca_kind, ca_key, _) in KEYS {
        let ca_key = PrivateKey::from_pem(ca_key).unwrap();
        let ca = ca(&ca_key);
        for (leaf_kind, _, leaf_key) in KEYS {
            let leaf_key = PrivateKey::from_pem(leaf_key).unwrap();
            pairs.push(Pair {
                name: format!("{leaf_kind} leaf under {ca_kind} CA"),
                leaf: leaf(&leaf_key, &ca, &ca_key, LeafUse::Client),
                ca: ca.clone(),
            });
        }
    }
    pairs
}

/// Pairs that every judge must refuse: of another CA with the same name, and made for a server.
pub(crate) fn bad_pairs() -> Vec<Pair> {
    let [(_, right, other), ..] = KEYS;
    let right = PrivateKey::from_pem(right).unwrap();
    let other = PrivateKey::from_pem(other).unwrap();
    let right_ca = ca(&right);
    vec![
        Pair {
            name: "leaf of another CA with the same name".to_owned(),
            leaf: leaf(&other, &right_ca, &right, LeafUse::Client),
            ca: ca(&other),
        },
        Pair {
            name: "leaf made for a server".to_owned(),
            leaf: leaf(&other, &right_ca, &right, LeafUse::Server),
            ca: right_ca,
        },
    ]
}
