//! Revocation lists of a stranger: what is read is kept as it was read, and says no more than was in it.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use newleaf_fuzz::assert_printable;
use newleaf_x509::{Certificate, crl::Crl};

fn ca() -> &'static Certificate {
    static CA: OnceLock<Certificate> = OnceLock::new();
    CA.get_or_init(|| Certificate::from_der(include_bytes!("../corpus/certificate/ca")).unwrap())
}

fuzz_target!(|der: &[u8]| {
    let list = match Crl::from_der(der) {
        Ok(list) => list,
        Err(error) => return assert_printable(&error.to_string()),
    };
    assert_eq!(list.der(), der);
    assert_eq!(Crl::from_pem(&list.to_pem()).as_ref(), Ok(&list));
    // An entry is a SEQUENCE of an INTEGER and a time.
    assert!(list.entries().len() <= der.len() / 10);
    for entry in list.entries() {
        assert_eq!(entry.serial_hex().len(), 2 * entry.serial.len());
    }
    assert_printable(&list.issuer().to_string());
    list.is_signed_by(ca());
});
