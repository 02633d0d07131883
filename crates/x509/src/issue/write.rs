//! What is signed, written: the DER of certificates, and of what revocation lists and requests have in common with them.
//!
//! A certificate is not read again after it was signed. Its DER and its facts are made here side by side from one template,
//! and every build with debug assertions reads each one back and compares: the reading costs a fifth of the signature.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;

use super::{IssueError, Subject, Validity, extension::Role};
use crate::{
    certificate::{Certificate, Facts},
    der::{Writer, tag},
    key::{KeyAlgorithm, PublicKey},
    name::DistinguishedName,
    signature::SignatureAlgorithm,
    signer::Signer,
    syntax,
};

/// `[0] EXPLICIT Version`, of X.509v3.
const VERSION_3: [u8; 5] = [0xa0, 3, tag::INTEGER, 1, 2];

/// `[3] EXPLICIT Extensions`.
const EXTENSIONS: u8 = 0xa3;

/// How long the identifier of a key is that is certified here.
pub(super) const KEY_ID_OCTETS: usize = 20;

/// A certificate that nobody has signed yet.
pub(super) struct Draft<'a> {
    pub(super) subject: &'a Subject,
    /// The subject as it will be read.
    pub(super) name: DistinguishedName,
    pub(super) serial: &'a [u8],
    pub(super) validity: Validity,
    pub(super) key: &'a PublicKey,
    pub(super) role: Role<'a>,
}

impl Draft<'_> {
    /// Has it signed by the key that it certifies.
    pub(super) fn self_signed(&self, signer: &dyn Signer) -> Result<Certificate, IssueError> {
        let mut name = Writer::new();
        write_attributes(&mut name, self.subject);
        self.signed(name.der()?, self.name.clone(), None, signer)
    }

    /// Has it signed by a CA. The CA's name is taken over octet by octet: verifiers compare it so.
    pub(super) fn signed_by(
        &self,
        ca: &Certificate,
        signer: &dyn Signer,
    ) -> Result<Certificate, IssueError> {
        let name = octets_of_subject(ca)?;
        let key_id = key_id_of(ca);
        self.signed(name, ca.subject().clone(), Some(key_id), signer)
    }

    fn signed(
        &self,
        issuer_octets: &[u8],
        issuer: DistinguishedName,
        authority: Option<Vec<u8>>,
        signer: &dyn Signer,
    ) -> Result<Certificate, IssueError> {
        let key = self.key.to_certify().ok_or(IssueError::PublicKey)?;
        let algorithm = Algorithm::of(signer)?;
        let (der, extensions) = signed(signer, &algorithm, |draft| {
            draft.raw(&VERSION_3);
            draft.positive(self.serial);
            draft.raw(algorithm.der);
            draft.element(tag::SEQUENCE, issuer_octets);
            draft.nested(tag::SEQUENCE, |times| {
                write_time(times, self.validity.not_before)?;
                write_time(times, self.validity.not_after)
            })?;
            write_subject(draft, self.subject);
            draft.raw(key.spki());
            draft.nested(EXTENSIONS, |within| {
                within.nested(tag::SEQUENCE, |list| {
                    self.role.write(list, authority, key_id(key.spki()))
                })
            })
        })?;
        Ok(Certificate::made(Facts {
            der,
            version: 3,
            serial: self.serial.to_vec(),
            signature_algorithm: algorithm.name,
            signature_algorithms_agree: true,
            issuer,
            subject: self.name.clone(),
            not_before: whole_second(self.validity.not_before),
            not_after: whole_second(self.validity.not_after),
            public_key: key.into_owned(),
            extensions,
        }))
    }
}

/// The algorithm with which a key signs.
pub(crate) struct Algorithm {
    pub(crate) der: &'static [u8],
    name: SignatureAlgorithm,
}

