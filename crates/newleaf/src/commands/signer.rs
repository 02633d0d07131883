//! Which CA signs, as the commands that need one are told.

use std::path::PathBuf;

use newleaf_keystore::TokenOptions;

use crate::{failure::Failure, issue::Signer, passphrase::Source};

/// A CA in a directory, with its key beside it or in a token.
#[derive(Debug, clap::Args)]
pub(crate) struct CaArgs {
    /// The directory of the CA: its ca.crt and ca.key sign
    #[arg(long, value_name = "DIR")]
    pub(crate) ca: PathBuf,
    /// Who knows the passphrase of the CA's key, or the PIN of its token: `env:NAME`, `file:PATH`, `keyring:NAME`,
    /// `command:PROGRAM ARGUMENT …` or `prompt`; only asked if there is one
    #[arg(long, value_name = "PLACE", default_value = "prompt", value_parser = Source::parse)]
    passphrase: Source,
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
        let (Some(token), Some(module)) = (&self.token, &self.token_module) else {
            return Signer::in_directory(&self.ca, &self.passphrase);
        };
        let options = TokenOptions {
            module: module.clone(),
            token: token.clone(),
        };
        let label = self.token_key.as_deref();
        Signer::in_token(&self.ca, &options, label, &self.passphrase)
    }
}
