//! A certificate: DER parsed once, then it answers questions.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use jiff::Timestamp;
use x509_parser::{nom::Parser as _, prelude::*};

use crate::{
    der,
    extension::{Extensions, Purpose, Usage},
    fingerprint::{Fingerprint, Hex, Sha1Fingerprint},
    key::PublicKey,
    name::DistinguishedName,
    pem,
    signature::{self, SignatureAlgorithm},
    syntax::{self, Fault},
};

/// The label of a certificate's PEM block (RFC 7468 §5).
pub const PEM_LABEL: &str = "CERTIFICATE";

/// The largest certificate that is read; real ones are 1 to 4 KB, and Temporal Cloud's whole bundle is 32 KB.
pub const MAX_DER_BYTES: usize = 256 * 1024;

/// One X.509 certificate. Cheap to clone; equal if the DER is equal.
#[derive(Clone)]
pub struct Certificate(Arc<Known>);

/// What is known of a certificate: what it says, and what not everybody asks and is computed when somebody does.
struct Known {
    facts: Facts,
    fingerprint: OnceLock<Fingerprint>,
    faults: OnceLock<Vec<Fault>>,
}

/// What a certificate says, read once.
#[derive(PartialEq)]
pub(crate) struct Facts {
    pub(crate) der: Vec<u8>,
    pub(crate) version: u32,
    pub(crate) serial: Vec<u8>,
    pub(crate) signature_algorithm: SignatureAlgorithm,
    pub(crate) signature_algorithms_agree: bool,
    pub(crate) issuer: DistinguishedName,
    pub(crate) subject: DistinguishedName,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) public_key: PublicKey,
    pub(crate) extensions: Extensions,
}

/// Why bytes are not a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Larger than [`MAX_DER_BYTES`].
    #[error("cannot read a certificate of {found} bytes: expected at most {MAX_DER_BYTES}")]
    TooLarge {
        /// The size that was offered.
        found: usize,
    },
    /// Not the DER of a certificate.
    #[error("cannot read the bytes as an X.509 certificate (RFC 5280 §4.1): {reason}")]
    NotACertificate {
        /// What the parser met.
        reason: String,
    },
    /// Bytes after the end of the certificate.
    #[error("expected the certificate to end, found {extra} more bytes")]
    TrailingBytes {
        /// How many.
        extra: usize,
    },
}

/// Why a text is not a list of certificates. A closed set: one more is a breaking release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificatesError {
    /// The text is not PEM.
    #[error("cannot read the text as PEM")]
    Pem(#[from] pem::PemError),
    /// A block that is not a certificate. A private key is named as such and never quoted.
    #[error("line {line}: expected a `CERTIFICATE` block, found `{label}`")]
    UnexpectedBlock {
        /// The line of the block's `BEGIN`.
        line: usize,
        /// The block's label.
        label: String,
    },
    /// A certificate block that cannot be read.
    #[error("line {line}: cannot read the certificate that begins here")]
    Certificate {
        /// The line of the block's `BEGIN`.
        line: usize,
        /// Why.
        source: CertificateError,
    },
}

impl CertificatesError {
    /// Returns whether the text held a private key, which must never travel with certificates.
    pub fn found_private_key(&self) -> bool {
        matches!(self, Self::UnexpectedBlock { label, .. } if label.ends_with("PRIVATE KEY"))
    }
}

