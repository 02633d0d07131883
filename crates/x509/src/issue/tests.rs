//! What is refused before anything is signed.

use std::net::IpAddr;

use jiff::SignedDuration;
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::*;
use crate::forge::{self, Forge, days, now};

fn subject(common_name: &str) -> Subject {
    Subject::new(common_name, Some("acme".to_owned()), None).unwrap()
}

fn template(common_name: &str) -> LeafTemplate {
    LeafTemplate {
        subject: subject(common_name),
        sans: Vec::new(),
        serial: Serial::from_random([9; 16]),
        validity: Validity {
            not_before: now(),
            not_after: now() + days(30),
        },
        usage: LeafUse::Client,
    }
}

/// Issues a leaf under the forged root, after a change of its template.
fn issue(change: impl FnOnce(&mut LeafTemplate)) -> Result<Certificate, IssueError> {
    let root = Forge::root("g1", "p256-a").certificate();
    let key = forge::key("p256-a");
    let mut template = template("worker");
    change(&mut template);
    leaf(
        &template,
        &forge::key("p256-b"),
        &Issuer::new(&root, &key).ok().unwrap(),
    )
}

#[test]
fn names_have_one_to_64_characters() {
    let made = |cn: &str| Subject::new(cn, None, None).map(|_| ());
    let refused = |found| {
        Err(IssueError::AttributeLength {
            attribute: "a common name",
            found,
        })
    };
    assert_eq!(made(""), refused(0));
    assert_eq!(made(&"ä".repeat(64)), Ok(()));
    assert_eq!(made(&"ä".repeat(65)), refused(65));
    let unit = Subject::new("w", None, Some(String::new()));
    assert!(
        unit.unwrap_err()
            .to_string()
            .starts_with("expected an organizational unit of 1 to 64")
    );
}

#[test]
fn serials_are_positive_and_of_one_length() {
    for bytes in [[0; 16], [0xff; 16], [0x80; 16]] {
        let certificate = issue(|t| t.serial = Serial::from_random(bytes)).unwrap();
        let serial = certificate.serial();
        assert_eq!(serial.len(), 16);
        assert!((0x40..0x80).contains(&serial[0]));
    }
}

#[test]
fn a_leaf_stays_within_its_ca() {
    let end = Forge::root("g1", "p256-a").certificate().not_after();
    assert!(issue(|t| t.validity.not_after = end).is_ok());
    let refused = issue(|t| t.validity.not_after = end + days(1)).unwrap_err();
    assert!(
        matches!(refused, IssueError::LeafOutlivesCa { ca_not_after, .. } if ca_not_after == end)
    );
    let refused = issue(|t| t.validity.not_before = now() - days(11)).unwrap_err();
    assert!(matches!(refused, IssueError::LeafPredatesCa { .. }));
    let refused = issue(|t| t.validity.not_after = t.validity.not_before).unwrap_err();
    assert!(matches!(refused, IssueError::EmptyValidity { .. }));
}

#[test]
fn a_leaf_is_not_named_as_its_ca() {
    let refused = issue(|t| t.subject = subject("G1")).unwrap_err();
    let subject = "O=acme, CN=g1".to_owned();
    assert_eq!(refused, IssueError::SubjectIsIssuer { subject });
}

#[test]
fn alternative_names_are_ascii() {
    let refused = issue(|t| t.sans = vec![San::Dns("wörker".to_owned())]).unwrap_err();
    let found = "wörker".to_owned();
    assert_eq!(refused, IssueError::San { found });
}

#[test]
fn an_issuer_is_a_ca_with_its_own_key() {
    let root = Forge::root("g1", "p256-a");
    let (right, wrong) = (forge::key("p256-a"), forge::key("p256-b"));
    let made = |forge: &Forge, key| Issuer::new(&forge.certificate(), key).map(|_| ());
    let subject = || "O=acme, CN=g1".to_owned();
    assert_eq!(made(&root, &right), Ok(()));
    assert_eq!(
        made(&root, &wrong),
        Err(IssueError::KeyMismatch { subject: subject() })
    );
    let no_ca = root
        .clone()
        .extension(forge::basic_constraints(false, None));
    assert_eq!(
        made(&no_ca, &right),
        Err(IssueError::NotACa { subject: subject() })
    );
    let may_not = root.extension(forge::key_usage(&[0]));
    assert_eq!(
        made(&may_not, &right),
        Err(IssueError::NotACa { subject: subject() })
    );
}

#[test]
fn the_issuers_key_identifier_is_carried_over() {
    let root = Forge::root("g1", "p256-a").certificate();
    let leaf = issue(|_| {}).unwrap();
    let aki = leaf.extensions().authority_key_id.as_ref().unwrap();
    let ski = root.extensions().subject_key_id.as_ref().unwrap();
    assert_eq!(aki.value.key_id.as_ref(), Some(&ski.value));
    assert_eq!(leaf.not_after(), now() + days(30));
    assert!(leaf.is_signed_by(&root));
}

fn sans() -> impl Strategy<Value = Vec<San>> {
    let san = prop_oneof![
        "[ -~]{0,40}".prop_map(San::Dns),
        "[\\x00-\\x7f]{0,40}".prop_map(San::Uri),
        "[ -~]{0,300}".prop_map(San::Email),
        any::<IpAddr>().prop_map(San::Ip),
    ];
    vec(san, 0..5)
}