impl Algorithm {
    /// Returns the algorithm with which [`Signer::sign`] promises to sign.
    pub(crate) fn of(signer: &dyn Signer) -> Result<Self, IssueError> {
        use SignatureAlgorithm as S;
        const ECDSA_SHA256: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
        const ECDSA_SHA384: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
        const ECDSA_SHA512: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4];
        const RSA_SHA256: &[u8] = &[
            0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0,
        ];
        const ED25519: &[u8] = &[0x30, 5, 6, 3, 0x2b, 0x65, 0x70];
        let (der, name) = match signer.public_key().algorithm() {
            KeyAlgorithm::EcdsaP256 => (ECDSA_SHA256, S::EcdsaSha256),
            KeyAlgorithm::EcdsaP384 => (ECDSA_SHA384, S::EcdsaSha384),
            KeyAlgorithm::EcdsaP521 => (ECDSA_SHA512, S::EcdsaSha512),
            KeyAlgorithm::Rsa(_) => (RSA_SHA256, S::RsaSha256),
            KeyAlgorithm::Ed25519 => (ED25519, S::Ed25519),
            KeyAlgorithm::Other => return Err(IssueError::PublicKey),
        };
        Ok(Self { der, name })
    }
}

/// Writes something and has it signed: `SEQUENCE { what, algorithm, BIT STRING }`. Returns it with what the writing returned.
pub(crate) fn signed<T>(
    signer: &dyn Signer,
    algorithm: &Algorithm,
    write: impl FnOnce(&mut Writer) -> Result<T, IssueError>,
) -> Result<(Vec<u8>, T), IssueError> {
    let mut whole = Writer::new();
    let said = whole.nested(tag::SEQUENCE, |whole| {
        let at = whole.der()?.len();
        let said = whole.nested(tag::SEQUENCE, write)?;
        let what = whole.der()?.get(at..).unwrap_or_default();
        let signature = signer.sign(what).map_err(IssueError::Signer)?;
        whole.raw(algorithm.der);
        whole.nested(tag::BIT_STRING, |bits| {
            bits.raw(&[0]);
            bits.raw(&signature);
        });
        Ok::<T, IssueError>(said)
    })?;
    Ok((whole.into_der()?, said))
}

/// Returns the octets of a CA's subject, as they stand in its certificate: the content of the name.
pub(crate) fn octets_of_subject(ca: &Certificate) -> Result<&[u8], IssueError> {
    let names = syntax::names(ca.der());
    let (_, subject) = names.ok_or_else(|| IssueError::NotACa {
        subject: ca.subject().to_string(),
    })?;
    Ok(subject)
}

/// Returns the identifier that a CA's certificate gives its key, whoever made it; without one, that which we would have.
pub(crate) fn key_id_of(ca: &Certificate) -> Vec<u8> {
    match &ca.extensions().subject_key_id {
        Some(id) => id.value.clone(),
        None => key_id(ca.public_key().spki()).to_vec(),
    }
}

/// Method 4 of RFC 7093 §2: the first 160 bits of the SHA-256 of the key as it is certified.
fn key_id(spki: &[u8]) -> [u8; KEY_ID_OCTETS] {
    let digest = digest(&SHA256, spki);
    digest.as_ref().first_chunk().copied().unwrap_or_default()
}

/// Writes a subject, an attribute an RDN.
pub(crate) fn write_subject(writer: &mut Writer, subject: &Subject) {
    writer.nested(tag::SEQUENCE, |name| write_attributes(name, subject));
}

fn write_attributes(name: &mut Writer, subject: &Subject) {
    let attributes = [
        (10, subject.organization()),
        (11, subject.organizational_unit()),
        (3, Some(subject.common_name())),
    ];
    for (arc, value) in attributes {
        let Some(value) = value else { continue };
        name.nested(tag::SET, |rdn| {
            rdn.nested(tag::SEQUENCE, |attribute| {
                attribute.raw(&[tag::OID, 3, 0x55, 4, arc]);
                attribute.element(tag::UTF8_STRING, value.as_bytes());
            });
        });
    }
}

/// Writes an instant, in whole seconds.
pub(crate) fn write_time(writer: &mut Writer, at: Timestamp) -> Result<(), IssueError> {
    let since_epoch = u64::try_from(whole_second(at).as_second());
    let at = since_epoch.ok().map(Duration::from_secs);
    let at = at.and_then(|at| der::DateTime::from_unix_duration(at).ok());
    let at = at.ok_or_else(|| IssueError::Sign {
        reason: "expected an instant between the years 1970 and 9999".to_owned(),
    })?;
    writer.time(at);
    Ok(())
}

/// A certificate tells time in whole seconds, rounded down.
fn whole_second(at: Timestamp) -> Timestamp {
    let below = i64::from(at.subsec_nanosecond() < 0);
    Timestamp::from_second(at.as_second().saturating_sub(below)).unwrap_or(at)
}
