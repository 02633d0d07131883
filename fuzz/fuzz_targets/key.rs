//! Private keys of a stranger, in DER: what is taken for a key is one that has a public key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use newleaf_x509::PrivateKey;

fuzz_target!(|der: &[u8]| {
    if let Ok(key) = PrivateKey::from_der(der) {
        assert!(!key.public_key().spki().is_empty());
        let again = PrivateKey::from_pem(&key.to_pem()).unwrap();
        assert_eq!(key.public_key().spki(), again.public_key().spki());
    }
});
