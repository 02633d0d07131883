//! Keys of each kind, in each of their forms.

use super::*;
use crate::forge;

#[test]
fn kinds_are_told() {
    let kinds = [
        ("p256-a", KeyAlgorithm::EcdsaP256, "ECDSA P-256"),
        ("p384-a", KeyAlgorithm::EcdsaP384, "ECDSA P-384"),
        ("p521-a", KeyAlgorithm::EcdsaP521, "ECDSA P-521"),
        ("rsa2048-a", KeyAlgorithm::Rsa(2048), "RSA 2048"),
        ("ed25519-a", KeyAlgorithm::Ed25519, "Ed25519"),
    ];
    for (name, kind, said) in kinds {
        let algorithm = forge::key(name).public_key().algorithm();
        assert_eq!(algorithm, kind);
        assert_eq!(algorithm.to_string(), said);
    }
}

#[test]
fn a_key_survives_printing() {
    for name in ["p256-a", "p384-a", "rsa2048-a"] {
        let key = forge::key(name);
        let again = PrivateKey::from_pem(&key.to_pem()).ok().unwrap();
        assert_eq!(again.public_key(), key.public_key());
        assert_eq!(again.secret_der(), key.secret_der());
    }
    assert_ne!(
        forge::key("p256-a").public_key(),
        forge::key("p256-b").public_key()
    );
}

#[test]
fn a_key_is_found_beside_certificates() {
    let certificate = forge::Forge::root("g1", "p256-a").certificate().to_pem();
    let text = format!("{certificate}{}", *forge::key("p256-a").to_pem());
    assert!(PrivateKey::from_pem(&text).is_ok());
}

#[test]
fn what_is_not_one_key_is_refused() {
    let key = forge::key("p256-a").to_pem();
    let error = |text: &str| PrivateKey::from_pem(text).err().unwrap();
    assert_eq!(
        error(&format!("{}{}", *key, *key)),
        KeyError::NotOneKey { found: 2 }
    );
    let certificate = forge::Forge::root("g1", "p256-a").certificate().to_pem();
    assert_eq!(error(&certificate), KeyError::NotOneKey { found: 0 });
    assert_eq!(
        error(&pem::encode("ENCRYPTED PRIVATE KEY", b"0")),
        KeyError::Encrypted
    );
    assert_eq!(
        error(&pem::encode("PRIVATE KEY", b"0")),
        KeyError::Unsupported
    );
    assert_eq!(error(""), KeyError::Pem(pem::PemError::Empty));
    let cut: String = key.chars().take(key.len() / 2).collect();
    assert!(matches!(
        error(&cut),
        KeyError::Pem(pem::PemError::Unterminated { .. })
    ));
}

#[test]
fn bits_of_a_modulus_are_counted_without_leading_zeros() {
    let cases: [(&[u8], usize); 6] = [
        (&[], 0),
        (&[0, 0], 0),
        (&[1], 1),
        (&[0, 0xff], 8),
        (&[0, 0x80, 0], 16),
        (&[0x7f, 0xff], 15),
    ];
    for (bytes, expected) in cases {
        assert_eq!(modulus_bits(bytes), expected, "{bytes:?}");
    }
}
