//! Keys and serial numbers: the randomness that `x509` takes as arguments.

use newleaf_x509::{PrivateKey, issue::Serial, key::KeyError};

/// Why no key could be generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The library made no key.
    #[error("could not generate a key: {reason}")]
    Key {
        /// What it said.
        reason: String,
    },
    /// The key that was made cannot be read.
    #[error("cannot read the key that was just generated")]
    ReadBack(#[from] KeyError),
    /// The system gave no random bytes.
    #[error("could not draw random bytes for a serial number")]
    Serial,
}

pub(crate) fn key() -> Result<PrivateKey, GenerateError> {
    let pair = rcgen::KeyPair::generate().map_err(|error| GenerateError::Key {
        reason: error.to_string(),
    })?;
    Ok(PrivateKey::new(pair)?)
}

pub(crate) fn serial() -> Result<Serial, GenerateError> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_error| GenerateError::Serial)?;
    Ok(Serial::from_random(bytes))
}
