//! What is refused before anything is signed.

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
