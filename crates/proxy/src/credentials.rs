//! Who the proxy is to a server: an identity, an API key, or both.

use std::{fmt, sync::Arc};

use newleaf_identity::Identity;
use rustls::{SignatureScheme, client::ResolvesClientCert, sign::CertifiedKey};

use crate::api_key::ApiKey;

/// Credentials, as one connection has them from its beginning to its end.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) identity: Option<Arc<Identity>>,
    pub(crate) api_key: Option<Arc<ApiKey>>,
}

impl Credentials {
    /// Returns what a TLS handshake presents.
    pub(crate) fn resolver(&self) -> Arc<dyn ResolvesClientCert> {
        match &self.identity {
            Some(identity) => identity.resolver(),
            None => Arc::new(Nobody),
        }
    }

    /// Returns whether both present the same leaf.
    pub(crate) fn has_identity_of(&self, other: &Self) -> bool {
        let (one, other) = (self.identity.as_deref(), other.identity.as_deref());
        one.map(Identity::chain) == other.map(Identity::chain)
    }

    /// Returns whether both say the same API key.
    pub(crate) fn has_api_key_of(&self, other: &Self) -> bool {
        self.api_key == other.api_key
    }

    /// Returns what is worth a try to get from `adopted` to these: all of it, and where two things have changed, each
    /// alone. So a key that the server refuses does not hold up a new identity, nor the other way round.
    pub(crate) fn ways_from(&self, adopted: Option<&Self>) -> Vec<Self> {
        let mut ways = vec![self.clone()];
        if let Some(adopted) = adopted
            && !self.has_identity_of(adopted)
            && !self.has_api_key_of(adopted)
        {
            ways.push(Self {
                identity: self.identity.clone(),
                api_key: adopted.api_key.clone(),
            });
            ways.push(Self {
                identity: adopted.identity.clone(),
                api_key: self.api_key.clone(),
            });
        }
        ways
    }
}

impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        self.has_identity_of(other) && self.has_api_key_of(other)
    }
}

/// Names the leaf, and says whether there is a key.
impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.identity, &self.api_key) {
            (Some(identity), None) => write!(f, "leaf {}", identity.fingerprint()),
            (Some(identity), Some(_)) => {
                write!(f, "leaf {} and an API key", identity.fingerprint())
            }
            (None, Some(_)) => f.write_str("an API key"),
            (None, None) => f.write_str("nothing"),
        }
    }
}

/// Presents no certificate, whoever asks.
#[derive(Debug)]
struct Nobody;

impl ResolvesClientCert for Nobody {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
