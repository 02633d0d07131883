//! Certificate revocation lists (RFC 5280 §5), for verifiers that look at them: Temporal Cloud does not, a self-hosted
//! server behind a proxy of one's own may.

use std::fmt;

use jiff::Timestamp;
use x509_parser::{prelude::FromDer as _, revocation_list::CertificateRevocationList};

use crate::{
    certificate::{Certificate, instant},
    der::{Writer, tag},
    fingerprint::Hex,
    issue::{self, Algorithm, IssueError, Issuer, Validity},
    name::DistinguishedName,
    pem,
};

/// The label of a list's PEM block (RFC 7468 §6).
pub const PEM_LABEL: &str = "X509 CRL";

/// The largest list that is read: some hundred thousand entries.
pub const MAX_DER_BYTES: usize = 16 * 1024 * 1024;

/// Version 2, which is written as 1.
const VERSION_2: [u8; 3] = [tag::INTEGER, 1, 1];

/// `[0] EXPLICIT Extensions`.
const EXTENSIONS: u8 = 0xa0;

/// `id-ce-cRLNumber`, below 2.5.29.
const CRL_NUMBER: u8 = 20;

/// `id-ce-cRLReasons`, below 2.5.29.
const REASON_CODE: u8 = 21;

/// Why a certificate is revoked (RFC 5280 §5.3.1). The reasons that newleaf's CAs have use for; a hold, which could be
/// lifted, is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Nothing is said; RFC 5280 wants the entry without a reason then.
    Unspecified,
    /// Somebody else has, or may have, the private key.
    KeyCompromise,
    /// The CA's key is compromised.
    CaCompromise,
    /// The subject's name changed.
    AffiliationChanged,
    /// Another certificate has taken its place.
    Superseded,
    /// The subject is no more.
    CessationOfOperation,
    /// What the certificate allowed is no longer allowed.
    PrivilegeWithdrawn,
}

/// One revoked certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its serial number's content octets.
    pub serial: Vec<u8>,
    /// Since when.
    pub revoked_at: Timestamp,
    /// Why.
    pub reason: Reason,
}

/// A list that is to be signed.
#[derive(Clone, Debug)]
pub struct CrlTemplate {
    /// Its number: greater than that of every list before it.
    pub number: u64,
    /// When it was made.
    pub this_update: Timestamp,
    /// When the next one is due; a verifier may refuse this one from then on.
    pub next_update: Timestamp,
    /// Who is revoked.
    pub entries: Vec<Entry>,
}

/// A list, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crl {
    der: Vec<u8>,
    issuer: DistinguishedName,
    number: Option<u64>,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    entries: Vec<Entry>,
}

