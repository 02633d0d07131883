//! Key and chain together, checked.

use std::sync::Arc;

use jiff::Timestamp;
use newleaf_x509::{Certificate, Chain, Fingerprint, PrivateKey, chain::ChainError, key::KeyError};
use rustls::{
    client::ResolvesClientCert,
    crypto::aws_lc_rs::sign::any_supported_type,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    sign::{CertifiedKey, SingleCertAndKey},
};

/// What a party presents: a private key and the chain that certifies it.
///
/// That it exists is the proof that the key is the leaf's, that the chain can be read, and that the leaf was
/// valid when the identity was made. Whether a server accepts it, only that server can say.
#[expect(
    missing_debug_implementations,
    reason = "a secret has no way into a log"
)]
pub struct Identity {
    chain: Chain,
    certified: Arc<CertifiedKey>,
}

/// Why a key and a chain are no identity. Neither is ever quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The chain cannot be read.
    #[error("cannot read the identity's chain")]
    Chain(#[source] ChainError),
    /// The key cannot be read.
    #[error("cannot read the identity's private key")]
    Key(#[source] KeyError),
    /// The key is another leaf's. While files are being replaced this passes by itself.
    #[error("expected the private key of leaf `{leaf}`, found another key")]
    KeyMismatch {
        /// The leaf's subject.
        leaf: String,
    },
    /// The leaf is not valid yet, or not any more.
    #[error("expected a leaf valid at {now}, found one valid from {not_before} to {not_after}")]
    NotValidNow {
        /// The instant of judgement.
        now: Timestamp,
        /// The leaf's first instant.
        not_before: Timestamp,
        /// The leaf's last instant.
        not_after: Timestamp,
    },
    /// The TLS library cannot sign with this kind of key.
    #[error("cannot present leaf `{leaf}`: TLS does not know keys of the kind {algorithm}")]
    UnusableKey {
        /// The leaf's subject.
        leaf: String,
        /// The kind of its key.
        algorithm: String,
    },
}

impl Refusal {
    /// Returns whether the same files may be an identity when they are looked at again later.
    ///
    /// Most refusals are what a reader sees while a writer is half done.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Chain(_) | Self::Key(_) | Self::KeyMismatch { .. } => true,
            Self::NotValidNow {
                now, not_before, ..
            } => now < not_before,
            Self::UnusableKey { .. } => false,
        }
    }
}

impl Identity {
    /// Reads and checks an identity; `chain_pem` holds the leaf first, `key_pem` exactly one private key.
    pub fn from_pem(chain_pem: &str, key_pem: &str, now: Timestamp) -> Result<Self, Refusal> {
        let chain = Chain::from_pem(chain_pem).map_err(Refusal::Chain)?;
        let key = PrivateKey::from_pem(key_pem).map_err(Refusal::Key)?;
        Self::new(chain, &key, now)
    }

    /// Pairs a chain with its key.
    pub fn new(chain: Chain, key: &PrivateKey, now: Timestamp) -> Result<Self, Refusal> {
        let leaf = chain.leaf();
        if leaf.public_key() != key.public_key() {
            return Err(Refusal::KeyMismatch {
                leaf: leaf.subject().to_string(),
            });
        }
        if !leaf.is_valid_at(now) {
            return Err(Refusal::NotValidNow {
                now,
                not_before: leaf.not_before(),
                not_after: leaf.not_after(),
            });
        }
        // The DER is borrowed: the only copy that lives on is the one inside the signer, in aws-lc.
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.secret_der()));
        let signer = any_supported_type(&der).map_err(|_error| Refusal::UnusableKey {
            leaf: leaf.subject().to_string(),
            algorithm: leaf.public_key().algorithm().to_string(),
        })?;
        let presented = chain
            .certificates()
            .map(|certificate| CertificateDer::from(certificate.der()).into_owned())
            .collect();
        let certified = Arc::new(CertifiedKey::new(presented, signer));
        Ok(Self { chain, certified })
    }

    /// Returns the chain, leaf first.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Returns the leaf.
    pub fn leaf(&self) -> &Certificate {
        self.chain.leaf()
    }

    /// Returns the leaf's fingerprint: the name by which identities are told apart.
    pub fn fingerprint(&self) -> Fingerprint {
        self.leaf().fingerprint()
    }

    /// Returns the key identifier of the CA that signed the leaf, if the leaf names it.
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        let authority = self.leaf().extensions().authority_key_id.as_ref()?;
        authority.value.key_id.as_deref()
    }

    /// Returns the instant at which the first certificate of the chain ends.
    pub fn not_after(&self) -> Timestamp {
        self.chain.not_after()
    }

    /// Returns key and chain in the form rustls signs with.
    pub fn certified_key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }

    /// Returns a resolver that presents this identity and never another: for one connection, or for the
    /// proof of a candidate.
    pub fn resolver(&self) -> Arc<dyn ResolvesClientCert> {
        Arc::new(SingleCertAndKey::from(self.certified_key()))
    }
}

#[cfg(test)]
mod tests;
