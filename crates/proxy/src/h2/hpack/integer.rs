//! Integers with a prefix (RFC 7541 §5.1), and the reader they are read from.

use super::decode::Corruption;

/// The first octet of a representation: `tag` says which one it is, `mask` which bits begin an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) tag: u8,
    pub(super) mask: u8,
}

/// A field that a table holds (§6.1).
pub(super) const INDEXED: Prefix = Prefix::new(0b1000_0000, 0b0111_1111);
/// A literal that enters the table (§6.2.1).
pub(super) const INSERTED: Prefix = Prefix::new(0b0100_0000, 0b0011_1111);
/// A new maximum size of the table (§6.3).
pub(super) const TABLE_SIZE: Prefix = Prefix::new(0b0010_0000, 0b0001_1111);
/// A literal that no hop may index (§6.2.3).
pub(super) const NEVER_INDEXED: Prefix = Prefix::new(0b0001_0000, 0b0000_1111);
/// A literal that does not enter the table (§6.2.2).
pub(super) const LITERAL: Prefix = Prefix::new(0b0000_0000, 0b0000_1111);
/// The length of a string in Huffman code (§5.2).
pub(super) const HUFFMAN: Prefix = Prefix::new(0b1000_0000, 0b0111_1111);
/// The length of a string as it is (§5.2).
pub(super) const RAW: Prefix = Prefix::new(0b0000_0000, 0b0111_1111);

impl Prefix {
    const fn new(tag: u8, mask: u8) -> Self {
        Self { tag, mask }
    }
}

/// What is left of a header block.
#[derive(Debug)]
pub(super) struct Reader<'block> {
    rest: &'block [u8],
}

impl<'block> Reader<'block> {
    pub(super) fn new(block: &'block [u8]) -> Self {
        Self { rest: block }
    }

    /// Returns the next octet and leaves it there.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Takes the next octet.
    pub(super) fn octet(&mut self) -> Result<u8, Corruption> {
        let (octet, rest) = self.rest.split_first().ok_or(Corruption::Truncated)?;
        self.rest = rest;
        Ok(*octet)
    }

    /// Takes the next `length` octets.
    pub(super) fn take(&mut self, length: usize) -> Result<&'block [u8], Corruption> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(Corruption::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes an integer whose first bits are those of the next octet below `mask`.
    ///
    /// Anything above 2³² - 1 is refused, and so are more than five further octets, by which even zero could be
    /// written at any length (§5.1 asks for such a limit).
    pub(super) fn integer(&mut self, mask: u8) -> Result<usize, Corruption> {
        let first = self.octet()? & mask;
        if first < mask {
            return Ok(usize::from(first));
        }
        let mut value = u64::from(mask);
        for shift in [0, 7, 14, 21, 28] {
            let octet = self.octet()?;
            value += u64::from(octet & 0x7f) << shift;
            if octet & 0x80 == 0 {
                return u32::try_from(value)
                    .ok()
                    .and_then(|value| usize::try_from(value).ok())
                    .ok_or(Corruption::IntegerTooLarge);
            }
        }
        Err(Corruption::IntegerTooLarge)
    }
}

/// Appends an integer, its first bits in the same octet as the tag.
pub(super) fn write(prefix: Prefix, value: usize, out: &mut Vec<u8>) {
    let mask = usize::from(prefix.mask);
    if value < mask {
        out.push(prefix.tag | low_octet(value));
        return;
    }
    out.push(prefix.tag | prefix.mask);
    let mut rest = value - mask;
    while rest >= 0x80 {
        out.push(low_octet(rest) | 0x80);
        rest >>= 7;
    }
    out.push(low_octet(rest));
}

fn low_octet(value: usize) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low
}

#[cfg(test)]
mod tests;
