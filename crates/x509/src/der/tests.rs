//! Walking DER.

use super::*;
use crate::forge::{oid, tlv};

#[test]
fn elements_follow_each_other() {
    let long = vec![7; 300];
    let der = [tlv(0x04, &long), tlv(0x02, &[1]), tlv(0x30, &[])].concat();
    let walked: Vec<_> = items(&der)
        .map(|item| (item.tag, item.content.len()))
        .collect();
    assert_eq!(walked, [(0x04, 300), (0x02, 1), (0x30, 0)]);
}

#[test]
fn an_element_is_taken_only_if_it_is_the_one() {
    let der = [tlv(0x02, &[1]), tlv(0x01, &[0xff])].concat();
    let mut walk = items(&der);
    assert_eq!(walk.next_with(tag::BOOLEAN), None);
    assert_eq!(
        walk.next_with(tag::INTEGER).map(|item| item.content),
        Some(&[1][..])
    );
    assert_eq!(
        walk.next().and_then(|item| item.with(tag::BOOLEAN)),
        Some(&[0xff][..])
    );
}

#[test]
fn what_is_cut_or_endless_ends_the_walk() {
    for der in [
        &[][..],
        &[0x30],
        &[0x30, 2, 0],
        &[0x30, 0x80, 0, 0],
        &[0x30, 0x85, 0, 0, 0, 0, 1, 0],
        &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0],
    ] {
        assert_eq!(items(der).next(), None, "{der:?}");
    }
}

#[test]
fn object_identifiers_are_dotted() {
    for dotted in [
        "2.5.29.19",
        "1.3.6.1.5.5.7.3.2",
        "0.9.2342.19200300.100.1.25",
        "2.999.1",
    ] {
        let der = if dotted == "2.999.1" {
            tlv(0x06, &[0x88, 0x37, 0x01])
        } else {
            oid(dotted)
        };
        let item = items(&der).next().unwrap();
        assert_eq!(super::dotted(item.content), dotted);
    }
}
