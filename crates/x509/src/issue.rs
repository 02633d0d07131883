//! Issuing: profile + key + serial + validity, signed.
//!
//! The certificates made here satisfy Temporal's rules by construction: X.509v3, SHA-256 or stronger, a CA
//! with `CA:TRUE` and a path length of 0, a leaf with `digitalSignature` and `clientAuth`, no name equal to its
//! issuer's, no leaf that outlives its CA.

use std::net::IpAddr;

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose,
    SanType, SerialNumber,
};

use crate::{
    certificate::{Certificate, CertificateError},
    extension::Usage,
    key::PrivateKey,
    name::DistinguishedName,
};

/// The upper bound of an attribute of a name: X.520 `ub-common-name` and its sisters.
pub const MAX_ATTRIBUTE_CHARS: usize = 64;

/// A subject to be certified. No attribute is empty or longer than [`MAX_ATTRIBUTE_CHARS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    common_name: String,
    organization: Option<String>,
    organizational_unit: Option<String>,
}

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

/// A subject alternative name to be certified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum San {
    /// A DNS name.
    Dns(String),
    /// A URI.
    Uri(String),
    /// An IP address.
    Ip(IpAddr),
}

/// What a certificate is to be used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeafUse {
    /// A worker or client of Temporal: `clientAuth`.
    Client,
    /// A TLS server, such as the sandbox's endpoints: `serverAuth`.
    Server,
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

/// Everything a CA certificate says besides its key.
#[derive(Clone, Debug)]
pub struct CaTemplate {
    /// Who is certified; the generation belongs in the common name.
    pub subject: Subject,
    /// The serial number.
    pub serial: Serial,
    /// From when to when.
    pub validity: Validity,
}

/// A CA certificate and its key: who signs.
#[expect(missing_debug_implementations, reason = "it holds a private key")]
pub struct Issuer<'a> {
    certificate: &'a Certificate,
    key: &'a PrivateKey,
}

/// Why a certificate was not issued. Nothing was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// An attribute of a name is empty or too long.
    #[error("expected {attribute} of 1 to {MAX_ATTRIBUTE_CHARS} characters (X.520), found {found}")]
    AttributeLength {
        /// Which attribute.
        attribute: &'static str,
        /// How many characters it has.
        found: usize,
    },
    /// A validity that ends before it begins.
    #[error("expected a validity that ends after {not_before}, found {not_after}")]
    EmptyValidity {
        /// The first instant.
        not_before: Timestamp,
        /// The last instant.
        not_after: Timestamp,
    },
    /// A leaf that would outlive its CA.
    #[error("expected a leaf that ends by its CA's end {ca_not_after}, found {leaf_not_after}")]
    LeafOutlivesCa {
        /// The leaf's last instant.
        leaf_not_after: Timestamp,
        /// The CA's last instant.
        ca_not_after: Timestamp,
    },
    /// A leaf whose validity would begin before its CA's.
    #[error(
        "expected a leaf that begins with or after its CA at {ca_not_before}, found {leaf_not_before}"
    )]
    LeafPredatesCa {
        /// The leaf's first instant.
        leaf_not_before: Timestamp,
        /// The CA's first instant.
        ca_not_before: Timestamp,
    },
    /// A leaf with the name of its issuer (case does not count).
    #[error(
        "expected a subject that differs from its issuer's, found `{subject}` for both; Temporal wants every name in a chain to be unique"
    )]
    SubjectIsIssuer {
        /// The name.
        subject: String,
    },
    /// An issuer that is no CA.
    #[error("expected a CA certificate that may sign certificates, found `{subject}`")]
    NotACa {
        /// Its subject.
        subject: String,
    },
    /// An issuer whose key is not its certificate's.
    #[error("expected the private key of CA `{subject}`, found another key")]
    KeyMismatch {
        /// The CA's subject.
        subject: String,
    },
    /// A subject alternative name that cannot be written.
    #[error("expected an ASCII subject alternative name, found `{found}`")]
    San {
        /// The name.
        found: String,
    },
    /// The library refused to sign.
    #[error("cannot sign the certificate: {reason}")]
    Sign {
        /// What it said.
        reason: String,
    },
    /// What was signed could not be read again: a fault of newleaf or its libraries.
    #[error("cannot read the certificate that was just signed")]
    ReadBack(#[source] CertificateError),
}

