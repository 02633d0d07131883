//! Keys. A private key has no `Debug` and no `Clone`, and is wiped when dropped.

use std::{borrow::Cow, fmt};

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    signature as aws,
};
use rustls_pki_types::PrivateKeyDer;
use x509_parser::{oid_registry, public_key::PublicKey as Parsed, x509::SubjectPublicKeyInfo};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{
    der::{self, Writer, tag},
    pem,
};

/// What kind of key, and how large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyAlgorithm {
    /// ECDSA on P-256.
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// ECDSA on P-521, read but not issued.
    EcdsaP521,
    /// RSA, with the modulus' size in bits.
    Rsa(u32),
    /// Ed25519: read, but Temporal Cloud names only RSA and ECDSA.
    Ed25519,
    /// Something else.
    Other,
}

/// A public key: what kind, and the DER of its `SubjectPublicKeyInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: KeyAlgorithm,
    spki: Vec<u8>,
}

/// A private key, able to sign.
#[expect(
    missing_debug_implementations,
    reason = "a secret has no way into a log"
)]
pub struct PrivateKey {
    pair: rcgen::KeyPair,
    public: PublicKey,
}

/// Why bytes are not a private key. The bytes are never quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is not PEM.
    #[error("cannot read the private key's PEM")]
    Pem(#[source] pem::PemError),
    /// The text holds no private key block, or more than one.
    #[error("expected exactly one private key block, found {found}")]
    NotOneKey {
        /// How many.
        found: usize,
    },
    /// The key is encrypted with a passphrase.
    #[error("expected a private key without a passphrase, found `ENCRYPTED PRIVATE KEY`")]
    Encrypted,
    /// The bytes are no key of a supported kind.
    #[error(
        "expected an ECDSA P-256, P-384 or P-521, RSA or Ed25519 private key (PKCS #8, PKCS #1 or SEC 1), found something else"
    )]
    Unsupported,
}

impl PrivateKey {
    /// Reads a key from DER: PKCS #8, PKCS #1 or SEC 1. It is kept, and printed, as PKCS #8.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let pkcs8 = as_pkcs8(der)?;
        let der = pkcs8.as_ref().map_or(der, |pkcs8| pkcs8.as_slice());
        let pair = rcgen::KeyPair::try_from(der).map_err(|_error| KeyError::Unsupported)?;
        Self::new(pair)
    }

    /// Reads the only private key of a PEM text.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let document = pem::parse(text).map_err(KeyError::Pem)?;
        let keys: Vec<_> = document
            .blocks
            .iter()
            .filter(|b| b.label.ends_with("PRIVATE KEY"))
            .collect();
        match keys.as_slice() {
            [block] if block.label == "ENCRYPTED PRIVATE KEY" => Err(KeyError::Encrypted),
            [block] => Self::from_der(&block.der),
            _ => Err(KeyError::NotOneKey { found: keys.len() }),
        }
    }

    /// Takes a key that was just generated.
    pub fn new(pair: rcgen::KeyPair) -> Result<Self, KeyError> {
        use x509_parser::prelude::FromDer as _;
        let spki = rcgen::PublicKeyData::subject_public_key_info(&pair);
        let (_, parsed) =
            SubjectPublicKeyInfo::from_der(&spki).map_err(|_error| KeyError::Unsupported)?;
        let public = PublicKey::read(&parsed);
        Ok(Self { pair, public })
    }

    /// Prints the key as PKCS #8 PEM. The text is a secret: it goes to the key's declared store and nowhere else.
    pub fn to_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(pem::encode("PRIVATE KEY", self.pair.serialized_der()))
    }

    /// Returns the PKCS #8 DER. A secret, as [`Self::to_pem`].
    pub fn secret_der(&self) -> &[u8] {
        self.pair.serialized_der()
    }

    /// Returns the public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    pub(crate) fn pair(&self) -> &rcgen::KeyPair {
        &self.pair
    }
}

impl Drop for PrivateKey {
    fn drop(&mut self) {
        self.pair.zeroize();
    }
}

impl PublicKey {
    pub(crate) fn read(spki: &SubjectPublicKeyInfo<'_>) -> Self {
        Self {
            algorithm: algorithm(spki),
            spki: spki.raw.to_vec(),
        }
    }

    /// Reads the DER of a `SubjectPublicKeyInfo`; bytes after its end are an error.
    pub fn from_der(spki: &[u8]) -> Result<Self, KeyError> {
        use x509_parser::prelude::FromDer as _;
        match SubjectPublicKeyInfo::from_der(spki) {
            Ok(([], parsed)) => Ok(Self::read(&parsed)),
            Ok(_) | Err(_) => Err(KeyError::Unsupported),
        }
    }