/// Why bytes are not a list that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CrlError {
    /// The text is not PEM.
    #[error("cannot read the text as PEM")]
    Pem(#[source] pem::PemError),
    /// Another block, or more than one.
    #[error("expected exactly one `{PEM_LABEL}` block, found {found}")]
    NotOneCrl {
        /// What was found instead.
        found: String,
    },
    /// Larger than [`MAX_DER_BYTES`].
    #[error("cannot read a revocation list of {found} bytes: expected at most {MAX_DER_BYTES}")]
    TooLarge {
        /// The size that was offered.
        found: usize,
    },
    /// Not the DER of a list.
    #[error("cannot read the bytes as a certificate revocation list (RFC 5280 §5)")]
    NotACrl,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 7] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::CaCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::PrivilegeWithdrawn,
    ];

    /// Returns the name that RFC 5280 gives the reason.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
        }
    }

    /// Returns the number that RFC 5280 gives the reason; none where the entry should say nothing.
    fn code(self) -> Option<u8> {
        match self {
            Self::Unspecified => None,
            Self::KeyCompromise => Some(1),
            Self::CaCompromise => Some(2),
            Self::AffiliationChanged => Some(3),
            Self::Superseded => Some(4),
            Self::CessationOfOperation => Some(5),
            Self::PrivilegeWithdrawn => Some(9),
        }
    }

    fn of_code(code: u8) -> Self {
        match code {
            1 => Self::KeyCompromise,
            2 => Self::CaCompromise,
            3 => Self::AffiliationChanged,
            4 => Self::Superseded,
            5 => Self::CessationOfOperation,
            9 => Self::PrivilegeWithdrawn,
            _other => Self::Unspecified,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Entry {
    /// Returns the serial number in hexadecimal.
    pub fn serial_hex(&self) -> String {
        Hex(&self.serial).text()
    }

    fn write(&self, writer: &mut Writer) -> Result<(), IssueError> {
        writer.nested(tag::SEQUENCE, |entry| {
            entry.positive(&self.serial);
            issue::write_time(entry, self.revoked_at)?;
            if let Some(code) = self.reason.code() {
                entry.nested(tag::SEQUENCE, |extensions| {
                    issue::write_extension(extensions, REASON_CODE, false, |value| {
                        value.element(tag::ENUMERATED, &[code]);
                    });
                });
            }
            Ok(())
        })
    }
}

/// Signs a list in the name of a CA.
pub fn issue(template: &CrlTemplate, issuer: &Issuer<'_>) -> Result<Crl, IssueError> {
    let (not_before, not_after) = (template.this_update, template.next_update);
    Validity {
        not_before,
        not_after,
    }
    .must_last()?;
    let ca = issuer.certificate();
    let algorithm = Algorithm::of(issuer.signer())?;
    let (der, ()) = issue::signed(issuer.signer(), &algorithm, |list| {
        list.raw(&VERSION_2);
        list.raw(algorithm.der);
        list.element(tag::SEQUENCE, issue::octets_of_subject(ca)?);
        issue::write_time(list, template.this_update)?;
        issue::write_time(list, template.next_update)?;
        // A list of nobody has no list of entries (RFC 5280 §5.1.2.6).
        if !template.entries.is_empty() {
            list.nested(tag::SEQUENCE, |entries| {
                let mut entries_of = template.entries.iter();
                entries_of.try_for_each(|entry| entry.write(entries))
            })?;
        }
        list.nested(EXTENSIONS, |within| {
            within.nested(tag::SEQUENCE, |extensions| {
                // The key is named as the CA certificate names it, whoever made that certificate.
                issue::write_authority(extensions, &issue::key_id_of(ca));
                issue::write_extension(extensions, CRL_NUMBER, false, |value| {
                    value.positive(&template.number.to_be_bytes());
                });
            });
        });
        Ok(())
    })?;
    Crl::from_der(&der).map_err(|error| IssueError::Sign {
        reason: error.to_string(),
    })
}

impl Crl {
    /// Reads one list; bytes after its end are an error.
    pub fn from_der(der: &[u8]) -> Result<Self, CrlError> {
        if der.len() > MAX_DER_BYTES {
            return Err(CrlError::TooLarge { found: der.len() });
        }
        let Ok(([], parsed)) = CertificateRevocationList::from_der(der) else {
            return Err(CrlError::NotACrl);
        };
        let entries = parsed.iter_revoked_certificates().map(|revoked| Entry {
            serial: revoked.raw_serial().to_vec(),
            revoked_at: instant(revoked.revocation_date),
            reason: revoked
                .reason_code()
                .map_or(Reason::Unspecified, |(_, code)| Reason::of_code(code.0)),
        });
        Ok(Self {
            der: der.to_vec(),
            issuer: DistinguishedName::read(parsed.issuer()),
            number: parsed
                .crl_number()
                .and_then(|number| u64::try_from(number).ok()),
            this_update: instant(parsed.last_update()),
            next_update: parsed.next_update().map(instant),
            entries: entries.collect(),
        })
    }

    /// Reads the only list of a PEM text.
    pub fn from_pem(text: &str) -> Result<Self, CrlError> {
        let document = pem::parse(text).map_err(CrlError::Pem)?;
        match document.blocks.as_slice() {
            [block] if block.label == PEM_LABEL => Self::from_der(&block.der),
            [block] => Err(CrlError::NotOneCrl {
                found: format!("`{}`", block.label),
            }),
            blocks => Err(CrlError::NotOneCrl {
                found: format!("{} blocks", blocks.len()),
            }),
        }
    }

    /// Prints the list as PEM.
    pub fn to_pem(&self) -> String {
        pem::encode(PEM_LABEL, &self.der)
    }

    /// Returns the DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns in whose name it was signed.
    pub fn issuer(&self) -> &DistinguishedName {
        &self.issuer
    }

    /// Returns its number, if it has one that fits 64 bits.
    pub fn number(&self) -> Option<u64> {
        self.number
    }

    /// Returns when it was made.
    pub fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// Returns when the next one is due.
    pub fn next_update(&self) -> Option<Timestamp> {
        self.next_update
    }

    /// Returns who is revoked.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns whether `ca` signed the list.
    pub fn is_signed_by(&self, ca: &Certificate) -> bool {
        if &self.issuer != ca.subject() {
            return false;
        }
        let Ok((_, parsed)) = CertificateRevocationList::from_der(&self.der) else {
            return false;
        };
        let Ok((_, ca)) = x509_parser::parse_x509_certificate(ca.der()) else {
            return false;
        };
        parsed.verify_signature(ca.public_key()).is_ok()
    }
}

#[cfg(test)]
mod tests;
