//! Certification requests (PKCS #10, RFC 2986): a key's holder asks to be certified, and the key stays where it is.
//!
//! A request is a wish. Its signature proves that who asks has the key, and nothing else: what it says of names,
//! usages and CAs is read, shown, and weighed by whoever signs. [`Request::wishes_beyond_leaf`] is what a leaf will
//! never be given.

use x509_parser::{
    certification_request::X509CertificationRequest, extensions::ParsedExtension,
    prelude::FromDer as _,
};

use crate::{
    der::tag,
    extension::{GeneralName, Purpose, purposes},
    issue::{self, Algorithm, IssueError, San, Subject},
    key::PublicKey,
    name::{DistinguishedName, oid},
    pem,
    signer::Signer,
};

/// The label of a request's PEM block (RFC 7468 §7).
pub const PEM_LABEL: &str = "CERTIFICATE REQUEST";

/// The label that old tools give it.
const OLD_PEM_LABEL: &str = "NEW CERTIFICATE REQUEST";

/// The largest request that is read. Real ones are about 1 KB.
pub const MAX_DER_BYTES: usize = 64 * 1024;

/// Version 1, which PKCS #10 counts as 0.
const VERSION_1: [u8; 3] = [tag::INTEGER, 1, 0];

/// `[0] IMPLICIT Attributes`, there even if empty.
const ATTRIBUTES: u8 = 0xa0;

/// `extensionRequest` of PKCS #9, 1.2.840.113549.1.9.14.
const EXTENSION_REQUEST: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];

/// A request whose signature was verified: who sent it has the private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    der: Vec<u8>,
    subject: DistinguishedName,
    public_key: PublicKey,
    sans: Vec<GeneralName>,
    purposes: Vec<Purpose>,
    is_ca: bool,
    others: Vec<String>,
}

/// Why bytes are not a request that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The text is not PEM.
    #[error("cannot read the text as PEM")]
    Pem(#[source] pem::PemError),
    /// Another block, or more than one.
    #[error("expected exactly one `{PEM_LABEL}` block, found {found}")]
    NotOneRequest {
        /// What was found instead.
        found: String,
    },
    /// Larger than [`MAX_DER_BYTES`].
    #[error(
        "cannot read a certification request of {found} bytes: expected at most {MAX_DER_BYTES}"
    )]
    TooLarge {
        /// The size that was offered.
        found: usize,
    },
    /// Not the DER of a request.
    #[error("cannot read the bytes as a certification request (RFC 2986)")]
    NotARequest,
    /// Who sent the request did not show that the key is theirs.
    #[error(
        "expected a certification request signed with the key that it names, found another signature"
    )]
    NoProof,
}

impl Request {
    /// Reads one request and verifies its proof of possession; bytes after its end are an error.
    pub fn from_der(der: &[u8]) -> Result<Self, RequestError> {
        if der.len() > MAX_DER_BYTES {
            return Err(RequestError::TooLarge { found: der.len() });
        }
        let Ok(([], parsed)) = X509CertificationRequest::from_der(der) else {
            return Err(RequestError::NotARequest);
        };
        parsed
            .verify_signature()
            .map_err(|_error| RequestError::NoProof)?;
        let info = &parsed.certification_request_info;
        let mut request = Self {
            der: der.to_vec(),
            subject: DistinguishedName::read(&info.subject),
            public_key: PublicKey::read(&info.subject_pki),
            sans: Vec::new(),
            purposes: Vec::new(),
            is_ca: false,
            others: Vec::new(),
        };
        for extension in parsed.requested_extensions().into_iter().flatten() {
            request.note(extension);
        }
        Ok(request)
    }

    /// Reads the only request of a PEM text.
    pub fn from_pem(text: &str) -> Result<Self, RequestError> {
        let document = pem::parse(text).map_err(RequestError::Pem)?;
        match document.blocks.as_slice() {
            [block] if block.label == PEM_LABEL || block.label == OLD_PEM_LABEL => {
                Self::from_der(&block.der)
            }
            [block] => Err(RequestError::NotOneRequest {
                found: format!("`{}`", block.label),
            }),
            blocks => Err(RequestError::NotOneRequest {
                found: format!("{} blocks", blocks.len()),
            }),
        }
    }

