//! A trust bundle: the set of CA certificates that a verifier accepts.

pub mod compare;

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    certificate::{Certificate, CertificatesError},
    fingerprint::Fingerprint,
    pem,
};

/// The most CA certificates that Temporal Cloud keeps for a namespace (docs.temporal.io/evaluate/cloud/limits).
pub const MAX_CLOUD_MEMBERS: usize = 16;

/// The most bytes of PEM that Temporal Cloud keeps for a namespace: 32 KB before base64.
pub const MAX_CLOUD_PEM_BYTES: usize = 32 * 1024;

/// A set of CA certificates, compared by DER fingerprint and never by text.
///
/// Order is kept for printing, because some verifiers look at the first member only; equality ignores it.
#[derive(Clone, Debug, Default)]
pub struct TrustBundle {
    members: Vec<Certificate>,
}

/// What a change does to a bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Members of the new bundle only.
    pub added: Vec<Certificate>,
    /// Members of the old bundle only.
    pub removed: Vec<Certificate>,
}

impl TrustBundle {
    /// Makes a bundle; a member that is there twice is kept once.
    pub fn new(members: impl IntoIterator<Item = Certificate>) -> Self {
        let mut seen = BTreeSet::new();
        let mut members: Vec<_> = members.into_iter().collect();
        members.retain(|member| seen.insert(member.fingerprint()));
        Self { members }
    }

    /// Reads a PEM text, such as a namespace's accepted client CAs. An empty text is an empty bundle; a
    /// block that is not a certificate, a private key above all, is an error.
    pub fn from_pem(text: &str) -> Result<Self, CertificatesError> {
        match Certificate::all_from_pem(text) {
            Ok(certificates) => Ok(Self::new(certificates)),
            Err(CertificatesError::Pem(pem::PemError::Empty)) if text.trim().is_empty() => {
                Ok(Self::default())
            }
            Err(error) => Err(error),
        }
    }

    /// Prints the members as PEM, one block after the other, in order.
    pub fn to_pem(&self) -> String {
        self.members.iter().map(Certificate::to_pem).collect()
    }

    /// Returns the members in order.
    pub fn members(&self) -> &[Certificate] {
        &self.members
    }

    /// Returns the member with this fingerprint.
    pub fn get(&self, fingerprint: Fingerprint) -> Option<&Certificate> {
        self.members
            .iter()
            .find(|member| member.fingerprint() == fingerprint)
    }

    /// Returns whether the bundle trusts exactly this certificate.
    pub fn contains(&self, fingerprint: Fingerprint) -> bool {
        self.get(fingerprint).is_some()
    }

    /// Returns whether the bundle has no member.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Returns how many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Adds a member at the end, unless it is there already.
    pub fn insert(&mut self, certificate: Certificate) {
        if !self.contains(certificate.fingerprint()) {
            self.members.push(certificate);
        }
    }

    /// Returns the bundle without the members that `leaves_out` names.
    #[must_use]
    pub fn without(&self, leaves_out: impl Fn(&Certificate) -> bool) -> Self {
        Self {
            members: self
                .members
                .iter()
                .filter(|m| !leaves_out(m))
                .cloned()
                .collect(),
        }
    }

    /// Returns the members whose validity has ended at `now`.
    pub fn expired_at(&self, now: Timestamp) -> impl Iterator<Item = &Certificate> {
        self.members
            .iter()
            .filter(move |member| member.not_after() < now)
    }

    /// Returns the members that the public trusts: those on Mozilla's list of roots. Anybody may get a leaf under one, so
    /// Temporal Cloud takes it only with certificate filters beside it (docs.temporal.io/cloud/certificates).
    pub fn publicly_trusted(&self) -> impl Iterator<Item = &Certificate> {
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
        self.members
            .iter()
            .filter(|member| roots.iter().any(|root| root.as_ref() == member.der()))
    }

    /// Returns what `new` adds to and removes from this bundle.
    pub fn difference(&self, new: &Self) -> Difference {
        let only = |here: &Self, there: &Self| {
            let there = there.fingerprints();
            here.members
                .iter()
                .filter(|m| !there.contains(&m.fingerprint()))
                .cloned()
                .collect()
        };
        Difference {
            added: only(new, self),
            removed: only(self, new),
        }
    }

    fn fingerprints(&self) -> BTreeSet<Fingerprint> {
        self.members.iter().map(Certificate::fingerprint).collect()
    }
}

/// Two bundles are equal if they trust the same certificates, in whatever order.
impl PartialEq for TrustBundle {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprints() == other.fingerprints()
    }
}

impl Eq for TrustBundle {}

#[cfg(test)]
mod tests;
