//! PKCS #12 (RFC 7292): a key and its certificates behind one passphrase, which is what Java and Windows read.
//!
//! Written: the key in PBES2 with AES-256, the certificates in the clear (they are public), a MAC with HMAC-SHA-256 over all
//! of it. Java 8u301 and later, OpenSSL 1.1 and later, and Go read that. Read: whatever is in PBES2 under a MAC with
//! SHA-256, SHA-384 or SHA-512, which is what Java 17 and OpenSSL 3 write. RC2 and triple DES, which older ones wrote,
//! are refused by name.

mod write;

use aws_lc_rs::hmac;
use cms::{content_info::ContentInfo, encrypted_data::EncryptedData};
use der::{
    Any, Decode, Encode as _,
    asn1::{ContextSpecific, ObjectIdentifier, OctetString},
    oid::db::rfc5911::{ID_DATA, ID_ENCRYPTED_DATA},
};
use newleaf_x509::{Certificate, PrivateKey};
use pkcs5::EncryptionScheme;
use pkcs12::{
    PKCS_12_CERT_BAG_OID, PKCS_12_KEY_BAG_OID, PKCS_12_PKCS8_KEY_BAG_OID, PKCS_12_X509_CERT_OID,
    cert_type::CertBag,
    kdf::{Pkcs12KeyType, derive_key_utf8},
    mac_data::MacData,
    pfx::Pfx,
    safe_bag::SafeContents,
};
use zeroize::Zeroizing;

pub use self::write::PackError;
use crate::{
    effort::Effort,
    passphrase::Passphrase,
    pbes2,
    sealed::{OpenError, SealedKey},
};

const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// A PKCS #12 file, not yet opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pkcs12 {
    der: Vec<u8>,
}

/// What a PKCS #12 file held.
#[expect(missing_debug_implementations, reason = "it holds a private key")]
pub struct Pkcs12Content {
    /// The key.
    pub key: PrivateKey,
    /// The certificates: the key's own first, then each one's issuer, then what belongs to nothing.
    pub certificates: Vec<Certificate>,
}

/// Why a PKCS #12 file was not opened. Nothing in it is ever quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Pkcs12Error {
    /// Its structure is not that of RFC 7292.
    #[error("cannot read the structure of the PKCS #12 file (RFC 7292)")]
    Structure,
    /// Protected in a way that is not supported.
    #[error(
        "expected a PKCS #12 file with a MAC over SHA-256, SHA-384 or SHA-512, found another: convert it with `openssl pkcs12 -legacy`"
    )]
    Mac,
    /// A part of it cannot be opened.
    #[error("cannot open the PKCS #12 file")]
    Open(#[source] OpenError),
    /// No private key, or more than one.
    #[error("expected exactly one private key in the PKCS #12 file, found {found}")]
    NotOneKey {
        /// How many.
        found: usize,
    },
    /// A certificate in it cannot be read.
    #[error("cannot read a certificate of the PKCS #12 file")]
    Certificate(#[source] newleaf_x509::certificate::CertificateError),
}

impl Pkcs12 {
    /// Takes the DER of a PKCS #12 file; nothing, if the bytes are none.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        Pfx::from_der(der)
            .ok()
            .map(|_pfx| Self { der: der.to_vec() })
    }

    /// Returns the DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Verifies the MAC and opens the file.
    pub fn open(&self, passphrase: &Passphrase) -> Result<Pkcs12Content, Pkcs12Error> {
        self.open_within(passphrase, &mut Effort::new())
    }

    /// Verifies the MAC and opens the file, if all its parts together ask for no more rounds than are left.
    pub fn open_within(
        &self,
        passphrase: &Passphrase,
        effort: &mut Effort,
    ) -> Result<Pkcs12Content, Pkcs12Error> {
        let pfx = Pfx::from_der(&self.der).map_err(structure)?;
        if pfx.auth_safe.content_type != ID_DATA {
            // Signed instead of authenticated by a MAC: nobody writes that.
            return Err(Pkcs12Error::Mac);
        }
        let safe: OctetString = pfx.auth_safe.content.decode_as().map_err(structure)?;
        let mac = pfx.mac_data.ok_or(Pkcs12Error::Mac)?;
        verify(&mac, safe.as_bytes(), passphrase, effort)?;
        let mut found = Found::default();
        for content in Vec::<ContentInfo>::from_der(safe.as_bytes()).map_err(structure)? {
            let bags = plain(&content, passphrase, effort)?;
            found.add(&bags, passphrase, effort)?;
        }
        found.content()
    }
}

