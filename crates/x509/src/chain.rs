//! A chain: leaf, then intermediates, root left out; and whether a bundle accepts it.

mod go;
mod path;
mod words;

use jiff::Timestamp;

use self::{
    path::{Anchor, Dead, Presented, anchor},
    words::passed_over,
};
use crate::{
    bundle::TrustBundle,
    certificate::{Certificate, CertificatesError},
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
#[non_exhaustive]
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

/// Why a bundle does not accept a chain. A closed set: one more is a breaking release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No accepted CA, valid now, signed the chain.
    #[error(
        "expected a chain to one of the {n_accepted} accepted client CAs, found issuer `{issuer}`{}",
        passed_over.as_ref().map(|why| format!("; {why}")).unwrap_or_default()
    )]
    UnknownIssuer {
        /// How many CAs are accepted and valid.
        n_accepted: usize,
        /// The issuer that the leaf names.
        issuer: String,
        /// Which CA of the bundle did sign the chain, and why it does not count; or that one has the right name, and another key.
        passed_over: Option<String>,
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
    /// The judge is webpki, and beside it what Go's verifier, which is Temporal's, asks: that it can read every certificate
    /// that is presented, that a handshake can be signed with the leaf's key, handles what is critical on the path, can hold
    /// the names of the path against constraints, and that an anchor is valid now, is a CA, may sign certificates, may stand
    /// above clients, and allows as many intermediates as there are. Where this is stricter than Go, it is by webpki's rules:
    /// certificates older than version 3, critical policies, times without seconds, purposes that are empty or any, more than
    /// six intermediates.
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
        let presented = Presented::read(self).map_err(|reason| Refusal::Path { reason })?;
        let (mut accepted, mut unfit) = (Vec::new(), Vec::new());
        let mut for_go = presented.left_out();
        for ca in bundle.members() {
            match anchor(ca, now) {
                Anchor::Fit => accepted.push(ca),
                Anchor::Unfit => unfit.push(ca),
                Anchor::NotForGo(reason) => {
                    for_go = for_go.or_else(|| self.may_lead_to(ca).then_some(reason));
                }
            }
        }
        let (mut another_key, mut rule) = (None, None);
        for anchor in self.named(&accepted) {
            match presented.lead_to(anchor, now) {
                Ok(()) => return Ok(anchor),
                Err(Dead::NoPath) => {}
                Err(Dead::AnotherKey(reason)) => another_key = another_key.or(Some(reason)),
                Err(Dead::Path(reason)) => rule = rule.or(Some(reason)),
            }
        }
        if let Some(reason) = rule.or(for_go) {
            return Err(Refusal::Path { reason });
        }
        let mut signed = self.named(&unfit).filter(|ca| self.is_signed_by(ca));
        let passed_over = signed.next().map(|ca| passed_over(ca, now));
        Err(Refusal::UnknownIssuer {
            n_accepted: accepted.len(),
            issuer: self.leaf.issuer().to_string(),
            passed_over: passed_over.or(another_key),
        })
    }

    /// Returns those CAs that the chain may lead to, as many of them as are tried.
    fn named<'b>(&self, cas: &[&'b Certificate]) -> impl Iterator<Item = &'b Certificate> {
        let named = cas.iter().copied().filter(|ca| self.may_lead_to(ca));
        named.take(MAX_ANCHORS_TRIED)
    }

    /// Returns whether `ca` signed a certificate of the chain.
    fn is_signed_by(&self, ca: &Certificate) -> bool {
        self.certificates()
            .any(|certificate| certificate.is_signed_by(ca))
    }

    /// Returns whether a certificate of the chain names `anchor` as its issuer, octet by octet as verifiers compare names.
    fn may_lead_to(&self, anchor: &Certificate) -> bool {
        self.certificates()
            .any(|certificate| certificate.names_octets_of(anchor))
    }
}

/// Returns why Go's crypto/x509, which is the reader of Temporal's servers, does not read a certificate that newleaf reads. A
/// server refuses whoever presents such a certificate, wherever it stands in the chain, and passes it over among its CAs.
pub fn unreadable_by_go(certificate: &Certificate) -> Option<String> {
    go::read(certificate).err().map(Into::into)
}

/// Returns why the form of a certificate is of no use to Go: it does not read it, or does not handle what is critical.
pub(crate) fn unfit_for_go(certificate: &Certificate) -> Option<String> {
    match go::form(certificate) {
        Err(why) => Some(why.into()),
        Ok(reading) => {
            let oid = reading.unhandled()?;
            Some(format!("it {}", path::unhandled(&oid)))
        }
    }
}

#[cfg(test)]
mod tests;
