//! Who signs, and where the keys are kept.

use std::sync::Arc;

use newleaf_keystore::TokenOptions;
use newleaf_systems::domain::{Custody, IssuerOptions};

use super::Resolver;
use crate::{
    config::{
        ConfigError, defaults,
        raw::{self, At},
    },
    passphrase::Source,
};

impl Resolver<'_> {
    pub(super) fn issuer(
        &mut self,
        at: &str,
        domain: &str,
        issuer: Option<&raw::Issuer>,
    ) -> Result<IssuerOptions, ConfigError> {
        let unsaid = raw::Issuer::default();
        let issuer = issuer.unwrap_or(&unsaid);
        let organization = issuer.organization.as_ref();
        Ok(IssuerOptions {
            directory: self.path(
                format!("{at}.issuer.directory"),
                issuer.directory.as_ref(),
                defaults::ISSUER_DIRECTORY,
            ),
            common_name: self.text(
                format!("{at}.issuer.common_name"),
                issuer.common_name.as_ref(),
                &format!("{domain}-ca"),
            ),
            organization: organization
                .map(|said| self.text(format!("{at}.issuer.organization"), Some(said), "")),
            key: self
                .key(
                    format!("{at}.issuer.key"),
                    issuer.key.as_ref(),
                    defaults::ISSUER_KEY,
                )
                .into(),
            lifetime: self.positive_span(
                format!("{at}.issuer.lifetime"),
                issuer.lifetime.as_ref(),
                defaults::ISSUER_LIFETIME,
            )?,
            custody: self.custody(&format!("{at}.issuer"), issuer)?,
        })
    }

    fn custody(&mut self, at: &str, issuer: &raw::Issuer) -> Result<Custody, ConfigError> {
        match (&issuer.passphrase, &issuer.token) {
            (None, None) => Ok(Custody::Plain),
            (Some(said), None) => {
                let source = self.source(format!("{at}.passphrase"), said)?;
                Ok(Custody::Sealed(Arc::new(source)))
            }
            (None, Some(token)) => self.token(&format!("{at}.token"), token),
            (Some(_), Some(token)) => {
                let message =
                    "expected `passphrase` or `token`, found both: a key in a token has no file";
                Err(self.refuse(token.location, message.to_owned()))
            }
        }
    }

    fn token(&mut self, at: &str, token: &At<raw::Token>) -> Result<Custody, ConfigError> {
        let raw = &token.value;
        let inside = token.location;
        let module = self.need(raw.module.as_ref(), "`module`", inside)?;
        let label = self.need(raw.label.as_ref(), "`label`", inside)?;
        let pin = self.need(raw.pin.as_ref(), "`pin`", inside)?;
        let options = TokenOptions {
            module: self.path(format!("{at}.module"), Some(module), ""),
            token: self.text(format!("{at}.label"), Some(label), ""),
        };
        let pin = Arc::new(self.source(format!("{at}.pin"), pin)?);
        Ok(Custody::Token { options, pin })
    }

    /// A rotation runs for days and nobody sits beside it, so a person is no place for a passphrase here.
    fn source(&mut self, key: String, said: &At<String>) -> Result<Source, ConfigError> {
        match Source::parse(&said.value) {
            Ok(source) if source != Source::Prompt => {
                self.note(key, &source, Some(said.location));
                Ok(source.relative_to(self.base))
            }
            Ok(_) | Err(_) => {
                let message = "expected `env:NAME`, `file:PATH`, `keyring:NAME` or `command:PROGRAM ARGUMENT …`, found something else; it is not shown, because it may be the secret itself";
                Err(self.refuse(said.location, message.to_owned()))
            }
        }
    }
}
