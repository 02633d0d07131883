//! Lists say what they were told, in the name of the right CA.

use proptest::prelude::*;

use super::*;
use crate::{
    PrivateKey,
    forge::{Forge, days, key, now},
};

fn ca() -> (Certificate, PrivateKey) {
    (Forge::root("g1", "p256-a").certificate(), key("p256-a"))
}

fn list(entries: Vec<Entry>) -> Result<Crl, IssueError> {
    let (ca, key) = ca();
    let template = CrlTemplate {
        number: 4711,
        this_update: now(),
        next_update: now() + days(7),
        entries,
    };
    issue(&template, &Issuer::new(&ca, &key)?)
}

fn entries() -> Vec<Entry> {
    Reason::ALL
        .into_iter()
        .enumerate()
        .map(|(n, reason)| Entry {
            serial: vec![0x40, u8::try_from(n).unwrap()],
            revoked_at: now() - days(1),
            reason,
        })
        .collect()
}

#[test]
fn what_is_listed_is_read_again() {
    let crl = list(entries()).unwrap();
    assert_eq!(crl.entries(), entries());
    assert_eq!(crl.number(), Some(4711));
    assert_eq!(
        (crl.this_update(), crl.next_update()),
        (now(), Some(now() + days(7)))
    );
    assert_eq!(Crl::from_pem(&crl.to_pem()), Ok(crl.clone()));
    let (ca, _) = ca();
    assert!(crl.is_signed_by(&ca));
    let other = Forge::root("g2", "p256-b").certificate();
    assert!(!crl.is_signed_by(&other));
}

#[test]
fn an_empty_list_is_a_list() {
    let crl = list(Vec::new()).unwrap();
    assert_eq!(crl.entries(), []);
}

#[test]
fn a_list_ends_after_it_begins() {
    let (ca, key) = ca();
    let template = CrlTemplate {
        number: 1,
        this_update: now(),
        next_update: now(),
        entries: Vec::new(),
    };
    let refused = issue(&template, &Issuer::new(&ca, &key).unwrap()).unwrap_err();
    assert!(matches!(refused, IssueError::EmptyValidity { .. }));
}

proptest! {
    #[test]
    fn strangers_bytes_do_not_panic(at in 0usize..500, value: u8, cut in 0usize..500) {
        let mut der = list(entries()).unwrap().der;
        if let Some(byte) = der.get_mut(at) {
            *byte = value;
        }
        drop(Crl::from_der(&der));
        der.truncate(cut);
        drop(Crl::from_der(&der));
    }
}