    /// Returns the key as newleaf certifies it, its algorithm written as RFC 3279 §2.3, RFC 5480 §2.1.1 and RFC 8410 §3
    /// want it, however the request had it; `None` for a kind that newleaf does not certify.
    pub(crate) fn to_certify(&self) -> Option<Cow<'_, Self>> {
        let algorithm = self.algorithm.identifier()?;
        let mut parts = der::items(&self.spki).next()?.items();
        let own = parts.next_with(tag::SEQUENCE)?;
        let bits = parts.next_with(tag::BIT_STRING)?;
        if own.content == algorithm {
            return Some(Cow::Borrowed(self));
        }
        let mut spki = Writer::new();
        spki.nested(tag::SEQUENCE, |within| {
            within.element(tag::SEQUENCE, algorithm);
            within.element(tag::BIT_STRING, bits.content);
        });
        Some(Cow::Owned(Self {
            algorithm: self.algorithm,
            spki: spki.into_der().ok()?,
        }))
    }

    /// Returns what kind of key it is.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// Returns the DER of the `SubjectPublicKeyInfo`.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }
}

/// Brings PKCS #1 and SEC 1 into the one form that every reader of keys takes; nothing, if the key is in it already.
fn as_pkcs8(der: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
    match PrivateKeyDer::try_from(der) {
        Ok(PrivateKeyDer::Pkcs8(_)) => Ok(None),
        Ok(PrivateKeyDer::Pkcs1(key)) => rsa_as_pkcs8(key.secret_pkcs1_der()).map(Some),
        Ok(PrivateKeyDer::Sec1(key)) => ec_as_pkcs8(key.secret_sec1_der()).map(Some),
        // The library's list of forms grows.
        Ok(_) | Err(_) => Err(KeyError::Unsupported),
    }
}

fn rsa_as_pkcs8(der: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let pair = aws::RsaKeyPair::from_der(der).map_err(|_error| KeyError::Unsupported)?;
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_error| KeyError::Unsupported)?;
    Ok(Zeroizing::new(pkcs8.as_ref().to_vec()))
}

fn ec_as_pkcs8(der: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let curves = [
        &aws::ECDSA_P256_SHA256_ASN1_SIGNING,
        &aws::ECDSA_P384_SHA384_ASN1_SIGNING,
        &aws::ECDSA_P521_SHA512_ASN1_SIGNING,
    ];
    let pair = curves
        .into_iter()
        .find_map(|curve| aws::EcdsaKeyPair::from_private_key_der(curve, der).ok())
        .ok_or(KeyError::Unsupported)?;
    let pkcs8 = pair.to_pkcs8v1().map_err(|_error| KeyError::Unsupported)?;
    Ok(Zeroizing::new(pkcs8.as_ref().to_vec()))
}

fn algorithm(spki: &SubjectPublicKeyInfo<'_>) -> KeyAlgorithm {
    let oid = &spki.algorithm.algorithm;
    if *oid == oid_registry::OID_SIG_ED25519 {
        return KeyAlgorithm::Ed25519;
    }
    if *oid == oid_registry::OID_KEY_TYPE_EC_PUBLIC_KEY {
        let curve = spki
            .algorithm
            .parameters
            .as_ref()
            .and_then(|p| p.as_oid().ok());
        return match curve {
            Some(curve) if curve == oid_registry::OID_EC_P256 => KeyAlgorithm::EcdsaP256,
            Some(curve) if curve == oid_registry::OID_NIST_EC_P384 => KeyAlgorithm::EcdsaP384,
            Some(curve) if curve == oid_registry::OID_NIST_EC_P521 => KeyAlgorithm::EcdsaP521,
            Some(_) | None => KeyAlgorithm::Other,
        };
    }
    match spki.parsed() {
        Ok(Parsed::RSA(rsa)) => {
            KeyAlgorithm::Rsa(u32::try_from(modulus_bits(rsa.modulus)).unwrap_or(u32::MAX))
        }
        Ok(_) | Err(_) => KeyAlgorithm::Other,
    }
}

/// Counts the bits of a big-endian integer, leading zeros left out.
fn modulus_bits(bytes: &[u8]) -> usize {
    let significant = bytes
        .iter()
        .position(|b| *b != 0)
        .and_then(|start| bytes.get(start..));
    significant
        .and_then(<[u8]>::split_first)
        .map_or(0, |(first, rest)| {
            let top = 8usize.saturating_sub(usize::try_from(first.leading_zeros()).unwrap_or(8));
            top + rest.len() * 8
        })
}

impl KeyAlgorithm {
    /// Returns the content of the `AlgorithmIdentifier` of a public key.
    fn identifier(self) -> Option<&'static [u8]> {
        const P256: &[u8] = &[
            6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7,
        ];
        const P384: &[u8] = &[
            6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 34,
        ];
        const P521: &[u8] = &[
            6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 35,
        ];
        const RSA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
        const ED25519: &[u8] = &[6, 3, 0x2b, 0x65, 0x70];
        match self {
            Self::EcdsaP256 => Some(P256),
            Self::EcdsaP384 => Some(P384),
            Self::EcdsaP521 => Some(P521),
            Self::Rsa(_) => Some(RSA),
            Self::Ed25519 => Some(ED25519),
            Self::Other => None,
        }
    }

    /// Returns the usual name, with the size where the name leaves it open.
    pub fn name(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::EcdsaP256 => "ECDSA P-256",
            Self::EcdsaP384 => "ECDSA P-384",
            Self::EcdsaP521 => "ECDSA P-521",
            Self::Rsa(bits) => return Cow::Owned(format!("RSA {bits}")),
            Self::Ed25519 => "Ed25519",
            Self::Other => "another algorithm",
        })
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests;
