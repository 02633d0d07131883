//! Tests of [`super`].

use super::*;
use crate::h2::hpack::table::STATIC;

#[test]
fn names_lead_to_their_first_entry() {
    for (name, _value) in STATIC {
        let first = STATIC.iter().position(|entry| entry.0 == name).unwrap();
        assert_eq!(known(name).1, first + 1);
    }
}

#[test]
fn what_is_not_listed_is_usual() {
    for name in [&b""[..], b":", b":statu", b":statuss", b"Via", b"te"] {
        assert_eq!(known(name), (Policy::Usual, 0));
    }
}
