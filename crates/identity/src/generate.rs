//! The product's only source of randomness for certificates: keys and serial numbers.

use aws_lc_rs::rand;
use newleaf_x509::{KeyAlgorithm, PrivateKey, issue::Serial, key::KeyError};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, RsaKeySize};

/// The kinds of key that newleaf makes: those that Temporal Cloud names (RSA and ECDSA), none weaker than
/// 112 bits of security (NIST SP 800-57).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of the algorithms")]
pub enum KeyKind {
    EcdsaP256,
    EcdsaP384,
    Rsa2048,
    Rsa3072,
    Rsa4096,
}

impl KeyKind {
    /// Returns the kind as certificates name it.
    pub fn algorithm(self) -> KeyAlgorithm {
        match self {
            Self::EcdsaP256 => KeyAlgorithm::EcdsaP256,
            Self::EcdsaP384 => KeyAlgorithm::EcdsaP384,
            Self::Rsa2048 => KeyAlgorithm::Rsa(2048),
            Self::Rsa3072 => KeyAlgorithm::Rsa(3072),
            Self::Rsa4096 => KeyAlgorithm::Rsa(4096),
        }
    }
}

/// Why nothing was generated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The library made no key.
    #[error("could not generate a key of the kind {kind:?}: {reason}")]
    Key {
        /// The kind that was asked for.
        kind: KeyKind,
        /// What the library said.
        reason: String,
    },
    /// The key that was just made could not be read: a fault of newleaf or its libraries.
    #[error("cannot read the key that was just generated")]
    ReadBack(#[source] KeyError),
    /// The system gave no random bytes.
    #[error("could not draw random bytes for a serial number")]
    Random,
}

/// Generates a private key.
pub fn key(kind: KeyKind) -> Result<PrivateKey, GenerateError> {
    let pair = match kind {
        KeyKind::EcdsaP256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
        KeyKind::EcdsaP384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384),
        KeyKind::Rsa2048 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
        KeyKind::Rsa3072 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_3072),
        KeyKind::Rsa4096 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_4096),
    };
    let pair = pair.map_err(|error| GenerateError::Key {
        kind,
        reason: error.to_string(),
    })?;
    PrivateKey::new(pair).map_err(GenerateError::ReadBack)
}

/// Draws a serial number: 126 random bits, well above the 64 that the CA/Browser Forum asks for (BR §7.1).
pub fn serial() -> Result<Serial, GenerateError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_error| GenerateError::Random)?;
    Ok(Serial::from_random(bytes))
}

#[cfg(test)]
mod tests;
