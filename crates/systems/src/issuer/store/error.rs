//! Why the files of a CA, or its token, could not be used.

use std::{io, path::PathBuf};

use newleaf_identity::generate::GenerateError;
use newleaf_keystore::{
    container::ReadError,
    sealed::{OpenError, SealError},
    token::TokenError,
};
use newleaf_rotation::Again;
use newleaf_x509::certificate::CertificatesError;

use crate::trouble::{Retry, again_after};

/// Why the files of a CA could not be used. No key is ever quoted.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file could not be read.
    #[error("could not read the CA's files")]
    Read(#[source] io::Error),
    /// A file could not be written.
    #[error("could not write the CA's files")]
    Write(#[source] io::Error),
    /// The certificate cannot be read.
    #[error("cannot read `{}`", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: CertificatesError,
    },
    /// Not exactly one certificate.
    #[error("expected one CA certificate in `{}`, found {found} certificates", path.display())]
    NotOneCa {
        /// The file.
        path: PathBuf,
        /// How many certificates it holds.
        found: usize,
    },
    /// The key cannot be read.
    #[error("cannot read `{}`", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// The key is behind a passphrase, and nobody is named who knows it.
    #[error("expected to be told who knows the passphrase of `{}`, found nobody named", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase or PIN could not be had.
    #[error("could not ask for the passphrase or PIN of the CA's key")]
    Ask(#[source] io::Error),
    /// The passphrase does not open the key.
    #[error("cannot open `{}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: OpenError,
    },
    /// The key could not be encrypted.
    #[error("could not encrypt the CA's key")]
    Seal(#[source] SealError),
    /// No key.
    #[error("could not draw a key")]
    Generate(#[source] GenerateError),
    /// The token did not do what was asked.
    #[error("could not use the CA's key in its token")]
    Token(#[source] TokenError),
    /// Others may read the key.
    #[error("expected `{}` to be readable by its owner only, found mode {mode:04o}", path.display())]
    KeyExposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The count of signed leaves cannot be read.
    #[error("expected a number in `{}`, found something else", path.display())]
    Count {
        /// The file.
        path: PathBuf,
    },
}

impl Retry for StoreError {
    fn again(&self) -> Again {
        match self {
            Self::Read(error) | Self::Write(error) | Self::Ask(error) => again_after(error),
            Self::Seal(_) | Self::Generate(_) => Again::Same,
            Self::Token(error) => token_again(error),
            Self::Certificate { .. }
            | Self::NotOneCa { .. }
            | Self::Key { .. }
            | Self::Locked { .. }
            | Self::Open { .. }
            | Self::KeyExposed { .. }
            | Self::Count { .. } => Again::Never,
        }
    }
}

/// A wrong PIN is never tried again: three of them lock the token.
fn token_again(error: &TokenError) -> Again {
    match error {
        TokenError::Token { .. } | TokenError::NoToken { .. } => Again::Same,
        TokenError::Module { .. }
        | TokenError::Pin { .. }
        | TokenError::Exists { .. }
        | TokenError::Ambiguous { .. }
        | TokenError::Kind { .. }
        | TokenError::Public { .. } => Again::Never,
    }
}
