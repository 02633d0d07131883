//! A chain: leaf, then intermediates, root left out; and whether a bundle accepts it.

mod go;

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::{
    bundle::TrustBundle,
    certificate::{Certificate, CertificatesError},
    extension::Usage,
};

/// The most certificates of a chain. Nobody's PKI is a third as deep, and the work of finding a path grows faster than
/// the number: of what is longer, every verifier would read a part at most.
pub const MAX_CERTIFICATES: usize = 32;

/// The most CAs of the right name that are tried as the end of a path, each with a signature to verify. Go's verifier, which
/// is Temporal's, gives up after as many signatures.
const MAX_ANCHORS_TRIED: usize = 100;

/// A leaf and the intermediates it is presented with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    leaf: Certificate,
    intermediates: Vec<Certificate>,
}

/// Why certificates do not make a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The PEM text cannot be read.
    #[error("cannot read the chain")]
    Pem(#[from] CertificatesError),
    /// The first certificate is a CA.
    #[error("expected a leaf first, found the CA certificate `{subject}`")]
    CaFirst {
        /// The CA's subject.
        subject: String,
    },
    /// No certificate at all.
    #[error("expected a leaf, found no certificate")]
    Empty,
    /// More than [`MAX_CERTIFICATES`].
    #[error("expected at most {MAX_CERTIFICATES} certificates in a chain, found {found}")]
    TooLong {
        /// How many there are.
        found: usize,
    },
}

/// Why a bundle does not accept a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No accepted CA, valid now, signed the chain.
    #[error(
        "expected a chain to one of the {n_accepted} accepted client CAs, found issuer `{issuer}`"
    )]
    UnknownIssuer {
        /// How many CAs are accepted and valid.
        n_accepted: usize,
        /// The issuer that the leaf names.
        issuer: String,
    },
    /// A validity that has not begun or has ended.
    #[error("expected a leaf valid at {now}, found one valid from {not_before} to {not_after}")]
    NotValidNow {
        /// The instant of judgement.
        now: Timestamp,
        /// The leaf's first instant.
        not_before: Timestamp,
        /// The leaf's last instant.
        not_after: Timestamp,
    },
    /// Another rule of path validation (RFC 5280 §6).
    #[error(
        "expected a chain that passes path validation (RFC 5280 §6), found one that does not: {reason}"
    )]
    Path {
        /// What the verifier said.
        reason: String,
    },
}

impl Chain {
    /// Makes a chain of a leaf and what follows it.
    pub fn new(certificates: impl IntoIterator<Item = Certificate>) -> Result<Self, ChainError> {
        let mut certificates = certificates.into_iter();
        let leaf = certificates.next().ok_or(ChainError::Empty)?;
        if leaf.is_ca() {
            return Err(ChainError::CaFirst {
                subject: leaf.subject().to_string(),
            });
        }
        let intermediates: Vec<_> = certificates.collect();
        let found = intermediates.len() + 1;
        if found > MAX_CERTIFICATES {
            return Err(ChainError::TooLong { found });
        }
        Ok(Self {
            leaf,
            intermediates,
        })
    }

    /// Reads a chain from PEM, leaf first.
    pub fn from_pem(text: &str) -> Result<Self, ChainError> {
        Self::new(Certificate::all_from_pem(text)?)
    }

    /// Prints the chain as PEM, leaf first.
    pub fn to_pem(&self) -> String {
        self.certificates().map(Certificate::to_pem).collect()
    }

    /// Returns the leaf.
    pub fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// Returns the certificates between the leaf and the trust anchor.
    pub fn intermediates(&self) -> &[Certificate] {
        &self.intermediates
    }

