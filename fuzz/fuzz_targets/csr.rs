//! Certification requests of a stranger, signed badly or well: what is read is kept as it was read, who proves their key
//! is believed, and no wish reaches a terminal as a control character.
//!
//! Bytes that do not begin as a SEQUENCE are taken for the subject and the attributes of a request, and signed: a fuzzer
//! would not guess a signature, and all that is worth reading stands behind it.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use newleaf_fuzz::{assert_printable, element};
use newleaf_x509::{
    PrivateKey, Signer as _,
    csr::{Request, RequestError},
    issue::San,
};

const SEQUENCE: u8 = 0x30;
const ATTRIBUTES: u8 = 0xa0;
const BIT_STRING: u8 = 0x03;
const VERSION: &[u8] = &[0x02, 0x01, 0x00];
/// The algorithm identifier of Ed25519 (RFC 8410 §3).
const ED25519: &[u8] = &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];

fn key() -> &'static PrivateKey {
    static KEY: OnceLock<PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| {
        PrivateKey::from_pem(include_str!("../../crates/x509/tests/keys/ed25519-a.pem")).unwrap()
    })
}

/// Signs a request for a subject, which is preceded by its length, with the attributes that follow.
fn signed(input: &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = input.split_first_chunk()?;
    let (subject, attributes) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    let attributes = element(ATTRIBUTES, &[attributes]);
    let spki = key().public_key().spki();
    let info = element(SEQUENCE, &[VERSION, subject, spki, &attributes]);
    let signature = element(BIT_STRING, &[&[0], &key().sign(&info).unwrap()]);
    Some(element(SEQUENCE, &[&info, ED25519, &signature]))
}

fuzz_target!(|input: &[u8]| {
    let proved = input.first() != Some(&SEQUENCE);
    let der = if proved {
        signed(input)
    } else {
        Some(input.to_vec())
    };
    let Some(der) = der else { return };
    let request = match Request::from_der(&der) {
        Ok(request) => request,
        Err(error) => {
            assert!(!(proved && error == RequestError::NoProof), "{der:02x?}");
            return assert_printable(&error.to_string());
        }
    };
    assert_eq!(Request::from_pem(&request.to_pem()).as_ref(), Ok(&request));
    let said = [request.wishes_beyond_leaf(), request.other_attributes()].concat();
    said.iter().for_each(|said| assert_printable(said));
    assert_printable(&request.subject().to_string());
    let sans: Vec<_> = request.sans().iter().filter_map(San::wished).collect();
    if let Ok(subject) = request.plain_subject()
        && let Ok(again) = Request::new(&subject, &sans, key())
    {
        assert_eq!(again.sans().len(), sans.len());
        assert_eq!(again.wishes_beyond_leaf(), [""; 0]);
    }
});
