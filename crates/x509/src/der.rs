//! Walking DER: tag, content, what follows. No meaning, no copy.
//!
//! What is walked here was read by the parser before. An end that comes too early therefore ends the walk and is not an
//! error of its own.

mod writer;

pub(crate) use self::writer::Writer;

/// Universal and context tags, as they stand in certificates.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const NUMERIC_STRING: u8 = 0x12;
    pub(crate) const PRINTABLE_STRING: u8 = 0x13;
    pub(crate) const TELETEX_STRING: u8 = 0x14;
    pub(crate) const IA5_STRING: u8 = 0x16;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const BMP_STRING: u8 = 0x1e;
    pub(crate) const ENUMERATED: u8 = 0x0a;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
}

/// One element: its tag octet and its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
}

/// The elements of some content, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Items<'a>(&'a [u8]);

/// Returns the elements of `content`.
pub(crate) fn items(content: &[u8]) -> Items<'_> {
    Items(content)
}

/// Returns the elements within an element of which the end may be missing.
pub(crate) fn within(element: &[u8]) -> Items<'_> {
    let content = match element {
        [_, 0..=0x7f, content @ ..]
        | [_, 0x81, _, content @ ..]
        | [_, 0x82, _, _, content @ ..]
        | [_, 0x83, _, _, _, content @ ..] => content,
        [..] => &[],
    };
    Items(content)
}

impl<'a> Item<'a> {
    /// Returns the elements within this one.
    pub(crate) fn items(self) -> Items<'a> {
        items(self.content)
    }

    /// Returns the content if the tag is this one.
    pub(crate) fn with(self, tag: u8) -> Option<&'a [u8]> {
        (self.tag == tag).then_some(self.content)
    }
}

impl<'a> Items<'a> {
    /// Returns whether all was taken: nothing is left, not even what cannot be walked.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the next element if its tag is this one.
    pub(crate) fn next_with(&mut self, tag: u8) -> Option<Item<'a>> {
        let mut ahead = self.clone();
        let item = ahead.next().filter(|item| item.tag == tag)?;
        *self = ahead;
        Some(item)
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // Four octets of length are more than a certificate may have.
            0x81..=0x84 => {
                let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = octets
                    .iter()
                    .fold(0, |length, octet| (length << 8) | usize::from(*octet));
                (length, rest)
            }
            0x80 | 0x85.. => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(Item { tag, content })
    }
}

/// Prints the content of an object identifier in dotted form.
pub(crate) fn dotted(content: &[u8]) -> String {
    let mut dotted = String::with_capacity(32);
    let mut arc: u64 = 0;
    for octet in content {
        arc = arc.saturating_mul(128) | u64::from(octet & 0x7f);
        if octet & 0x80 != 0 {
            continue;
        }
        if dotted.is_empty() {
            let top = (arc / 40).min(2);
            push_decimal(&mut dotted, top);
            arc -= top * 40;
        }
        dotted.push('.');
        push_decimal(&mut dotted, arc);
        arc = 0;
    }
    dotted
}

fn push_decimal(text: &mut String, number: u64) {
    if number >= 10 {
        push_decimal(text, number / 10);
    }
    let digit = u32::try_from(number % 10).ok();
    text.extend(digit.and_then(|digit| char::from_digit(digit, 10)));
}

#[cfg(test)]
mod tests;
