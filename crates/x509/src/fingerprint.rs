//! Fingerprints: the name by which a certificate is compared.

use std::{fmt, str::FromStr};

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

/// SHA-256 of a certificate's DER: equal exactly if the certificates are equal.
///
/// Prints as 64 lower-case hexadecimal digits, and reads back with or without colons.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 32]);

/// SHA-1 of a certificate's DER, only because Temporal's own tools show it (`tcld` lists it). Prints as 40 lower-case
/// hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct Sha1Fingerprint([u8; 20]);

/// Why a text is not a SHA-256 fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read `{found}` as a fingerprint: expected 64 hexadecimal digits")]
pub struct ParseFingerprintError {
    found: String,
}

impl Fingerprint {
    /// Computes the fingerprint of a DER-encoded certificate.
    pub fn of(der: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, der).as_ref());
        Self(bytes)
    }

    /// Returns the 32 bytes of the digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the first 12 hexadecimal digits: enough to tell certificates apart on a screen.
    pub fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

impl Sha1Fingerprint {
    /// Computes the SHA-1 fingerprint of a DER-encoded certificate.
    pub fn of(der: &[u8]) -> Self {
        let mut bytes = [0; 20];
        bytes.copy_from_slice(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, der).as_ref());
        Self(bytes)
    }
}

/// How many digits are written at once: those of a SHA-256.
const ROOM: usize = 64;

/// Bytes, printed as lower-case hexadecimal digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl Hex<'_> {
    /// Prints to a text of its own. What goes through a formatter costs as much again.
    pub(crate) fn text(&self) -> String {
        let mut text = String::with_capacity(2 * self.0.len());
        match self.print(&mut text) {
            // Writing to a text does not fail.
            Ok(()) | Err(fmt::Error) => text,
        }
    }

    fn print(&self, out: &mut impl fmt::Write) -> fmt::Result {
        // A formatted write for each octet would cost more than all the rest of a description.
        self.0.chunks(ROOM / 2).try_for_each(|chunk| {
            let mut digits = [0; ROOM];
            for (pair, octet) in digits.as_chunks_mut::<2>().0.iter_mut().zip(chunk) {
                *pair = [digit(octet >> 4), digit(octet & 0x0f)];
            }
            let written = digits.get(..2 * chunk.len()).unwrap_or_default();
            out.write_str(std::str::from_utf8(written).unwrap_or_default())
        })
    }
}

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(f)
    }
}

fn digit(value: u8) -> u8 {
    match value {
        0..=9 => b'0' + value,
        _ => b'a' + value - 10,
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", self.short())
    }
}

impl fmt::Display for Sha1Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl fmt::Debug for Sha1Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha1Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = ParseFingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseFingerprintError {
            found: text.chars().take(96).collect(),
        };
        let digits: Vec<u8> = text
            .chars()
            .filter(|c| *c != ':')
            .map(|c| {
                c.to_digit(16)
                    .and_then(|d| u8::try_from(d).ok())
                    .ok_or_else(error)
            })
            .collect::<Result<_, _>>()?;
        let bytes: Vec<u8> = digits
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| (byte << 4) | digit))
            .collect();
        match <[u8; 32]>::try_from(bytes) {
            Ok(bytes) if digits.len() == 64 => Ok(Self(bytes)),
            Ok(_) | Err(_) => Err(error()),
        }
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = ParseFingerprintError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        Hex(&fingerprint.0).text()
    }
}

impl From<Sha1Fingerprint> for String {
    fn from(fingerprint: Sha1Fingerprint) -> Self {
        Hex(&fingerprint.0).text()
    }
}

#[cfg(test)]
mod tests;
