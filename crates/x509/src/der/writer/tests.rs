//! What is written can be walked again.

use super::*;
use crate::{
    der::{items, tag},
    forge::tlv,
};

#[test]
fn lengths_are_the_shortest() {
    for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000] {
        let content = vec![7; length];
        let mut writer = Writer::new();
        writer.element(tag::OCTET_STRING, &content);
        let der = writer.into_der().unwrap();
        assert_eq!(der, tlv(tag::OCTET_STRING, &content), "{length}");
        let read: Vec<_> = items(&der).map(|item| item.content.len()).collect();
        assert_eq!(read, [length]);
    }
}

#[test]
fn what_is_inside_moves_with_its_length() {
    let mut writer = Writer::new();
    writer.nested(tag::SEQUENCE, |list| {
        list.element(tag::OCTET_STRING, &[1; 200]);
        list.element(tag::OCTET_STRING, &[2; 3]);
    });
    writer.raw(&[5, 0]);
    let inner = [tlv(4, &[1; 200]), tlv(4, &[2; 3])].concat();
    let expected = [tlv(0x30, &inner), vec![5, 0]].concat();
    assert_eq!(writer.into_der().unwrap(), expected);
}

#[test]
fn integers_are_positive_and_short() {
    let cases: [(&[u8], &[u8]); 4] = [
        (&[0, 0], &[0]),
        (&[0x7f], &[0x7f]),
        (&[0, 0x80], &[0, 0x80]),
        (&[0xff, 1], &[0, 0xff, 1]),
    ];
    for (number, content) in cases {
        let mut writer = Writer::new();
        writer.positive(number);
        assert_eq!(writer.into_der().unwrap(), tlv(tag::INTEGER, content));
    }
}