    /// Returns all certificates, leaf first.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        std::iter::once(&self.leaf).chain(&self.intermediates)
    }

    /// Returns the instant at which the first certificate of the chain ends.
    pub fn not_after(&self) -> Timestamp {
        self.certificates()
            .map(Certificate::not_after)
            .min()
            .unwrap_or(self.leaf.not_after())
    }

    /// Returns the accepted CA to which the chain leads at `now`, as a TLS server judges a client.
    ///
    /// The judge is webpki, and what Go's verifier, which is Temporal's, asks of an anchor beside: that it is valid
    /// now, is a CA, may sign certificates, may stand above clients, and allows as many intermediates as there are.
    /// What Go does not even read is refused too. Where this is stricter than Go, it is by webpki's rules: certificates
    /// older than version 3, critical policies, times without seconds, purposes that are empty or any.
    pub fn accepted_by<'b>(
        &self,
        bundle: &'b TrustBundle,
        now: Timestamp,
    ) -> Result<&'b Certificate, Refusal> {
        if !self.leaf.is_valid_at(now) {
            let (not_before, not_after) = (self.leaf.not_before(), self.leaf.not_after());
            return Err(Refusal::NotValidNow {
                now,
                not_before,
                not_after,
            });
        }
        if let Some(reason) = self.unreadable_by_go(bundle) {
            return Err(Refusal::Path { reason });
        }
        let accepted: Vec<_> = bundle
            .members()
            .iter()
            .filter(|ca| ca.is_valid_at(now) && may_anchor_clients(ca))
            .collect();
        let mut path_error = None;
        let named = accepted.iter().filter(|ca| self.may_lead_to(ca));
        for anchor in named.take(MAX_ANCHORS_TRIED) {
            match self.leads_to(anchor, now) {
                Ok(()) => return Ok(anchor),
                Err(webpki::Error::UnknownIssuer) => {}
                Err(error) => path_error = Some(error),
            }
        }
        Err(path_error.map_or_else(
            || Refusal::UnknownIssuer {
                n_accepted: accepted.len(),
                issuer: self.leaf.issuer().to_string(),
            },
            |error| Refusal::Path {
                reason: error.to_string(),
            },
        ))
    }

    /// Go reads every certificate that is presented before it looks for a path.
    fn unreadable_by_go(&self, bundle: &TrustBundle) -> Option<String> {
        let mut cas = self.intermediates.iter().chain(bundle.members());
        let constrained = cas.any(|ca| ca.extensions().name_constraints.is_some());
        self.certificates().find_map(|certificate| {
            let subject = certificate.subject();
            if let Some(why) = go::unreadable(certificate) {
                return Some(format!("Go does not read `{subject}`: {why}"));
            }
            let name = go::incomparable(certificate).filter(|_| constrained)?;
            Some(format!(
                "Go cannot hold `{name}` of `{subject}` against name constraints"
            ))
        })
    }

    /// Returns whether a certificate of the chain names `anchor` as its issuer, octet by octet as verifiers compare names.
    fn may_lead_to(&self, anchor: &Certificate) -> bool {
        self.certificates()
            .any(|certificate| certificate.names_octets_of(anchor))
    }

    fn leads_to(&self, anchor: &Certificate, now: Timestamp) -> Result<(), webpki::Error> {
        let limit = anchor.extensions().basic_constraints.as_ref();
        let limit = limit.and_then(|constraints| constraints.value.path_length);
        let anchor = CertificateDer::from(anchor.der());
        let anchors = [webpki::anchor_from_trusted_cert(&anchor)?];
        let leaf = CertificateDer::from(self.leaf.der());
        let leaf = webpki::EndEntityCert::try_from(&leaf)?;
        // webpki does not ask whether an intermediate may sign certificates; Go does.
        let intermediates: Vec<_> = self
            .intermediates
            .iter()
            .filter(|c| c.allows_usage(Usage::KeyCertSign))
            .map(|c| CertificateDer::from(c.der()))
            .collect();
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let path = leaf.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            &intermediates,
            UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)),
            webpki::KeyUsage::client_auth(),
            None,
            None,
        )?;
        // Self-issued intermediates would not count (RFC 5280 §4.2.1.9); counting them is the strict side.
        let n = u32::try_from(path.intermediate_certificates().count()).unwrap_or(u32::MAX);
        if limit.is_some_and(|limit| n > limit) {
            return Err(webpki::Error::PathLenConstraintViolated);
        }
        Ok(())
    }
}

/// What webpki, for which an anchor is but a name and a key, does not look at.
fn may_anchor_clients(ca: &Certificate) -> bool {
    ca.is_ca()
        && ca.allows_usage(Usage::KeyCertSign)
        && ca.allows_client_auth()
        && go::unhandled(ca).is_none()
        && go::unreadable(ca).is_none()
}

#[cfg(test)]
mod tests;
