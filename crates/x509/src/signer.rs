//! Who signs: whoever holds a private key, wherever it lies.
//!
//! A key in memory signs by itself; one in a token never leaves it, and is asked. Issuing does not know the
//! difference.

use crate::key::{PrivateKey, PublicKey};

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
