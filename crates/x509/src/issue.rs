//! Issuing: profile + key + serial + validity, signed.
//!
//! The certificates made here satisfy Temporal's rules by construction: X.509v3, SHA-256 or stronger, a CA
//! with `CA:TRUE` and a path length, a leaf with `digitalSignature` and an extended key usage, no name equal to its
//! issuer's, nothing that outlives what signed it.

mod authority;
mod constraint;
mod error;
mod extension;
mod name;
mod write;

use jiff::Timestamp;

pub use self::{
    authority::{CaScope, CaTemplate, ca, intermediate, root},
    constraint::{Constraint, Constraints},
    error::IssueError,
    name::{MAX_ATTRIBUTE_CHARS, San, Subject},
};
use self::{extension::Role, write::Draft};
pub(crate) use self::{
    extension::{write_authority, write_extension, write_sans},
    write::{Algorithm, key_id_of, octets_of_subject, signed, write_subject, write_time},
};
use crate::{
    certificate::Certificate,
    extension::Usage,
    key::{PrivateKey, PublicKey},
    name::DistinguishedName,
    signer::Signer,
};

/// A certificate's serial number: positive, at most 20 octets (RFC 5280 §4.1.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serial(Vec<u8>);

/// First and last instant of a validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first instant.
    pub not_before: Timestamp,
    /// The last instant.
    pub not_after: Timestamp,
}

/// What a certificate is to be used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeafUse {
    /// A worker or client of Temporal: `clientAuth`.
    Client,
    /// A TLS server, such as the sandbox's endpoints: `serverAuth`.
    Server,
    /// Both, as the nodes of a self-hosted server use among themselves.
    ClientAndServer,
}

/// Everything a leaf says besides its key and its issuer.
#[derive(Clone, Debug)]
pub struct LeafTemplate {
    /// Who is certified.
    pub subject: Subject,
    /// Other names.
    pub sans: Vec<San>,
    /// The serial number.
    pub serial: Serial,
    /// From when to when.
    pub validity: Validity,
    /// For what.
    pub usage: LeafUse,
}

/// A CA certificate and its key: who signs.
#[expect(missing_debug_implementations, reason = "it holds a private key")]
#[derive(Clone, Copy)]
pub struct Issuer<'a> {
    certificate: &'a Certificate,
    signer: &'a dyn Signer,
}

impl Serial {
    /// Makes a serial number of random bytes: the top bit is cleared and a bit below it set, so that the
    /// number is positive and every one has the same length.
    pub fn from_random(mut bytes: [u8; 16]) -> Self {
        if let Some(first) = bytes.first_mut() {
            *first = (*first & 0x7f) | 0x40;
        }
        Self(bytes.to_vec())
    }
}

impl<'a> Issuer<'a> {
    /// Pairs a CA certificate with its key.
    pub fn new(certificate: &'a Certificate, signer: &'a dyn Signer) -> Result<Self, IssueError> {
        let subject = || certificate.subject().to_string();
        if !certificate.is_ca() || !certificate.allows_usage(Usage::KeyCertSign) {
            return Err(IssueError::NotACa { subject: subject() });
        }
        if certificate.public_key() != signer.public_key() {
            return Err(IssueError::KeyMismatch { subject: subject() });
        }
        Ok(Self {
            certificate,
            signer,
        })
    }

    /// Returns the CA certificate.
    pub fn certificate(&self) -> &'a Certificate {
        self.certificate
    }

    /// Returns who holds the CA's key.
    pub(crate) fn signer(&self) -> &'a dyn Signer {
        self.signer
    }
}

/// Issues a leaf for `key`, signed by `issuer`.
pub fn leaf(
    template: &LeafTemplate,
    key: &PrivateKey,
    issuer: &Issuer<'_>,
) -> Result<Certificate, IssueError> {
    leaf_for(template, key.public_key(), issuer)
}

/// Issues a leaf for a public key, whose private half is somewhere else: the holder has shown that it has it.
pub fn leaf_for(
    template: &LeafTemplate,
    key: &PublicKey,
    issuer: &Issuer<'_>,
) -> Result<Certificate, IssueError> {
    let ca = issuer.certificate;
    let Validity {
        not_before,
        not_after,
    } = template.validity;
    if not_after > ca.not_after() {
        let ca_not_after = ca.not_after();
        return Err(IssueError::LeafOutlivesCa {
            leaf_not_after: not_after,
            ca_not_after,
        });
    }
    if not_before < ca.not_before() {
        let ca_not_before = ca.not_before();
        return Err(IssueError::LeafPredatesCa {
            leaf_not_before: not_before,
            ca_not_before,
        });
    }
    let name = DistinguishedName::from(&template.subject);
    if name.collides_with(ca.subject()) {
        let subject = ca.subject().to_string();
        return Err(IssueError::SubjectIsIssuer { subject });
    }
    template.validity.must_last()?;
    let draft = Draft {
        subject: &template.subject,
        name,
        serial: &template.serial.0,
        validity: template.validity,
        key,
        role: Role::Leaf {
            usage: &template.usage,
            sans: &template.sans,
        },
    };
    constraint::allow(ca, &template.sans)?;
    draft.signed_by(ca, issuer.signer)
}

impl Validity {
    /// Refuses what ends before it begins.
    pub(crate) fn must_last(self) -> Result<(), IssueError> {
        let Self {
            not_before,
            not_after,
        } = self;
        if not_after <= not_before {
            return Err(IssueError::EmptyValidity {
                not_before,
                not_after,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