impl Subject {
    /// Makes a subject of a common name, and optionally organization and organizational unit.
    pub fn new(
        common_name: impl Into<String>,
        organization: Option<String>,
        organizational_unit: Option<String>,
    ) -> Result<Self, IssueError> {
        let subject = Self {
            common_name: common_name.into(),
            organization,
            organizational_unit,
        };
        let attributes = [
            ("a common name", Some(&subject.common_name)),
            ("an organization", subject.organization.as_ref()),
            (
                "an organizational unit",
                subject.organizational_unit.as_ref(),
            ),
        ];
        for (attribute, value) in attributes {
            let found = value.map(|v| v.chars().count());
            if let Some(found) = found.filter(|n| *n == 0 || *n > MAX_ATTRIBUTE_CHARS) {
                return Err(IssueError::AttributeLength { attribute, found });
            }
        }
        Ok(subject)
    }

    /// Returns the common name.
    pub fn common_name(&self) -> &str {
        &self.common_name
    }

    /// Returns the organization.
    pub fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }

    /// Returns the organizational unit.
    pub fn organizational_unit(&self) -> Option<&str> {
        self.organizational_unit.as_deref()
    }

    fn to_rcgen(&self) -> rcgen::DistinguishedName {
        let mut name = rcgen::DistinguishedName::new();
        if let Some(organization) = &self.organization {
            name.push(DnType::OrganizationName, organization.as_str());
        }
        if let Some(unit) = &self.organizational_unit {
            name.push(DnType::OrganizationalUnitName, unit.as_str());
        }
        name.push(DnType::CommonName, self.common_name.as_str());
        name
    }
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
    pub fn new(certificate: &'a Certificate, key: &'a PrivateKey) -> Result<Self, IssueError> {
        let subject = || certificate.subject().to_string();
        if !certificate.is_ca() || !certificate.allows_usage(Usage::KeyCertSign) {
            return Err(IssueError::NotACa { subject: subject() });
        }
        if certificate.public_key() != key.public_key() {
            return Err(IssueError::KeyMismatch { subject: subject() });
        }
        Ok(Self { certificate, key })
    }
}

/// Issues a self-signed CA certificate: path length 0, so that it signs leaves and nothing else.
pub fn ca(template: &CaTemplate, key: &PrivateKey) -> Result<Certificate, IssueError> {
    let mut params = params(&template.subject, &template.serial, template.validity)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
    ];
    read_back(params.self_signed(key.pair()))
}

/// Issues a leaf for `key`, signed by `issuer`.
pub fn leaf(
    template: &LeafTemplate,
    key: &PrivateKey,
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
    params.extended_key_usages = vec![match template.usage {
        LeafUse::Client => ExtendedKeyUsagePurpose::ClientAuth,
        LeafUse::Server => ExtendedKeyUsagePurpose::ServerAuth,
    }];
    params.use_authority_key_identifier_extension = true;
    params.subject_alt_names = template
        .sans
        .iter()
        .map(San::to_rcgen)
        .collect::<Result<_, _>>()?;
    let signer =
        rcgen::Issuer::from_ca_cert_der(&ca.der().into(), issuer.key.pair()).map_err(|error| {
            IssueError::Sign {
                reason: error.to_string(),
            }
        })?;
    read_back(params.signed_by(key.pair(), &signer))
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

fn instant(at: Timestamp) -> Result<time::OffsetDateTime, IssueError> {
    time::OffsetDateTime::from_unix_timestamp(at.as_second()).map_err(|error| IssueError::Sign {
        reason: error.to_string(),
    })
}

fn read_back(signed: Result<rcgen::Certificate, rcgen::Error>) -> Result<Certificate, IssueError> {
    let signed = signed.map_err(|error| IssueError::Sign {
        reason: error.to_string(),
    })?;
    Certificate::from_der(signed.der()).map_err(IssueError::ReadBack)
}

impl San {
    /// Returns the name as text.
    pub fn text(&self) -> String {
        match self {
            Self::Dns(text) | Self::Uri(text) => text.clone(),
            Self::Ip(ip) => ip.to_string(),
        }
    }

    fn to_rcgen(&self) -> Result<SanType, IssueError> {
        let bad = |found: &str| IssueError::San {
            found: found.to_owned(),
        };
        match self {
            Self::Dns(name) => name
                .as_str()
                .try_into()
                .map(SanType::DnsName)
                .map_err(|_error| bad(name)),
            Self::Uri(uri) => uri
                .as_str()
                .try_into()
                .map(SanType::URI)
                .map_err(|_error| bad(uri)),
            Self::Ip(ip) => Ok(SanType::IpAddress(*ip)),
        }
    }
}

#[cfg(test)]
mod tests;
