//! The key of a CA that stands alone, where a token keeps it.

use newleaf_keystore::{Passphrase, TokenKey, TokenOptions, token::TokenError};
use newleaf_x509::KeyAlgorithm;

use crate::{code, failure::Failure, passphrase::Source};

/// A key in a token.
#[derive(Clone, Debug)]
pub(crate) struct TokenPlace {
    /// Which token.
    pub(crate) options: TokenOptions,
    /// The key's label; the CA's common name, if nothing is said.
    pub(crate) label: Option<String>,
    /// Who knows the PIN.
    pub(crate) pin: Source,
}

impl TokenPlace {
    /// Finds the key.
    pub(super) fn find(&self, common_name: Option<&str>) -> Result<TokenKey, Failure> {
        let label = self.label(common_name);
        let found = TokenKey::find(&self.options, &self.pin()?, label).map_err(refused)?;
        found.ok_or_else(|| {
            let token = &self.options.token;
            let message =
                format!("expected a key labelled `{label}` in token `{token}`, found none");
            Failure::new(&code::TOKEN, message)
                .hint("`--token-key` names another label; `pkcs11-tool --list-objects` shows them")
        })
    }

    /// Makes the key.
    pub(super) fn make(&self, common_name: &str, kind: KeyAlgorithm) -> Result<TokenKey, Failure> {
        let label = self.label(Some(common_name));
        TokenKey::generate(&self.options, &self.pin()?, label, kind).map_err(|error| {
            let exists = matches!(error, TokenError::Exists { .. });
            let failure = refused(error);
            if exists {
                failure.hint("`--token-key` gives the new key another label")
            } else {
                failure
            }
        })
    }

    /// Destroys a key that was just made and came to nothing. That it could not be done is not told: why it came to nothing
    /// is.
    pub(super) fn unmake(&self, common_name: &str) {
        let label = self.label(Some(common_name));
        let _left_behind = self
            .pin()
            .and_then(|pin| TokenKey::destroy(&self.options, &pin, label).map_err(refused));
    }

    fn label<'a>(&'a self, common_name: Option<&'a str>) -> &'a str {
        self.label.as_deref().or(common_name).unwrap_or_default()
    }

    fn pin(&self) -> Result<Passphrase, Failure> {
        let token = &self.options.token;
        self.pin.open(&format!("PIN of token `{token}`"))
    }
}

fn refused(error: TokenError) -> Failure {
    Failure::new(&code::TOKEN, error)
}