/// Checks the MAC: a wrong passphrase is told here, before anything else is opened.
fn verify(
    mac: &MacData,
    safe: &[u8],
    passphrase: &Passphrase,
    effort: &mut Effort,
) -> Result<(), Pkcs12Error> {
    let (salt, rounds) = (mac.mac_salt.as_bytes(), mac.iterations);
    let n_rounds = u32::try_from(rounds).map_err(|_negative| Pkcs12Error::Structure)?;
    effort
        .spend(n_rounds)
        .map_err(|_error| Pkcs12Error::Open(OpenError::TooMuchEffort))?;
    let secret = passphrase.text();
    let kind = Pkcs12KeyType::Mac;
    let oid = mac.mac.algorithm.oid;
    let (algorithm, key) = if oid == SHA_256 {
        let key = derive_key_utf8::<sha2::Sha256>(secret, salt, kind, rounds, 32);
        (hmac::HMAC_SHA256, key)
    } else if oid == SHA_384 {
        let key = derive_key_utf8::<sha2::Sha384>(secret, salt, kind, rounds, 48);
        (hmac::HMAC_SHA384, key)
    } else if oid == SHA_512 {
        let key = derive_key_utf8::<sha2::Sha512>(secret, salt, kind, rounds, 64);
        (hmac::HMAC_SHA512, key)
    } else {
        return Err(Pkcs12Error::Mac);
    };
    // A passphrase outside the basic multilingual plane has no form in PKCS #12.
    let key = Zeroizing::new(key.map_err(|_error| Pkcs12Error::Open(OpenError::WrongPassphrase))?);
    hmac::verify(
        &hmac::Key::new(algorithm, &key),
        safe,
        mac.mac.digest.as_bytes(),
    )
    .map_err(|_error| Pkcs12Error::Open(OpenError::WrongPassphrase))
}

/// Returns the bags of one part, decrypted if they are encrypted.
fn plain(
    content: &ContentInfo,
    passphrase: &Passphrase,
    effort: &mut Effort,
) -> Result<Zeroizing<Vec<u8>>, Pkcs12Error> {
    if content.content_type == ID_DATA {
        let bags: OctetString = content.content.decode_as().map_err(structure)?;
        return Ok(Zeroizing::new(bags.into_bytes()));
    }
    if content.content_type != ID_ENCRYPTED_DATA {
        return Err(Pkcs12Error::Open(OpenError::Unsupported));
    }
    let data: EncryptedData = content.content.decode_as().map_err(structure)?;
    let info = data.enc_content_info;
    let encrypted = info.encrypted_content.ok_or(Pkcs12Error::Structure)?;
    let scheme = info.content_enc_alg.to_der().map_err(structure)?;
    let scheme = EncryptionScheme::from_der(&scheme)
        .map_err(|_error| Pkcs12Error::Open(OpenError::Unsupported))?;
    pbes2::decrypt(&scheme, encrypted.as_bytes(), passphrase, effort).map_err(Pkcs12Error::Open)
}

/// What the bags hold, as it is found.
#[derive(Default)]
struct Found {
    keys: Vec<PrivateKey>,
    certificates: Vec<Certificate>,
}

impl Found {
    fn add(
        &mut self,
        bags: &[u8],
        passphrase: &Passphrase,
        effort: &mut Effort,
    ) -> Result<(), Pkcs12Error> {
        for bag in SafeContents::from_der(bags).map_err(structure)? {
            let value = Zeroizing::new(bag.bag_value);
            if bag.bag_id == PKCS_12_CERT_BAG_OID {
                let bag: CertBag = inside(&value)?;
                if bag.cert_id == PKCS_12_X509_CERT_OID {
                    let certificate = Certificate::from_der(bag.cert_value.as_bytes());
                    self.certificates
                        .push(certificate.map_err(Pkcs12Error::Certificate)?);
                }
            } else if bag.bag_id == PKCS_12_PKCS8_KEY_BAG_OID {
                let der = inside::<Any>(&value)?.to_der().map_err(structure)?;
                let sealed =
                    SealedKey::from_der(&der).ok_or(Pkcs12Error::Open(OpenError::Unsupported))?;
                let key = sealed.open_within(passphrase, effort);
                self.keys.push(key.map_err(Pkcs12Error::Open)?);
            } else if bag.bag_id == PKCS_12_KEY_BAG_OID {
                let der = Zeroizing::new(inside::<Any>(&value)?.to_der().map_err(structure)?);
                let key = PrivateKey::from_der(&der).map_err(|_error| Pkcs12Error::Structure)?;
                self.keys.push(key);
            }
            // Revocation lists, other secrets and nested bags are of no use to a client of Temporal.
        }
        Ok(())
    }

    fn content(mut self) -> Result<Pkcs12Content, Pkcs12Error> {
        let found = self.keys.len();
        let (Some(key), 1) = (self.keys.pop(), found) else {
            return Err(Pkcs12Error::NotOneKey { found });
        };
        let certificates = in_order(&key, self.certificates);
        Ok(Pkcs12Content { key, certificates })
    }
}

/// The key's own certificate first, then each one's issuer: the order in which a chain is presented.
fn in_order(key: &PrivateKey, mut certificates: Vec<Certificate>) -> Vec<Certificate> {
    let own = |c: &Certificate| c.public_key() == key.public_key() && !c.is_ca();
    let mut ordered: Vec<Certificate> = Vec::with_capacity(certificates.len());
    let mut next = certificates.iter().position(own);
    while let Some(at) = next {
        let certificate = certificates.remove(at);
        next = certificates
            .iter()
            .position(|other| other.subject() == certificate.issuer());
        ordered.push(certificate);
    }
    ordered.extend(certificates);
    ordered
}

/// The library keeps a bag's value with the tag around it.
fn inside<T: for<'a> Decode<'a> + der::Tagged + for<'a> der::DecodeValue<'a>>(
    value: &[u8],
) -> Result<T, Pkcs12Error> {
    let tagged = ContextSpecific::<T>::from_der(value).map_err(structure)?;
    Ok(tagged.value)
}

fn structure(_error: der::Error) -> Pkcs12Error {
    Pkcs12Error::Structure
}