    /// Makes a request for a key's own subject and names, signed with the key.
    pub fn new(subject: &Subject, sans: &[San], key: &dyn Signer) -> Result<Self, IssueError> {
        let public = key.public_key().to_certify();
        let public = public.ok_or(IssueError::PublicKey)?;
        let (der, ()) = issue::signed(key, &Algorithm::of(key)?, |info| {
            info.raw(&VERSION_1);
            issue::write_subject(info, subject);
            info.raw(public.spki());
            info.nested(ATTRIBUTES, |attributes| {
                if sans.is_empty() {
                    return Ok(());
                }
                attributes.nested(tag::SEQUENCE, |attribute| {
                    attribute.element(tag::OID, &EXTENSION_REQUEST);
                    attribute.nested(tag::SET, |set| {
                        set.nested(tag::SEQUENCE, |list| issue::write_sans(list, sans))
                    })
                })
            })
        })?;
        Self::from_der(&der).map_err(|error| IssueError::Sign {
            reason: error.to_string(),
        })
    }

    /// Prints the request as PEM.
    pub fn to_pem(&self) -> String {
        pem::encode(PEM_LABEL, &self.der)
    }

    /// Returns the key that is to be certified.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Returns who asks, as they name themselves.
    pub fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// Returns the other names that are asked for.
    pub fn sans(&self) -> &[GeneralName] {
        &self.sans
    }

    /// Returns the subject as newleaf certifies it: the first common name, organization and organizational unit.
    pub fn plain_subject(&self) -> Result<Subject, IssueError> {
        let first = |oid| self.subject.values(oid).next().map(str::to_owned);
        Subject::new(
            first(oid::COMMON_NAME).unwrap_or_default(),
            first(oid::ORGANIZATION),
            first(oid::ORGANIZATIONAL_UNIT),
        )
    }

    /// Returns the attributes of the subject that [`Self::plain_subject`] leaves out.
    pub fn other_attributes(&self) -> Vec<String> {
        let kept = [
            oid::COMMON_NAME,
            oid::ORGANIZATION,
            oid::ORGANIZATIONAL_UNIT,
        ];
        let mut seen = std::collections::BTreeSet::new();
        let attributes = self.subject.attributes();
        let left_out = attributes.filter(|attribute| {
            let is_first = attribute.is_text && seen.insert(&*attribute.oid);
            !(is_first && kept.contains(&&*attribute.oid))
        });
        left_out
            .map(|attribute| {
                let value = attribute.value.escape_debug();
                format!("{}={value}", attribute.short_name())
            })
            .collect()
    }

    /// Returns what is asked for that no leaf of newleaf is given because somebody asks: to be a CA, purposes, key
    /// usages, and extensions that are not interpreted. Whoever signs says these things aloud.
    pub fn wishes_beyond_leaf(&self) -> Vec<String> {
        let ca = self.is_ca.then(|| "to be a CA".to_owned());
        let purposes = self
            .purposes
            .iter()
            .map(|purpose| format!("purpose {purpose}"));
        let others = self.others.iter().cloned();
        ca.into_iter().chain(purposes).chain(others).collect()
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the library's list of extensions grows; what we do not interpret is kept as a wish"
    )]
    fn note(&mut self, extension: &ParsedExtension<'_>) {
        match extension {
            ParsedExtension::SubjectAlternativeName(san) => {
                self.sans
                    .extend(san.general_names.iter().map(GeneralName::read));
            }
            ParsedExtension::ExtendedKeyUsage(eku) => self.purposes.extend(purposes(eku)),
            ParsedExtension::BasicConstraints(constraints) => self.is_ca |= constraints.ca,
            ParsedExtension::KeyUsage(usage) => self.others.push(format!("key usage {usage}")),
            ParsedExtension::UnsupportedExtension { oid } => self
                .others
                .push(format!("extension {}", oid.to_id_string())),
            _ => self
                .others
                .push("an extension that newleaf does not interpret".to_owned()),
        }
    }
}

impl San {
    /// Takes a name that was asked for, if it is of a kind that newleaf certifies.
    pub fn wished(name: &GeneralName) -> Option<Self> {
        match name {
            GeneralName::Dns(name) => Some(Self::Dns(name.clone())),
            GeneralName::Uri(uri) => Some(Self::Uri(uri.clone())),
            GeneralName::Ip(ip) => Some(Self::Ip(*ip)),
            GeneralName::Email(email) => Some(Self::Email(email.clone())),
            GeneralName::Directory(_) | GeneralName::Other(_) | GeneralName::Malformed(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
