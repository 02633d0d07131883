//! Private keys that are found: their kind and to whom they belong, and nothing else of them.

use newleaf_keystore::{SealedKey, sealed};
use newleaf_x509::{Certificate, Fingerprint, PrivateKey, PublicKey, pem};
use serde::Serialize;

use super::item::Place;
use crate::failure::Failure;

/// A private key, of which nothing secret is kept.
#[derive(Debug)]
pub(super) struct KeyItem {
    /// What kind of key, in words.
    pub(super) kind: String,
    /// The mode of its file.
    pub(super) mode: Option<u32>,
    /// The certificate that it belongs to, among those that were found.
    pub(super) certificate: Option<Fingerprint>,
    public: Option<PublicKey>,
}

/// A private key, as `--json` tells it.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    kind: String,
    mode: Option<String>,
    certificate: Option<Fingerprint>,
}

impl KeyItem {
    /// Looks at a block of PEM.
    pub(super) fn read(block: &pem::Block, place: &Place<'_>) -> Result<Self, Failure> {
        if block.label == sealed::PEM_LABEL {
            return Self::sealed(SealedKey::from_der(&block.der).as_ref(), place);
        }
        Ok(match PrivateKey::from_der(&block.der) {
            Ok(key) => Self::open(&key, place.mode),
            Err(_) => Self::of_kind("of a kind that newleaf does not read", place.mode),
        })
    }

    /// Looks at a key.
    pub(super) fn open(key: &PrivateKey, mode: Option<u32>) -> Self {
        let public = key.public_key().clone();
        Self {
            public: Some(public),
            ..Self::of_kind(&key.public_key().algorithm().name(), mode)
        }
    }

    /// Looks at an encrypted key; into it, if somebody knows the passphrase.
    pub(super) fn sealed(sealed: Option<&SealedKey>, place: &Place<'_>) -> Result<Self, Failure> {
        let (Some(sealed), Some(source)) = (sealed, place.passphrase) else {
            return Ok(Self::of_kind("encrypted with a passphrase", place.mode));
        };
        let passphrase = source.open(&place.what())?;
        let key = sealed
            .open(&passphrase)
            .map_err(|error| place.shut(error))?;
        let opened = Self::open(&key, place.mode);
        let kind = format!("{}, encrypted with a passphrase", opened.kind);
        Ok(Self { kind, ..opened })
    }

    fn of_kind(kind: &str, mode: Option<u32>) -> Self {
        Self {
            kind: kind.to_owned(),
            mode,
            certificate: None,
            public: None,
        }
    }

    /// Returns whether this is the private half of what a certificate certifies.
    pub(super) fn is_of(&self, certificate: &Certificate) -> bool {
        self.public.as_ref() == Some(certificate.public_key())
    }

    /// Tells of it.
    pub(super) fn describe(&self) -> Told {
        Told {
            kind: self.kind.clone(),
            mode: self.mode.map(|mode| format!("{mode:04o}")),
            certificate: self.certificate,
        }
    }
}
