//! Files of keys of a stranger, in every form, with the right passphrase: what they make us compute is bounded, and what
//! is opened is a key.
//!
//! Bytes that do not begin as a SEQUENCE are taken for the inside of a PKCS #12 file and put under a MAC that fits: a
//! fuzzer would not guess one, and all that is worth reading stands behind it.
#![no_main]

use aws_lc_rs::hmac;
use libfuzzer_sys::fuzz_target;
use newleaf_fuzz::{assert_printable, element};
use newleaf_keystore::{Effort, KeyFile, KeyForm, Passphrase, container};
use newleaf_x509::PrivateKey;
use pkcs12::kdf::{Pkcs12KeyType, derive_key_utf8};

const SEQUENCE: u8 = 0x30;
const OCTET_STRING: u8 = 0x04;
const EXPLICIT: u8 = 0xa0;
const SECRET: &str = "s";
const SALT: &[u8] = b"salt";
/// The object identifier of PKCS #7's `data`.
const DATA: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01,
];
/// The algorithm identifier of SHA-256.
const SHA_256: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
];
const VERSION_3: &[u8] = &[0x02, 0x01, 0x03];
const ONE_ROUND: &[u8] = &[0x02, 0x01, 0x01];
/// Enough for the seeds; the bound itself is counted, whatever it is.
const ROUNDS: u32 = 4096;

fn authenticated(safe: &[u8]) -> Vec<u8> {
    let kind = Pkcs12KeyType::Mac;
    let key = derive_key_utf8::<sha2::Sha256>(SECRET, SALT, kind, 1, 32).unwrap();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), safe);
    let digest = element(
        SEQUENCE,
        &[SHA_256, &element(OCTET_STRING, &[tag.as_ref()])],
    );
    let mac = element(
        SEQUENCE,
        &[&digest, &element(OCTET_STRING, &[SALT]), ONE_ROUND],
    );
    let content = element(EXPLICIT, &[&element(OCTET_STRING, &[safe])]);
    let content = element(SEQUENCE, &[DATA, &content]);
    element(SEQUENCE, &[VERSION_3, &content, &mac])
}

fn believe(key: &PrivateKey) {
    let again = PrivateKey::from_pem(&key.to_pem()).unwrap();
    assert_eq!(key.public_key().spki(), again.public_key().spki());
    for form in [KeyForm::Pkcs8, KeyForm::Pkcs1, KeyForm::Sec1] {
        if let Ok(der) = form.der_of(key) {
            let again = PrivateKey::from_der(&der).unwrap();
            assert_eq!(key.public_key().spki(), again.public_key().spki());
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let bytes = match input.split_first() {
        Some((&SEQUENCE | b'-', _)) => input.to_vec(),
        Some((_, safe)) => authenticated(safe),
        None => return,
    };
    let passphrase = Passphrase::new(SECRET.to_owned().into());
    let mut effort = Effort::of_rounds(ROUNDS);
    match container::read(&bytes) {
        Ok(KeyFile::Plain(key)) => believe(&key),
        Ok(KeyFile::Sealed(sealed)) => match sealed.open_within(&passphrase, &mut effort) {
            Ok(key) => believe(&key),
            Err(error) => assert_printable(&error.to_string()),
        },
        Ok(KeyFile::Pkcs12(file)) => match file.open_within(&passphrase, &mut effort) {
            Ok(content) => {
                believe(&content.key);
                assert!(content.certificates.len() <= bytes.len() / 64);
            }
            Err(error) => assert_printable(&error.to_string()),
        },
        Err(error) => assert_printable(&error.to_string()),
    }
});
