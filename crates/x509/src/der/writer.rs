//! Writing DER: tag, length, content. What is written inside is written once; its length is put in front of it afterwards.

/// DER that grows.
#[derive(Debug)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// Begins with nothing, and with room for a usual certificate.
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(1024))
    }

    /// Writes one element.
    pub(crate) fn element(&mut self, tag: u8, content: &[u8]) {
        self.nested(tag, |within| within.raw(content));
    }

    /// Writes one element whose content is written by `write`, and returns what that returns.
    pub(crate) fn nested<T>(&mut self, tag: u8, write: impl FnOnce(&mut Self) -> T) -> T {
        self.0.push(tag);
        let at = self.0.len();
        // Room for the short form, which most lengths have; a longer one moves the content.
        self.0.push(0);
        let said = write(self);
        self.put_length(at);
        said
    }

    /// Puts the length of all that follows in the place of the octet at `at`.
    fn put_length(&mut self, at: usize) {
        let length = self.0.len().saturating_sub(at + 1);
        if let (Ok(short @ 0..=0x7f), Some(octet)) = (u8::try_from(length), self.0.get_mut(at)) {
            *octet = short;
            return;
        }
        let octets = length.to_be_bytes();
        let zeros = octets.iter().take_while(|octet| **octet == 0).count();
        let octets = octets.into_iter().skip(zeros);
        // No length has more octets than a `usize`.
        let count = u8::try_from(octets.len()).unwrap_or_default();
        let long = std::iter::once(0x80 | count).chain(octets);
        drop(self.0.splice(at..=at, long));
    }

    /// Writes a positive integer: a leading zero keeps the sign.
    pub(crate) fn positive(&mut self, tag: u8, big_endian: &[u8]) {
        let zeros = big_endian.iter().take_while(|octet| **octet == 0).count();
        let significant = big_endian.get(zeros..).unwrap_or_default();
        self.nested(tag, |within| {
            if significant.first().is_none_or(|first| *first >= 0x80) {
                within.raw(&[0]);
            }
            within.raw(significant);
        });
    }

    /// Writes what is DER already.
    pub(crate) fn raw(&mut self, der: &[u8]) {
        self.0.extend_from_slice(der);
    }

    /// Shows what was written so far.
    pub(crate) fn der(&self) -> &[u8] {
        &self.0
    }

    /// Returns what was written.
    pub(crate) fn into_der(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests;
