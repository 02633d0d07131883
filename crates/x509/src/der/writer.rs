//! Writing DER: which elements there are and how they nest is said here; tags, lengths, numbers and times are encoded by the
//! `der` crate.

use der::{DateTime, Encode, Error, Header, Tag, asn1};

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
        match header(tag, content.len()) {
            Ok(header) => self.encode(&header),
            Err(error) => self.note(error),
        }
        self.raw(content);
    }

    /// Writes one element whose content is written by `write`, and returns what that returns.
    pub(crate) fn nested<T>(&mut self, tag: u8, write: impl FnOnce(&mut Self) -> T) -> T {
        let at = self.der.len();
        let said = write(self);
        // The content is there first, since its length stands in front of it.
        let header = header(tag, self.der.len().saturating_sub(at));
        match header.and_then(|header| header.to_der()) {
            Ok(header) => drop(self.der.splice(at..at, header)),
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

fn header(tag: u8, length: usize) -> Result<Header, Error> {
    Header::new(Tag::try_from(tag)?, length)
}

#[cfg(test)]
mod tests;
