//! Who signs: whoever holds a private key, wherever it lies.
//!
//! A key in memory signs by itself; one in a token never leaves it, and is asked. Issuing does not know the
//! difference.

use std::sync::{Mutex, PoisonError};

use crate::{
    issue::IssueError,
    key::{PrivateKey, PublicKey},
};

/// The holder of a private key.
pub trait Signer: Send + Sync {
    /// Returns the public half.
    fn public_key(&self) -> &PublicKey;

    /// Signs a message as certificates are signed: ECDSA over SHA-256 (P-256), SHA-384 (P-384) or SHA-512 (P-521), in
    /// DER; RSA over SHA-256 (PKCS #1 v1.5); Ed25519.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Why nothing was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not sign with the private key: {reason}")]
pub struct SignError {
    /// What its holder said.
    pub reason: String,
}

impl Signer for PrivateKey {
    fn public_key(&self) -> &PublicKey {
        self.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signed = rcgen::SigningKey::sign(self.pair(), message);
        signed.map_err(|error| SignError {
            reason: error.to_string(),
        })
    }
}

/// A signer as the issuing library knows it. Its errors have no room for a reason, so the pen remembers it.
pub(crate) struct Pen<'a> {
    signer: &'a dyn Signer,
    public: rcgen::SubjectPublicKeyInfo,
    failed: Mutex<Option<SignError>>,
}

impl<'a> Pen<'a> {
    pub(crate) fn new(signer: &'a dyn Signer) -> Result<Self, IssueError> {
        let public = signer.public_key().certified();
        Ok(Self {
            signer,
            public: public.map_err(|_error| IssueError::PublicKey)?,
            failed: Mutex::new(None),
        })
    }

    /// Says why signing failed.
    pub(crate) fn error(&self, error: &rcgen::Error) -> IssueError {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        match failed.clone() {
            Some(reason) => IssueError::Signer(reason),
            None => IssueError::Sign {
                reason: error.to_string(),
            },
        }
    }
}

impl rcgen::PublicKeyData for Pen<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.public.der_bytes()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.public.algorithm()
    }
}

impl rcgen::SigningKey for Pen<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.signer.sign(message).map_err(|error| {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            *failed = Some(error);
            rcgen::Error::RemoteKeyError
        })
    }
}
