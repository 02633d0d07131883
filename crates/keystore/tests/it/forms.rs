//! The forms of a key that is not encrypted, judged by openssl.

use newleaf_keystore::{KeyFile, KeyForm, container, container::FormError};

use crate::bench::{Bench, KEYS, key};

fn plain(bytes: &[u8]) -> newleaf_x509::PrivateKey {
    match container::read(bytes).unwrap() {
        KeyFile::Plain(key) => key,
        KeyFile::Sealed(_) | KeyFile::Pkcs12(_) => panic!("not a plain key"),
    }
}

#[test]
fn every_form_comes_back_and_openssl_reads_it() {
    let bench = Bench::new();
    for (kind, _) in KEYS {
        let key = key(kind);
        let old = if kind.starts_with("RSA") {
            KeyForm::Pkcs1
        } else {
            KeyForm::Sec1
        };
        for form in [KeyForm::Pkcs8, old] {
            let (der, text) = (form.der_of(&key).unwrap(), form.pem_of(&key).unwrap());
            assert_eq!(
                plain(&der).secret_der(),
                plain(text.as_bytes()).secret_der()
            );
            assert_eq!(plain(&der).public_key(), key.public_key());
            bench.write("key.pem", text.as_bytes());
            bench.write("key.der", &*der);
            let Some(seen) = bench.done("openssl", "pkey -in key.pem -pubout") else {
                return;
            };
            let again = bench.done("openssl", "pkey -inform DER -in key.der -pubout");
            assert_eq!(Some(seen), again, "{kind} as {form}");
        }
    }
}

#[test]
fn what_openssl_writes_is_read() {
    let bench = Bench::new();
    for (kind, text) in KEYS {
        bench.write("key.pem", text);
        for how in ["-traditional", "-traditional -outform DER", "-outform DER"] {
            let write = format!("pkey -in key.pem -out other {how}");
            if bench.done("openssl", &write).is_none() {
                return;
            }
            let read = plain(&bench.read("other"));
            assert_eq!(read.public_key(), key(kind).public_key(), "{kind} {how}");
            // However it was read, it is printed as PKCS #8.
            assert!(read.to_pem().starts_with("-----BEGIN PRIVATE KEY-----"));
            bench.write("again.pem", read.to_pem().as_bytes());
            bench.done(
                "openssl",
                "pkcs8 -topk8 -nocrypt -in again.pem -out last.pem",
            );
        }
    }
}

/// `openssl ecparam -genkey` puts the curve before the key, in a block of its own.
#[test]
fn curve_parameters_beside_the_key_are_no_obstacle() {
    let bench = Bench::new();
    let make = "ecparam -name prime256v1 -genkey -out key.pem";
    if bench.done("openssl", make).is_some() {
        let text = bench.read("key.pem");
        assert!(text.starts_with(b"-----BEGIN EC PARAMETERS-----"));
        plain(&text);
    }
}

#[test]
fn a_form_of_another_kind_of_key_is_refused() {
    let refused = KeyForm::Pkcs1.der_of(&key("P-256")).unwrap_err();
    assert!(matches!(
        refused,
        FormError::OtherKind {
            expected: "an RSA key",
            ..
        }
    ));
    let refused = KeyForm::Sec1.der_of(&key("RSA 2048")).unwrap_err();
    assert!(matches!(
        refused,
        FormError::OtherKind {
            expected: "an ECDSA key",
            ..
        }
    ));
}