fn attribute() -> impl Strategy<Value = String> {
    vec(any::<char>(), 1..=MAX_ATTRIBUTE_CHARS).prop_map(String::from_iter)
}

fn instant() -> impl Strategy<Value = Timestamp> {
    // From 1970, before which nothing is issued, to 2400, with fractions of a second.
    let seconds = 0..13_600_000_000_i64;
    (seconds, 0..1_000_000_000_i64).prop_map(|(second, nanosecond)| {
        Timestamp::from_second(second).unwrap() + SignedDuration::from_nanos(nanosecond)
    })
}

proptest! {
    /// Facts and DER are made side by side; whatever is certified, reading the one gives the other.
    #[test]
    fn what_is_issued_says_what_it_was_made_to_say(
        names in (attribute(), option::of(attribute()), option::of(attribute())),
        sans in sans(),
        (from, lasting) in (instant(), 1_i64..4_000_000_000),
        usage in select(vec![LeafUse::Client, LeafUse::Server, LeafUse::ClientAndServer]),
        key in select(vec!["p256-b", "p384-a", "p521-a", "rsa2048-a", "ed25519-a"]),
        path_length: u8,
        serial: [u8; 16],
    ) {
        let (common_name, organization, unit) = names;
        let validity = Validity {
            not_before: from,
            not_after: from + SignedDuration::from_secs(lasting),
        };
        let ca_template = CaTemplate {
            subject: Subject::new(common_name, organization, unit).unwrap(),
            serial: Serial::from_random(serial),
            validity,
        };
        let names = Constraints::default();
        let ca_key = forge::key("p256-a");
        let ca = root(&ca_template, &CaScope { path_length, names }, &ca_key).unwrap();
        prop_assert!(ca.is_as_read());
        let leaf = leaf(
            &LeafTemplate {
                subject: Subject::new("worker of that CA, and of no other", None, None).unwrap(),
                sans,
                serial: Serial::from_random(serial),
                validity: Validity {
                    not_before: from,
                    not_after: ca.not_after(),
                },
                usage,
            },
            &forge::key(key),
            &Issuer::new(&ca, &ca_key).ok().unwrap(),
        );
        let leaf = leaf.unwrap();
        prop_assert!(leaf.is_as_read() && leaf.faults().is_empty());
        prop_assert!(leaf.is_signed_by(&ca) && leaf.names_octets_of(&ca));
    }
}

#[test]
fn every_kind_of_key_signs() {
    for name in ["p256-a", "p384-a", "p521-a", "rsa2048-a", "ed25519-a"] {
        let key = forge::key(name);
        let template = CaTemplate {
            subject: subject("g1"),
            serial: Serial::from_random([3; 16]),
            validity: template("worker").validity,
        };
        let made = ca(&template, &key).unwrap();
        assert!(made.is_as_read() && made.is_signed_by(&made), "{name}");
    }
}

#[test]
fn a_year_of_five_digits_or_none_is_refused() {
    let early = "-000001-06-01T00:00:00Z".parse().unwrap();
    let root = CaTemplate {
        subject: subject("g1"),
        serial: Serial::from_random([3; 16]),
        validity: Validity {
            not_before: early,
            not_after: now(),
        },
    };
    let refused = ca(&root, &forge::key("p256-a")).unwrap_err();
    assert!(matches!(refused, IssueError::Sign { .. }), "{refused}");
}

/// A request may write its key's algorithm loosely; what is certified is written as it should be.
#[test]
fn a_key_is_certified_in_its_proper_form() {
    let rsa = forge::key("rsa2048-a");
    let spki = rsa.public_key().spki();
    let null = spki.windows(2).position(|two| two == [5, 0]).unwrap();
    let mut loose = [&spki[..null], &spki[null + 2..]].concat();
    // Two octets less: of the whole, whose length has two octets, and of the algorithm.
    let whole = u16::from_be_bytes([loose[2], loose[3]]) - 2;
    loose[2..4].copy_from_slice(&whole.to_be_bytes());
    loose[5] -= 2;
    let loose = PublicKey::from_der(&loose).unwrap();
    assert_ne!(&loose, rsa.public_key());
    let root = Forge::root("g1", "p256-a").certificate();
    let ca_key = forge::key("p256-a");
    let issuer = Issuer::new(&root, &ca_key).ok().unwrap();
    let made = leaf_for(&template("worker"), &loose, &issuer).unwrap();
    assert_eq!(made.public_key(), rsa.public_key());
    assert!(made.faults().is_empty() && made.is_as_read());
}

#[test]
fn nothing_is_issued_for_a_time_before_1970() {
    let not_before = Timestamp::from_second(-1).unwrap();
    let template = CaTemplate {
        subject: Subject::new("old-ca", None, None).unwrap(),
        serial: Serial::from_random([1; 16]),
        validity: Validity {
            not_before,
            not_after: not_before + SignedDuration::from_hours(24),
        },
    };
    let scope = CaScope {
        path_length: 0,
        names: Constraints::default(),
    };
    let refused = root(&template, &scope, &forge::key("p256-a"));
    assert!(
        matches!(refused, Err(IssueError::Sign { .. })),
        "{refused:?}"
    );
}
