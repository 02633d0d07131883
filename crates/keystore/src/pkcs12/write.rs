//! Writing PKCS #12.

use aws_lc_rs::{hmac, rand};
use cms::content_info::ContentInfo;
use der::{
    Any, Encode as _, Tag,
    asn1::{BmpString, OctetString, SetOfVec},
    oid::{ObjectIdentifier, db::rfc5911::ID_DATA},
};
use newleaf_x509::{Certificate, PrivateKey};
use pkcs12::{
    PKCS_12_CERT_BAG_OID, PKCS_12_PKCS8_KEY_BAG_OID, PKCS_12_X509_CERT_OID,
    cert_type::CertBag,
    digest_info::DigestInfo,
    kdf::{Pkcs12KeyType, derive_key_utf8},
    mac_data::MacData,
    pfx::{Pfx, Version},
    safe_bag::SafeBag,
};
use spki::AlgorithmIdentifierOwned;
use x509_cert::attr::{Attribute, Attributes};
use zeroize::Zeroizing;

use super::{Pkcs12, SHA_256};
use crate::{effort::ROUNDS, passphrase::Passphrase, sealed::SealedKey};

/// PKCS #9 friendlyName: what Java calls an alias.
const FRIENDLY_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.20");

/// PKCS #9 localKeyId: which certificate is the key's. Java shows no key without it.
const LOCAL_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.21");

/// Why a key and its certificates were not packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// The first certificate is not the key's.
    #[error("expected the key's own certificate first, found another")]
    OtherKey,
    /// A name or passphrase that PKCS #12 has no form for.
    #[error(
        "expected a name and a passphrase of characters of the basic multilingual plane, which is all that PKCS #12 knows, found others"
    )]
    Text,
    /// The key could not be encrypted.
    #[error("could not encrypt the key")]
    Seal,
    /// The structure could not be written: a fault of newleaf or its libraries.
    #[error("cannot write the PKCS #12 structure")]
    Structure,
}

impl Pkcs12 {
    /// Packs a key and its chain, the key's own certificate first, under a name (Java's alias).
    pub fn pack(
        key: &PrivateKey,
        chain: &[Certificate],
        name: &str,
        passphrase: &Passphrase,
    ) -> Result<Self, PackError> {
        let own = chain.first().ok_or(PackError::OtherKey)?;
        if own.public_key() != key.public_key() {
            return Err(PackError::OtherKey);
        }
        let label = attributes(own, name)?;
        let mut certificates = Vec::with_capacity(chain.len());
        for (n, certificate) in chain.iter().enumerate() {
            let label = (n == 0).then(|| label.clone());
            certificates.push(certificate_bag(certificate, label)?);
        }
        let sealed = SealedKey::seal(key, passphrase).map_err(|_error| PackError::Seal)?;
        let key_bag = SafeBag {
            bag_id: PKCS_12_PKCS8_KEY_BAG_OID,
            bag_value: sealed.der().to_vec(),
            bag_attributes: Some(label),
        };
        let safe = vec![data(&certificates)?, data(&vec![key_bag])?]
            .to_der()
            .map_err(structure)?;
        let pfx = Pfx {
            version: Version::V3,
            mac_data: Some(mac(&safe, passphrase)?),
            auth_safe: ContentInfo {
                content_type: ID_DATA,
                content: octets(&safe)?,
            },
        };
        let der = pfx.to_der().map_err(structure)?;
        Ok(Self { der })
    }
}

/// Ties the key to its certificate, by the certificate's fingerprint, and names both.
fn attributes(own: &Certificate, name: &str) -> Result<Attributes, PackError> {
    let name = BmpString::from_utf8(name).map_err(|_error| PackError::Text)?;
    let id = own.fingerprint();
    let mut attributes = Attributes::new();
    for (oid, value) in [
        (FRIENDLY_NAME, Any::encode_from(&name)),
        (
            LOCAL_KEY_ID,
            Any::new(Tag::OctetString, id.as_bytes().to_vec()),
        ),
    ] {
        let value = value.map_err(structure)?;
        let values = SetOfVec::try_from(vec![value]).map_err(structure)?;
        attributes
            .insert(Attribute { oid, values })
            .map_err(structure)?;
    }
    Ok(attributes)
}

fn certificate_bag(
    certificate: &Certificate,
    bag_attributes: Option<Attributes>,
) -> Result<SafeBag, PackError> {
    let bag = CertBag {
        cert_id: PKCS_12_X509_CERT_OID,
        cert_value: OctetString::new(certificate.der()).map_err(structure)?,
    };
    Ok(SafeBag {
        bag_id: PKCS_12_CERT_BAG_OID,
        bag_value: bag.to_der().map_err(structure)?,
        bag_attributes,
    })
}

fn data(bags: &Vec<SafeBag>) -> Result<ContentInfo, PackError> {
    let bags = bags.to_der().map_err(structure)?;
    Ok(ContentInfo {
        content_type: ID_DATA,
        content: octets(&bags)?,
    })
}

fn octets(bytes: &[u8]) -> Result<Any, PackError> {
    Any::new(Tag::OctetString, bytes).map_err(structure)
}

/// The MAC is as dear to guess by as the key's own encryption: the cheaper of the two is what an attacker tries.
fn mac(safe: &[u8], passphrase: &Passphrase) -> Result<MacData, PackError> {
    let mut salt = [0; 16];
    rand::fill(&mut salt).map_err(|_error| PackError::Seal)?;
    let rounds = i32::try_from(ROUNDS).map_err(|_error| PackError::Structure)?;
    let (secret, kind) = (passphrase.text(), Pkcs12KeyType::Mac);
    let key = derive_key_utf8::<sha2::Sha256>(secret, &salt, kind, rounds, 32);
    let key = Zeroizing::new(key.map_err(|_error| PackError::Text)?);
    let digest = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), safe);
    Ok(MacData {
        mac: DigestInfo {
            algorithm: AlgorithmIdentifierOwned {
                oid: SHA_256,
                parameters: Some(Any::null()),
            },
            digest: OctetString::new(digest.as_ref()).map_err(structure)?,
        },
        mac_salt: OctetString::new(salt).map_err(structure)?,
        iterations: rounds,
    })
}

fn structure(_error: der::Error) -> PackError {
    PackError::Structure
}
