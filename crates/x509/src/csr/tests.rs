//! Requests are wishes, and only proven ones are read.

use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose,
};

use super::*;
use crate::forge::key;

fn request() -> Request {
    let subject = Subject::new("worker-a", Some("acme".to_owned()), None).unwrap();
    let sans = [
        San::Dns("a.x".to_owned()),
        San::Email("a@x".to_owned()),
        San::Ip([10, 0, 0, 7].into()),
    ];
    Request::new(&subject, &sans, &key("p256-a")).unwrap()
}

#[test]
fn what_is_asked_is_read_again() {
    let request = request();
    let again = Request::from_pem(&request.to_pem()).unwrap();
    assert_eq!(again, request);
    assert_eq!(request.public_key(), key("p256-a").public_key());
    assert_eq!(request.subject().to_string(), "O=acme, CN=worker-a");
    assert_eq!(request.sans().len(), 3);
    let wished: Vec<_> = request.sans().iter().filter_map(San::wished).collect();
    assert_eq!(wished.len(), 3);
    assert_eq!(request.wishes_beyond_leaf(), Vec::<String>::new());
}

#[test]
fn every_kind_of_key_asks() {
    for name in ["p256-a", "p384-a", "rsa2048-a"] {
        let subject = Subject::new("w", None, None).unwrap();
        let request = Request::new(&subject, &[], &key(name)).unwrap();
        assert_eq!(request.public_key(), key(name).public_key());
    }
}

#[test]
fn wishes_beyond_a_leaf_are_named() {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "DE");
    params.distinguished_name.push(DnType::CommonName, "w");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    let key = key("p256-a");
    let request = params.serialize_request(key.pair()).unwrap();
    let request = Request::from_der(request.der()).unwrap();
    let wishes = request.wishes_beyond_leaf().join("; ");
    assert!(wishes.contains("to be a CA"), "{wishes}");
    assert!(wishes.contains("1.3.6.1.5.5.7.3.3"), "{wishes}");
    assert!(wishes.contains("key usage"), "{wishes}");
    assert_eq!(request.other_attributes(), ["C=DE"]);
    assert_eq!(request.plain_subject().unwrap().common_name(), "w");
}

#[test]
fn without_proof_of_possession_nothing_is_read() {
    let mut der = request().der;
    // The signature stands at the end.
    let last = der.len() - 1;
    der[last] ^= 1;
    assert_eq!(Request::from_der(&der), Err(RequestError::NoProof));
}

#[test]
fn another_block_is_named() {
    let text = pem::encode("CERTIFICATE", &[0x30, 0]);
    let refused = Request::from_pem(&text).unwrap_err();
    assert!(
        refused.to_string().contains("found `CERTIFICATE`"),
        "{refused}"
    );
    let two = format!("{0}{0}", request().to_pem());
    assert!(
        Request::from_pem(&two)
            .unwrap_err()
            .to_string()
            .contains("2 blocks")
    );
}

proptest! {
    /// Whatever is done to a request, reading it ends, and never with something that was not proven.
    #[test]
    fn strangers_bytes_do_not_panic(at in 0usize..400, value: u8, cut in 0usize..400) {
        let whole = request();
        let mut der = whole.der.clone();
        if let Some(byte) = der.get_mut(at) {
            *byte = value;
        }
        if let Ok(read) = Request::from_der(&der) {
            prop_assert_eq!(read.public_key(), whole.public_key());
        }
        der.truncate(cut);
        prop_assert!(Request::from_der(&der).is_err() || cut >= whole.der.len());
    }

    #[test]
    fn noise_does_not_panic(der in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Request::from_der(&der).is_err());
    }
}
