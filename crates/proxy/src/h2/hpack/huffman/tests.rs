//! Tests of [`super`].

use fluke_hpack::huffman::HuffmanDecoder;
use proptest::prelude::*;

use super::*;

/// The first, the last and some codes between, copied from RFC 7541 appendix B.
#[test]
fn codes_are_those_of_the_rfc() {
    for (symbol, bits, length) in [
        (0, 0x1ff8, 13),
        (1, 0x007f_ffd8, 23),
        (10, 0x3fff_fffc, 30),
        (usize::from(b'!'), 0x3f8, 10),
        (usize::from(b'0'), 0x0, 5),
        (usize::from(b'a'), 0x3, 5),
        (usize::from(b':'), 0x5c, 7),
        (usize::from(b'\\'), 0x7_fff0, 19),
        (usize::from(b'~'), 0x1ffd, 13),
        (127, 0x0fff_fffc, 28),
        (199, 0x01ff_ffec, 25),
        (255, 0x03ff_ffee, 26),
        (256, 0x3fff_ffff, 30),
    ] {
        assert_eq!(CODES[symbol], Code { bits, length }, "symbol {symbol}");
    }
}

#[test]
fn no_code_begins_another() {
    for (nth, code) in CODES.iter().enumerate() {
        for other in CODES.iter().skip(nth + 1) {
            let (short, long) = if code.length <= other.length {
                (code, other)
            } else {
                (other, code)
            };
            assert_ne!(short.bits, long.bits >> (long.length - short.length));
        }
    }
}

#[test]
fn every_octet_comes_back() {
    let all: Vec<u8> = (0..=255).collect();
    check(&all);
    for octet in 0..=255 {
        check(&[octet]);
    }
    check(b"");
}

#[test]
fn at_most_seven_ones_fill_the_last_octet() {
    // `a` is 00011: three ones follow.
    refuse(&[0b0001_1110], Corruption::Padding);
    refuse(&[0b0001_1011], Corruption::Padding);
    // Eight ones and more are no filling, though they too begin the end-of-string symbol.
    refuse(&[0b0001_1111, 0xff], Corruption::Padding);
    refuse(&[0xff], Corruption::Padding);
    refuse(&[0xff, 0xff, 0xff], Corruption::Padding);
}

#[test]
fn the_end_of_string_symbol_is_no_text() {
    refuse(&[0xff, 0xff, 0xff, 0xff], Corruption::EndOfString);
    refuse(
        &[0b0001_1111, 0xff, 0xff, 0xff, 0xff],
        Corruption::EndOfString,
    );
}

#[test]
fn a_code_may_not_be_cut() {
    // The first octet of `!`, which has ten bits.
    refuse(&[0b1111_1110], Corruption::Padding);
}

proptest! {
    #[test]
    fn text_comes_back(text in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&text);
    }

    /// Most random octets end in a code that is cut, so some of them are made to end well.
    #[test]
    fn the_oracle_agrees(mut coded in prop::collection::vec(any::<u8>(), 0..40), filled in 0_u32..8) {
        if let Some(last) = coded.last_mut() {
            *last |= u8::try_from((1_u32 << filled) - 1).unwrap();
        }
        let mut ours = Vec::new();
        let judged = decode(&coded, &mut ours).is_ok().then_some(ours);
        prop_assert_eq!(judged, HuffmanDecoder::new().decode(&coded).ok());
    }
}

fn check(text: &[u8]) {
    let mut coded = Vec::new();
    encode(text, &mut coded);
    assert_eq!(coded.len(), encoded_length(text));
    let mut decoded = Vec::new();
    assert_eq!(decode(&coded, &mut decoded), Ok(()));
    assert_eq!(decoded, text);
    assert_eq!(HuffmanDecoder::new().decode(&coded).unwrap(), text);
}

fn refuse(coded: &[u8], expected: Corruption) {
    assert_eq!(decode(coded, &mut Vec::new()), Err(expected), "{coded:x?}");
}
