//! Who signs, and where the keys are kept.

use std::sync::Arc;

use newleaf_keystore::TokenOptions;
use newleaf_systems::domain::{Custody, IssuerOptions};
use serde_saphyr::Location;

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
        name: &str,
        domain: &At<raw::Domain>,
    ) -> Result<IssuerOptions, ConfigError> {
        let unsaid = raw::Issuer::default();
        let issuer = domain.value.issuer.as_ref().unwrap_or(&unsaid);
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
                &format!("{name}-ca"),
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
            custody: self.custody(&format!("{at}.issuer"), issuer, domain.location)?,
        })
    }

    /// A key that lies open must be somebody's wish, not what nobody thought of.
    fn custody(
        &mut self,
        at: &str,
        issuer: &raw::Issuer,
        domain: Location,
    ) -> Result<Custody, ConfigError> {
        let open = issuer.unencrypted.as_ref().filter(|said| said.value);
        match (&issuer.passphrase, &issuer.token, open) {
            (None, None, Some(said)) => {
                self.note(format!("{at}.unencrypted"), true, Some(said.location));
                Ok(Custody::Plain)
            }
            (Some(said), None, None) => {
                let source = self.source(format!("{at}.passphrase"), said)?;
                Ok(Custody::Sealed(Arc::new(source)))
            }
            (None, Some(token), None) => self.token(&format!("{at}.token"), token),
            (None, None, None) => {
                let message = "expected one of `issuer.passphrase`, `issuer.token` and `issuer.unencrypted: true`, found none: nothing says how the CA's keys are kept";
                Err(self.refuse(domain, message.to_owned()))
            }
            (Some(_), Some(token), _) => Err(self.both(token.location)),
            (_, _, Some(said)) => Err(self.both(said.location)),
        }
    }

    fn both(&self, second: Location) -> ConfigError {
        let message = "expected one of `passphrase`, `token` and `unencrypted: true`, found two";
        self.refuse(second, message.to_owned())
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
