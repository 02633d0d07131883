//! Which CA signs, and where its key is, as the commands that need to know are told.

use std::path::{Path, PathBuf};

use newleaf_keystore::TokenOptions;

use crate::{
    failure::Failure,
    issue::{Signer, TokenPlace},
    passphrase::Source,
};

/// A CA in a directory, with its key beside it or in a token.
#[derive(Debug, clap::Args)]
pub(crate) struct CaArgs {
    /// The directory of the CA: its ca.crt and ca.key sign
    #[arg(long, value_name = "DIR")]
    pub(crate) ca: PathBuf,
    #[command(flatten)]
    key: CaKeyArgs,
}

/// Where the key of a CA is.
#[derive(Debug, clap::Args)]
pub(crate) struct CaKeyArgs {
    /// Who knows the passphrase of the CA's key, or the PIN of its token: `env:NAME`, `file:PATH`, `keyring:NAME`,
    /// `command:PROGRAM ARGUMENT …` or `prompt`; only asked if there is one
    #[arg(long, value_name = "PLACE", default_value = "prompt", value_parser = Source::parse)]
    pub(crate) passphrase: Source,
    /// The label of the PKCS #11 token that keeps the CA's key; there is no ca.key then
    #[arg(long, value_name = "LABEL", requires = "token_module")]
    token: Option<String>,
    /// The shared library of the token's maker, such as /usr/lib/softhsm/libsofthsm2.so
    #[arg(long, value_name = "FILE", requires = "token")]
    token_module: Option<PathBuf>,
    /// The label of the key in the token; the CA's common name, if left out
    #[arg(long, value_name = "LABEL", requires = "token")]
    token_key: Option<String>,
}

impl CaArgs {
    /// Reads the CA.
    pub(crate) fn signer(&self) -> Result<Signer, Failure> {
        self.key.signer(&self.ca)
    }
}

impl CaKeyArgs {
    /// Reads the CA of a directory.
    pub(crate) fn signer(&self, directory: &Path) -> Result<Signer, Failure> {
        match self.token() {
            None => Signer::in_directory(directory, &self.passphrase),
            Some(place) => Signer::in_token(directory, &place),
        }
    }

    /// Returns which token keeps the key, if one does.
    pub(crate) fn token(&self) -> Option<TokenPlace> {
        Some(TokenPlace {
            options: TokenOptions {
                module: self.token_module.clone()?,
                token: self.token.clone()?,
            },
            label: self.token_key.clone(),
            pin: self.passphrase.clone(),
        })
    }
}
