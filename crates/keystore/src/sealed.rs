//! A private key behind a passphrase: encrypted PKCS #8 (RFC 5958 §3), as openssl writes it and AWS exports it.

use der::{Decode as _, Encode as _};
use newleaf_x509::{PrivateKey, pem};
use pkcs8::EncryptedPrivateKeyInfo;

pub use crate::pbes2::{OpenError, SealError};
use crate::{effort::Effort, passphrase::Passphrase, pbes2};

/// The label of its PEM block (RFC 7468 §11).
pub const PEM_LABEL: &str = "ENCRYPTED PRIVATE KEY";

/// An encrypted key. What can be seen of it is no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedKey {
    der: Vec<u8>,
}

impl SealedKey {
    /// Reads the DER of an `EncryptedPrivateKeyInfo`; nothing, if the bytes are none.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        // Decoded whole here, so that opening meets no other form; kept as bytes, because the library's type borrows.
        let read = EncryptedPrivateKeyInfo::from_der(der).ok()?;
        read.to_der().ok().map(|der| Self { der })
    }

    /// Encrypts a key: PBKDF2-HMAC-SHA256 with 600,000 rounds, AES-256-CBC.
    pub fn seal(key: &PrivateKey, passphrase: &Passphrase) -> Result<Self, SealError> {
        let der = pbes2::seal(key.secret_der(), passphrase)?;
        Ok(Self { der })
    }

    /// Decrypts the key.
    pub fn open(&self, passphrase: &Passphrase) -> Result<PrivateKey, OpenError> {
        self.open_within(passphrase, &mut Effort::new())
    }

    /// Decrypts the key, if it asks for no more rounds than are left.
    pub fn open_within(
        &self,
        passphrase: &Passphrase,
        effort: &mut Effort,
    ) -> Result<PrivateKey, OpenError> {
        let sealed = EncryptedPrivateKeyInfo::from_der(&self.der)
            .map_err(|_error| OpenError::Unsupported)?;
        let scheme = &sealed.encryption_algorithm;
        let der = pbes2::decrypt(scheme, sealed.encrypted_data, passphrase, effort)?;
        // One wrong passphrase in 256 leaves a padding that looks right.
        PrivateKey::from_der(&der).map_err(|_not_a_key| OpenError::WrongPassphrase)
    }

    /// Returns the DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Prints it as PEM.
    pub fn to_pem(&self) -> String {
        pem::encode(PEM_LABEL, &self.der)
    }
}
