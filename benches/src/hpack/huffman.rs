//! The Huffman code of RFC 7541 Appendix B. It is canonical, so the lengths say everything: among codes of one length
//! the order is that of the symbols, and each length begins where the shorter ones ended.

/// The length of the code of each octet. The end-of-string symbol (30 bits) never appears in a string.
#[rustfmt::skip]
const LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5,
    5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6,
    6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22,
    23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22,
    21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20,
    22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19,
    21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22,
    22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];

/// The longest code.
const LONGEST: u8 = 30;

/// Reads a coded string; nothing if its end is not the padding it must be (RFC 7541 §5.2).
pub(super) fn decode(coded: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(coded.len() * 2);
    let mut code = 0_u32;
    let mut length = 0_u8;
    for bit in coded
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |at| u32::from(byte >> at & 1)))
    {
        code = code << 1 | bit;
        length += 1;
        if length > LONGEST {
            return None;
        }
        if let Some(symbol) = symbol(code, length) {
            text.push(symbol);
            code = 0;
            length = 0;
        }
    }
    let padding = (1_u32 << length) - 1;
    (length < 8 && code == padding).then_some(text)
}

/// The octet whose code is `code` in `length` bits. Slow, and asked only for blocks that were not seen before.
fn symbol(code: u32, length: u8) -> Option<u8> {
    let shorter = LENGTHS.iter().filter(|other| **other < length);
    let first = shorter.fold(0, |first, other| first + (1_u32 << (length - other)));
    let place = usize::try_from(code.checked_sub(first)?).ok()?;
    let mut octets = (0_u8..=255).zip(LENGTHS);
    octets
        .by_ref()
        .filter(|(_, other)| *other == length)
        .nth(place)
        .map(|(octet, _)| octet)
}
