//! Tests of [`super`].

use proptest::prelude::*;

use super::*;

/// The examples of RFC 7541 appendix C.1, whose third has a prefix of eight bits.
#[test]
fn the_examples_of_the_rfc() {
    check(TABLE_SIZE, 10, &[0x20 | 0x0a]);
    check(TABLE_SIZE, 1337, &[0x20 | 0x1f, 0x9a, 0x0a]);
    check(Prefix::new(0, 0xff), 42, &[0x2a]);
}

#[test]
fn the_edges_of_a_prefix() {
    check(RAW, 126, &[126]);
    check(RAW, 127, &[127, 0]);
    check(RAW, 128, &[127, 1]);
    check(RAW, 255, &[127, 0x80, 1]);
}

#[test]
fn the_largest_is_32_bits_wide() {
    let largest = usize::try_from(u32::MAX).unwrap();
    check(RAW, largest, &[0x7f, 0x80, 0xff, 0xff, 0xff, 0x0f]);
    refuse(
        &[0x7f, 0x81, 0xff, 0xff, 0xff, 0x0f],
        Corruption::IntegerTooLarge,
    );
    refuse(
        &[0x7f, 0xff, 0xff, 0xff, 0xff, 0x7f],
        Corruption::IntegerTooLarge,
    );
}

#[test]
fn zeros_cannot_be_written_for_ever() {
    check_read(&[0x7f, 0x80, 0x80, 0x80, 0x80, 0x00], 127);
    refuse(
        &[0x7f, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
        Corruption::IntegerTooLarge,
    );
}

#[test]
fn a_block_may_not_end_within_an_integer() {
    refuse(&[], Corruption::Truncated);
    refuse(&[0x7f], Corruption::Truncated);
    refuse(&[0x7f, 0x80], Corruption::Truncated);
}

proptest! {
    #[test]
    fn what_is_written_is_read(value in 0_u32.., width in 1_u32..=8) {
        let mask = u8::try_from((1_u32 << width) - 1).unwrap();
        let value = usize::try_from(value).unwrap();
        let mut written = Vec::new();
        write(Prefix::new(!mask, mask), value, &mut written);
        prop_assert_eq!(written[0] & !mask, !mask);
        let mut reader = Reader::new(&written);
        prop_assert_eq!(reader.integer(mask), Ok(value));
        prop_assert_eq!(reader.peek(), None);
    }
}

fn check(prefix: Prefix, value: usize, expected: &[u8]) {
    let mut written = Vec::new();
    write(prefix, value, &mut written);
    assert_eq!(written, expected);
    assert_eq!(Reader::new(expected).integer(prefix.mask), Ok(value));
}

fn check_read(octets: &[u8], expected: usize) {
    assert_eq!(Reader::new(octets).integer(RAW.mask), Ok(expected));
}

fn refuse(octets: &[u8], expected: Corruption) {
    assert_eq!(Reader::new(octets).integer(RAW.mask), Err(expected));
}
