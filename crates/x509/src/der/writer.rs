//! Writing DER: which elements there are and how they nest is said here; tags, lengths, numbers and times are encoded by the
//! `der` crate.

use der::{DateTime, Encode, Error, Header, Tag, asn1};

/// A tag of one octet, and the longest length that the crate writes, of five.
const HEADER_BYTES: usize = 6;

/// DER that grows. What cannot be encoded is told at the end.
#[derive(Debug)]
pub(crate) struct Writer {
    der: Vec<u8>,
    error: Option<Error>,
}

impl Writer {
    /// Begins with nothing, and with room for a usual certificate.
    pub(crate) fn new() -> Self {
        Self {
            der: Vec::with_capacity(1024),
            error: None,
        }
    }

    /// Writes one element.
    pub(crate) fn element(&mut self, tag: u8, content: &[u8]) {
        let mut room = [0; HEADER_BYTES];
        match header(tag, content.len(), &mut room) {
            Ok(header) => self.raw(header),
            Err(error) => self.note(error),
        }
        self.raw(content);
    }

    /// Writes one element whose content is written by `write`, and returns what that returns.
    pub(crate) fn nested<T>(&mut self, tag: u8, write: impl FnOnce(&mut Self) -> T) -> T {
        let at = self.der.len();
        // Room for a short header, which most have; a longer one moves the content.
        let short = at..at + 2;
        self.raw(&[0, 0]);
        let said = write(self);
        let length = self.der.len().saturating_sub(short.end);
        let mut room = [0; HEADER_BYTES];
        match header(tag, length, &mut room) {
            Ok(header) => match self.der.get_mut(short.clone()) {
                Some(place) if place.len() == header.len() => place.copy_from_slice(header),
                Some(_) | None => drop(self.der.splice(short, header.iter().copied())),
            },
            Err(error) => self.note(error),
        }
        said
    }

    /// Writes a positive integer.
    pub(crate) fn positive(&mut self, big_endian: &[u8]) {
        match asn1::UintRef::new(big_endian) {
            Ok(number) => self.encode(&number),
            Err(error) => self.note(error),
        }
    }

    /// Writes an instant: in two digits of the year up to 2049, else in four (RFC 5280 §4.1.2.5).
    pub(crate) fn time(&mut self, at: DateTime) {
        match asn1::UtcTime::from_date_time(at) {
            Ok(short) => self.encode(&short),
            Err(_too_late) => self.encode(&asn1::GeneralizedTime::from_date_time(at)),
        }
    }

    /// Writes what is DER already.
    pub(crate) fn raw(&mut self, der: &[u8]) {
        self.der.extend_from_slice(der);
    }

    /// Shows what was written so far.
    pub(crate) fn der(&self) -> Result<&[u8], Error> {
        match self.error {
            None => Ok(&self.der),
            Some(error) => Err(error),
        }
    }

    /// Returns what was written.
    pub(crate) fn into_der(self) -> Result<Vec<u8>, Error> {
        match self.error {
            None => Ok(self.der),
            Some(error) => Err(error),
        }
    }

    fn encode(&mut self, value: &impl Encode) {
        if let Err(error) = value.encode_to_vec(&mut self.der) {
            self.note(error);
        }
    }

    fn note(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }
}

/// Encodes a header into `room`.
fn header(tag: u8, length: usize, room: &mut [u8]) -> Result<&[u8], Error> {
    Header::new(Tag::try_from(tag)?, length)?.encode_to_slice(room)
}

#[cfg(test)]
mod tests;
