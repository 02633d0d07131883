//! Writing DER: which elements there are and how they nest is said here; lengths, numbers and times are encoded by the `der`
//! crate.

use std::ops::Range;

use der::{DateTime, Encode, Error, ErrorKind, Length, asn1};

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
        self.der.push(tag);
        match Length::try_from(content.len()) {
            Ok(length) => self.encode(&length),
            Err(error) => self.note(error),
        }
        self.raw(content);
    }

    /// Writes one element whose content is written by `write`, and returns what that returns.
    pub(crate) fn nested<T>(&mut self, tag: u8, write: impl FnOnce(&mut Self) -> T) -> T {
        self.der.push(tag);
        // Room for a short length, which most have; a longer one moves the content.
        let short = self.der.len()..self.der.len() + 1;
        self.der.push(0);
        let said = write(self);
        if let Err(error) = self.put_length(short) {
            self.note(error);
        }
        said
    }

    /// Writes how much has come since `room`, in its place.
    fn put_length(&mut self, room: Range<usize>) -> Result<(), Error> {
        let length = Length::try_from(self.der.len().saturating_sub(room.end))?;
        let mut octets = Octets::default();
        length.encode(&mut octets)?;
        match (octets.written(), self.der.get_mut(room.start)) {
            ([one], Some(place)) => *place = *one,
            (several, _) => drop(self.der.splice(room, several.iter().copied())),
        }
        Ok(())
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
        if let Err(error) = value.encode(&mut Tail(&mut self.der)) {
            self.note(error);
        }
    }

    fn note(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }
}

/// The octets of one length: five at most.
#[derive(Default)]
struct Octets {
    room: [u8; 5],
    n: usize,
}

impl Octets {
    fn written(&self) -> &[u8] {
        self.room.get(..self.n).unwrap_or_default()
    }
}

impl der::Writer for Octets {
    fn write(&mut self, octets: &[u8]) -> Result<(), Error> {
        octets.iter().try_for_each(|octet| self.write_byte(*octet))
    }

    fn write_byte(&mut self, octet: u8) -> Result<(), Error> {
        let place = self.room.get_mut(self.n).ok_or(ErrorKind::Overlength)?;
        *place = octet;
        self.n += 1;
        Ok(())
    }
}

/// Where the crate writes: behind what is there, without asking for the length first.
struct Tail<'a>(&'a mut Vec<u8>);

impl der::Writer for Tail<'_> {
    fn write(&mut self, octets: &[u8]) -> Result<(), Error> {
        self.0.extend_from_slice(octets);
        Ok(())
    }

    fn write_byte(&mut self, octet: u8) -> Result<(), Error> {
        self.0.push(octet);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
