//! The form of certificates.

use super::*;
use crate::forge::{CN, Forge, name_of, tlv};

#[test]
fn what_follows_the_rules_has_no_fault() {
    let root = Forge::root("g1", "p256-a");
    let leaf = Forge::leaf("worker", "p256-b", &root);
    assert_eq!(root.certificate().faults(), []);
    assert_eq!(leaf.certificate().faults(), []);
}

#[test]
fn names_are_compared_by_octets() {
    let root = Forge::root("g1", "p256-a").with(|f| {
        f.subject = name_of(&[(CN, 0x13, b"acme")]);
        f.issuer.clone_from(&f.subject);
    });
    let leaf = Forge::leaf("worker", "p256-b", &root);
    let otherwise = leaf
        .clone()
        .with(|f| f.issuer = name_of(&[(CN, 0x0c, b"acme")]));
    let (root, leaf, otherwise) = (
        root.certificate(),
        leaf.certificate(),
        otherwise.certificate(),
    );
    assert_eq!(otherwise.issuer(), root.subject());
    assert!(leaf.names_octets_of(&root));
    assert!(!otherwise.names_octets_of(&root));
}

#[test]
fn what_is_no_certificate_has_nothing_to_tell() {
    for der in [vec![], tlv(0x30, &[]), tlv(0x30, &tlv(0x30, &[]))] {
        assert_eq!(faults(&der), []);
        assert_eq!(names(&der), None);
    }
}
