//! What several targets need.
//!
//! **What lives here.** Enough DER to take apart and to put together what is judged elsewhere, and what every sentence of
//! newleaf must satisfy.
//!
//! **What never will.** No code of the product, and no target: those are in `fuzz_targets`, one file each.
//!
//! **Where to start reading.** The targets; `csr` and `pkcs12` show why a fuzzer needs help with signatures.

/// Splits a run of DER elements, as one concatenates files. What is left over, or too long to be one, is left out.
pub fn elements(mut input: &[u8]) -> Vec<&[u8]> {
    let mut elements = Vec::new();
    while let Some(length) = element_length(input) {
        let Some((element, rest)) = input.split_at_checked(length) else {
            break;
        };
        elements.push(element);
        input = rest;
    }
    elements
}

/// Returns how long the first element is, with its tag and length.
fn element_length(input: &[u8]) -> Option<usize> {
    let (head, content) = match *input.get(1..)? {
        [n @ 0..0x80, ..] => (2, usize::from(n)),
        [0x81, n, ..] => (3, usize::from(n)),
        [0x82, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
        _ => return None,
    };
    Some(head + content)
}

/// Puts parts into one DER element. They are shorter than 64 KiB together.
pub fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
    let [high, low] = length.to_be_bytes();
    let head = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        0x100.. => vec![tag, 0x82, high, low],
    };
    [head, content].concat()
}

/// Asserts that a text of ours cannot drive a terminal, whatever was in the bytes that it speaks of.
pub fn assert_printable(said: &str) {
    let control = said
        .chars()
        .find(|c| c.is_control() && *c != '\n' && *c != '\t');
    assert_eq!(
        control, None,
        "a control character would reach the terminal: {said:?}"
    );
}
