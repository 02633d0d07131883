//! Keys are of the kind asked for; serial numbers differ.

use newleaf_x509::KeyAlgorithm;

use super::{KeyKind, key, serial};

#[test]
fn keys_are_of_the_kind_asked_for() {
    let check = |kind: KeyKind, expected: KeyAlgorithm| {
        let made = key(kind).ok().unwrap();
        assert_eq!(made.public_key().algorithm(), expected);
    };
    check(KeyKind::EcdsaP256, KeyAlgorithm::EcdsaP256);
    check(KeyKind::EcdsaP384, KeyAlgorithm::EcdsaP384);
    check(KeyKind::Rsa2048, KeyAlgorithm::Rsa(2048));
    check(KeyKind::Rsa3072, KeyAlgorithm::Rsa(3072));
}

#[test]
fn two_keys_and_two_serial_numbers_differ() {
    let (a, b) = (key(KeyKind::EcdsaP256).ok(), key(KeyKind::EcdsaP256).ok());
    assert!(a.unwrap().public_key() != b.unwrap().public_key());
    assert_ne!(serial().unwrap(), serial().unwrap());
}