impl Certificate {
    /// Reads one certificate; bytes after its end are an error.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_DER_BYTES {
            return Err(CertificateError::TooLarge { found: der.len() });
        }
        let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
        let parsed = parser.parse(der);
        let (rest, parsed) = parsed.map_err(|error| CertificateError::NotACertificate {
            reason: in_words(&error),
        })?;
        if !rest.is_empty() {
            return Err(CertificateError::TrailingBytes { extra: rest.len() });
        }
        let outer = SignatureAlgorithm::read(&parsed.signature_algorithm);
        let (issuer, subject) =
            syntax::names(der).ok_or_else(|| CertificateError::NotACertificate {
                reason: "its names are not in DER".to_owned(),
            })?;
        Ok(Self::of(Facts {
            der: der.to_vec(),
            version: parsed.version().0 + 1,
            serial: parsed.raw_serial().to_vec(),
            signature_algorithms_agree: parsed.signature_algorithm
                == parsed.tbs_certificate.signature,
            signature_algorithm: outer,
            issuer: DistinguishedName::of(der::items(issuer)),
            subject: DistinguishedName::of(der::items(subject)),
            not_before: instant(parsed.validity().not_before),
            not_after: instant(parsed.validity().not_after),
            public_key: PublicKey::read(parsed.public_key()),
            extensions: Extensions::of(&parsed, der),
        }))
    }

    fn of(facts: Facts) -> Self {
        Self(Arc::new(Known {
            facts,
            fingerprint: OnceLock::new(),
            faults: OnceLock::new(),
        }))
    }

    /// Takes a certificate that was just signed. What it is said to say is what it says: builds with debug assertions read it.
    pub(crate) fn made(facts: Facts) -> Self {
        let made = Self::of(facts);
        debug_assert!(
            made.is_as_read(),
            "{made:?} does not say what it was made to say"
        );
        made
    }

    /// Returns whether reading the DER gives the same answers, all of them.
    pub(crate) fn is_as_read(&self) -> bool {
        Self::from_der(self.der()).is_ok_and(|read| read.0.facts == self.0.facts)
    }

    /// Reads every certificate of a PEM text; any other block, a private key above all, is an error.
    pub fn all_from_pem(text: &str) -> Result<Vec<Self>, CertificatesError> {
        let document = pem::parse(text)?;
        let mut certificates = Vec::with_capacity(document.blocks.len());
        for block in document.blocks {
            let line = block.line;
            if block.label != PEM_LABEL {
                return Err(CertificatesError::UnexpectedBlock {
                    line,
                    label: block.label,
                });
            }
            let certificate = Self::from_der(&block.der)
                .map_err(|source| CertificatesError::Certificate { line, source })?;
            certificates.push(certificate);
        }
        Ok(certificates)
    }

    /// Prints the certificate as PEM.
    pub fn to_pem(&self) -> String {
        pem::encode(PEM_LABEL, self.der())
    }

    /// Returns the DER.
    pub fn der(&self) -> &[u8] {
        &self.0.facts.der
    }

    /// Returns the SHA-256 of the DER: the name by which certificates are compared.
    pub fn fingerprint(&self) -> Fingerprint {
        let compute = || Fingerprint::of(self.der());
        *self.0.fingerprint.get_or_init(compute)
    }

    /// Returns the SHA-1 of the DER, only because Temporal's tools show it.
    pub fn sha1_fingerprint(&self) -> Sha1Fingerprint {
        Sha1Fingerprint::of(self.der())
    }

    /// Returns the version as people say it: 3 for X.509v3.
    pub fn version(&self) -> u32 {
        self.0.facts.version
    }

    /// Returns the serial number's content octets, big-endian.
    pub fn serial(&self) -> &[u8] {
        &self.0.facts.serial
    }

    /// Returns the serial number in hexadecimal.
    pub fn serial_hex(&self) -> String {
        Hex(self.serial()).text()
    }

    /// Returns the algorithm with which the issuer signed.
    pub fn signature_algorithm(&self) -> &SignatureAlgorithm {
        &self.0.facts.signature_algorithm
    }

    /// Returns whether the two places that name the algorithm agree (RFC 5280 §4.1.1.2).
    pub fn signature_algorithms_agree(&self) -> bool {
        self.0.facts.signature_algorithms_agree
    }

    /// Returns who signed.
    pub fn issuer(&self) -> &DistinguishedName {
        &self.0.facts.issuer
    }

    /// Returns who is certified.
    pub fn subject(&self) -> &DistinguishedName {
        &self.0.facts.subject
    }

    /// Returns the first instant of validity.
    pub fn not_before(&self) -> Timestamp {
        self.0.facts.not_before
    }

    /// Returns the last instant of validity.
    pub fn not_after(&self) -> Timestamp {
        self.0.facts.not_after
    }

    /// Returns whether `now` lies within the validity, both ends included (RFC 5280 §4.1.2.5).
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.not_before() <= now && now <= self.not_after()
    }

    /// Returns the certified public key.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.facts.public_key
    }

    /// Returns what the extensions say.
    pub fn extensions(&self) -> &Extensions {
        &self.0.facts.extensions
    }

    /// Returns the breaches of rules about form, which the other answers do not show.
    pub fn faults(&self) -> &[Fault] {
        let look = || syntax::faults(self.der());
        self.0.faults.get_or_init(look)
    }

    /// Returns whether basic constraints say that the subject is a CA.
    pub fn is_ca(&self) -> bool {
        self.extensions()
            .basic_constraints
            .as_ref()
            .is_some_and(|bc| bc.value.ca)
    }

    /// Returns whether issuer and subject are the same name.
    pub fn is_self_issued(&self) -> bool {
        self.subject() == self.issuer()
    }

    /// Returns whether key usage, if present, allows `usage`.
    pub fn allows_usage(&self, usage: Usage) -> bool {
        self.extensions()
            .key_usage
            .as_ref()
            .is_none_or(|ku| ku.value.allows(usage))
    }

    /// Returns whether extended key usage, if present, allows TLS client authentication.
    pub fn allows_client_auth(&self) -> bool {
        self.allows_purpose(&Purpose::ClientAuth)
    }

    /// Returns whether extended key usage, if present, allows TLS server authentication.
    pub fn allows_server_auth(&self) -> bool {
        self.allows_purpose(&Purpose::ServerAuth)
    }

    fn allows_purpose(&self, purpose: &Purpose) -> bool {
        let purposes = self.extensions().extended_key_usage.as_ref();
        purposes.is_none_or(|eku| {
            let allows = |given: &Purpose| given == purpose || *given == Purpose::Any;
            eku.value.iter().any(allows)
        })
    }

    /// Returns whether our issuer's name and the subject of `issuer` are the same octets. Go and webpki compare octets;
    /// a name that was written anew in another type of string reads the same and is another to them.
    pub fn names_octets_of(&self, issuer: &Self) -> bool {
        let ours = syntax::names(self.der()).map(|(issuer, _)| issuer);
        ours.is_some() && ours == syntax::names(issuer.der()).map(|(_, subject)| subject)
    }

    /// Returns whether `issuer` signed this certificate: its name is ours to name, and its key verifies our signature.
    pub fn is_signed_by(&self, issuer: &Self) -> bool {
        if self.issuer() != issuer.subject() {
            return false;
        }
        let (Ok((_, ours)), Ok((_, theirs))) = (
            X509Certificate::from_der(self.der()),
            X509Certificate::from_der(issuer.der()),
        ) else {
            return false;
        };
        signature::is_by(&ours, &theirs)
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Certificate({}, {})",
            self.subject(),
            self.fingerprint().short()
        )
    }
}

/// Says in words what the parser says in its own terms.
fn in_words(error: &nom::Err<X509Error>) -> String {
    use nom::{Err, error::ErrorKind};
    match error {
        Err::Incomplete(_) | Err::Error(X509Error::NomError(ErrorKind::Eof)) => {
            "it ends too early".to_owned()
        }
        Err::Error(X509Error::Der(error)) | Err::Failure(X509Error::Der(error)) => {
            format!("its DER is broken: {error}")
        }
        Err::Error(error) | Err::Failure(error) => error.to_string(),
    }
}

/// The last day of the year 9999, with which RFC 5280 §4.1.2.5 says "no end", lies past the end of what can be
/// told; it becomes the last instant that can.
pub(crate) fn instant(time: ASN1Time) -> Timestamp {
    Timestamp::from_second(time.timestamp()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
