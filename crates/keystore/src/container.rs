//! The forms in which programs keep and want private keys.

use der::{Decode as _, Encode as _};
use newleaf_x509::{PrivateKey, key::KeyError, pem};
use pkcs8::PrivateKeyInfo;
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

use crate::{
    pkcs12::Pkcs12,
    sealed::{self, SealedKey},
};

/// The largest file of keys that is read. An RSA key of 4096 bits with a chain of ten is under 40 KB.
pub const MAX_BYTES: usize = 1024 * 1024;

/// A file that holds a private key, before it is opened.
#[expect(missing_debug_implementations, reason = "it may hold a private key")]
pub enum KeyFile {
    /// A key that anybody who reads the file has.
    Plain(PrivateKey),
    /// A key behind a passphrase.
    Sealed(SealedKey),
    /// A PKCS #12 file: a key behind a passphrase, with its certificates.
    Pkcs12(Pkcs12),
}

/// A form of a key that is not encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// PKCS #8 (RFC 5958): every kind of key; what Java and newleaf read.
    Pkcs8,
    /// PKCS #1 (RFC 8017): RSA only.
    Pkcs1,
    /// SEC 1 (RFC 5915): ECDSA only.
    Sec1,
}

/// Why bytes are not a private key that can be opened. They are never quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Larger than [`MAX_BYTES`].
    #[error("expected a private key of at most {MAX_BYTES} bytes, found {found}")]
    TooLarge {
        /// The size that was offered.
        found: usize,
    },
    /// The text is not PEM, or holds no key, or more than one.
    #[error("cannot read a private key")]
    Key(#[source] KeyError),
    /// The DER is none of the forms.
    #[error(
        "expected a private key in DER (PKCS #8, encrypted PKCS #8, PKCS #1, SEC 1) or a PKCS #12 file, found something else"
    )]
    Unknown,
}

/// Why a key has no such form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// PKCS #1 is for RSA, SEC 1 for ECDSA.
    #[error(
        "expected {expected} for {form}, found a key of another kind: PKCS #8 takes every kind"
    )]
    OtherKind {
        /// The form that was wanted.
        form: KeyForm,
        /// The kind of key that has it.
        expected: &'static str,
    },
    /// The key's own PKCS #8 cannot be read: a fault of newleaf or its libraries.
    #[error("cannot read the key's own PKCS #8")]
    Broken,
}

/// Reads the one private key of a file, in PEM or DER.
pub fn read(bytes: &[u8]) -> Result<KeyFile, ReadError> {
    if bytes.len() > MAX_BYTES {
        return Err(ReadError::TooLarge { found: bytes.len() });
    }
    // The first byte of DER is that of a SEQUENCE; no text begins with it but one that begins with `0`.
    let text = std::str::from_utf8(bytes).ok();
    match text.filter(|text| text.contains("-----BEGIN ")) {
        Some(text) => read_pem(text),
        None => read_der(bytes),
    }
}

fn read_pem(text: &str) -> Result<KeyFile, ReadError> {
    match PrivateKey::from_pem(text) {
        Ok(key) => Ok(KeyFile::Plain(key)),
        Err(KeyError::Encrypted) => {
            let document =
                pem::parse(text).map_err(|error| ReadError::Key(KeyError::Pem(error)))?;
            let sealed = document
                .blocks
                .iter()
                .find(|block| block.label == sealed::PEM_LABEL);
            sealed
                .and_then(|block| SealedKey::from_der(&block.der))
                .map(KeyFile::Sealed)
                .ok_or(ReadError::Unknown)
        }
        Err(error) => Err(ReadError::Key(error)),
    }
}

fn read_der(der: &[u8]) -> Result<KeyFile, ReadError> {
    if let Ok(key) = PrivateKey::from_der(der) {
        return Ok(KeyFile::Plain(key));
    }
    if let Some(sealed) = SealedKey::from_der(der) {
        return Ok(KeyFile::Sealed(sealed));
    }
    Pkcs12::from_der(der)
        .map(KeyFile::Pkcs12)
        .ok_or(ReadError::Unknown)
}

impl KeyForm {
    /// Returns the label of the form's PEM block.
    pub fn pem_label(self) -> &'static str {
        match self {
            Self::Pkcs8 => "PRIVATE KEY",
            Self::Pkcs1 => "RSA PRIVATE KEY",
            Self::Sec1 => "EC PRIVATE KEY",
        }
    }

    /// Brings a key into the form. What comes out is a secret, as the key is.
    pub fn der_of(self, key: &PrivateKey) -> Result<Zeroizing<Vec<u8>>, FormError> {
        let pkcs8 = key.secret_der();
        let info = PrivateKeyInfo::from_der(pkcs8).map_err(|_error| FormError::Broken)?;
        let oid = info.algorithm.oid;
        match self {
            Self::Pkcs8 => Ok(Zeroizing::new(pkcs8.to_vec())),
            // RFC 8017 §A.1.2: what PKCS #8 wraps is the very structure.
            Self::Pkcs1 if oid == pkcs1::ALGORITHM_OID => {
                Ok(Zeroizing::new(info.private_key.to_vec()))
            }
            Self::Sec1 if oid == sec1::ALGORITHM_OID => {
                let curve = info
                    .algorithm
                    .parameters_oid()
                    .map_err(|_error| FormError::Broken)?;
                let inner =
                    EcPrivateKey::from_der(info.private_key).map_err(|_error| FormError::Broken)?;
                // PKCS #8 names the curve outside, so the inner structure may leave it out; alone it must not.
                let alone = EcPrivateKey {
                    parameters: Some(EcParameters::NamedCurve(curve)),
                    ..inner
                };
                let der = alone.to_der().map_err(|_error| FormError::Broken)?;
                Ok(Zeroizing::new(der))
            }
            Self::Pkcs1 => Err(FormError::OtherKind {
                form: self,
                expected: "an RSA key",
            }),
            Self::Sec1 => Err(FormError::OtherKind {
                form: self,
                expected: "an ECDSA key",
            }),
        }
    }

    /// Brings a key into the form, as PEM.
    pub fn pem_of(self, key: &PrivateKey) -> Result<Zeroizing<String>, FormError> {
        let der = self.der_of(key)?;
        Ok(Zeroizing::new(pem::encode(self.pem_label(), &der)))
    }
}

impl std::fmt::Display for KeyForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pkcs8 => "PKCS #8",
            Self::Pkcs1 => "PKCS #1",
            Self::Sec1 => "SEC 1",
        })
    }
}
