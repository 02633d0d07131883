//! Issuing: profile + key + serial + validity, signed.
//!
//! The certificates made here satisfy Temporal's rules by construction: X.509v3, SHA-256 or stronger, a CA
//! with `CA:TRUE` and a path length, a leaf with `digitalSignature` and an extended key usage, no name equal to its
//! issuer's, nothing that outlives what signed it.

mod authority;
mod error;
mod name;

use jiff::Timestamp;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SerialNumber};

pub use self::{
    authority::{CaScope, CaTemplate, Constraint, Constraints, ca, intermediate, root},
    error::IssueError,
    name::{MAX_ATTRIBUTE_CHARS, San, Subject},
};
use crate::{
    certificate::Certificate,
    extension::Usage,
    key::{PrivateKey, PublicKey},
    name::DistinguishedName,
    signer::{Pen, Signer},
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

    /// Has something signed: the name and key identifier of the CA are carried over.
    pub(crate) fn sign<T>(
        &self,
        what: impl FnOnce(&rcgen::Issuer<'_, &Pen<'_>>) -> Result<T, rcgen::Error>,
    ) -> Result<T, IssueError> {
        let pen = Pen::new(self.signer)?;
        let issuer = rcgen::Issuer::from_ca_cert_der(&self.certificate.der().into(), &pen)
            .map_err(|error| refused(&error))?;
        what(&issuer).map_err(|error| pen.error(&error))
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
    if DistinguishedName::from(&template.subject).collides_with(ca.subject()) {
        let subject = ca.subject().to_string();
        return Err(IssueError::SubjectIsIssuer { subject });
    }
    let mut params = params(&template.subject, &template.serial, template.validity)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = match template.usage {
        LeafUse::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
        LeafUse::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
        LeafUse::ClientAndServer => vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ],
    };
    params.use_authority_key_identifier_extension = true;
    params.subject_alt_names = template
        .sans
        .iter()
        .map(San::to_rcgen)
        .collect::<Result<_, _>>()?;
    let leaf = read_back(&issuer.sign(|signer| params.signed_by(&key.certified()?, signer))?)?;
    authority::constraints_allow(ca, &leaf)?;
    Ok(leaf)
}

fn params(
    subject: &Subject,
    serial: &Serial,
    validity: Validity,
) -> Result<CertificateParams, IssueError> {
    let Validity {
        not_before,
        not_after,
    } = validity;
    if not_after <= not_before {
        return Err(IssueError::EmptyValidity {
            not_before,
            not_after,
        });
    }
    let mut params = CertificateParams::default();
    params.distinguished_name = subject.to_rcgen();
    params.serial_number = Some(SerialNumber::from_slice(&serial.0));
    params.not_before = instant(not_before)?;
    params.not_after = instant(not_after)?;
    Ok(params)
}

pub(crate) fn instant(at: Timestamp) -> Result<time::OffsetDateTime, IssueError> {
    time::OffsetDateTime::from_unix_timestamp(at.as_second()).map_err(|error| IssueError::Sign {
        reason: error.to_string(),
    })
}

fn refused(error: &rcgen::Error) -> IssueError {
    IssueError::Sign {
        reason: error.to_string(),
    }
}

fn read_back(signed: &rcgen::Certificate) -> Result<Certificate, IssueError> {
    Certificate::from_der(signed.der()).map_err(IssueError::ReadBack)
}

#[cfg(test)]
mod tests;
