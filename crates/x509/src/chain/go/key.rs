//! The certified key, as Go reads it.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ParsedPublicKey,
};

use super::{Why, strict::Reader};
use crate::{
    der::tag,
    key::{KeyAlgorithm, PublicKey},
};

const RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const ECDSA: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const DSA: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];
const X25519: [u8; 3] = [0x2b, 0x65, 0x6e];
const ED25519: [u8; 3] = [0x2b, 0x65, 0x70];

/// The curves that Go knows, with the octets of a point that is written out whole: P-224, P-256, P-384, P-521.
const CURVES: [(&[u8], usize); 4] = [
    (&[0x2b, 0x81, 4, 0, 33], 57),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], 65),
    (&[0x2b, 0x81, 4, 0, 34], 97),
    (&[0x2b, 0x81, 4, 0, 35], 133),
];

/// What a point begins with that is written out whole (SEC 1 §2.3.3).
const UNCOMPRESSED: u8 = 4;

/// How many octets a key of curve 25519 has.
const CURVE_25519: usize = 32;

/// Reads a `SubjectPublicKeyInfo`. A key of a kind that Go does not know is read, and of use to nobody.
pub(super) fn read(spki: Option<Reader<'_>>) -> Result<(), Why> {
    let mut spki = spki.ok_or("malformed public key")?;
    let algorithm = spki.read(tag::SEQUENCE);
    let mut algorithm = algorithm.ok_or("malformed public key algorithm")?;
    let kind = algorithm.oid().ok_or("malformed public key algorithm")?;
    let parameters = algorithm;
    if !algorithm.is_empty() {
        algorithm.any().ok_or("malformed public key parameters")?;
    }
    let key = spki.bits().ok_or("malformed public key")?;
    if kind == RSA {
        rsa(parameters, Reader::new(key))
    } else if kind == ECDSA {
        point(parameters, key)
    } else if kind == DSA {
        dsa(parameters, Reader::new(key)).ok_or_else(|| "malformed DSA key".into())
    } else if kind == ED25519 || kind == X25519 {
        let fits = parameters.is_empty() && key.len() == CURVE_25519;
        fits.then_some(())
            .ok_or_else(|| "malformed key of curve 25519".into())
    } else {
        Ok(())
    }
}

fn rsa(parameters: Reader<'_>, mut key: Reader<'_>) -> Result<(), Why> {
    if parameters.bytes() != [tag::NULL, 0] {
        return Err("its RSA key has no NULL for its parameters".into());
    }
    let mut key = key.read(tag::SEQUENCE).ok_or("malformed RSA key")?;
    let modulus = key.integer().ok_or("malformed RSA modulus")?;
    // Go keeps the exponent in a number of 64 bits.
    let exponent = key.integer().filter(|exponent| exponent.len() <= 8);
    let exponent = exponent.ok_or("malformed RSA exponent")?;
    if !is_positive(modulus) || !is_positive(exponent) {
        return Err("its RSA modulus or exponent is not positive".into());
    }
    Ok(())
}

fn point(mut parameters: Reader<'_>, point: &[u8]) -> Result<(), Why> {
    let curve = parameters.oid().ok_or("malformed ECDSA parameters")?;
    let known = CURVES.iter().find(|(known, _)| *known == curve);
    let (_, length) = known.ok_or("unsupported elliptic curve")?;
    if point.first() != Some(&UNCOMPRESSED) || point.len() != *length {
        return Err("the point of its public key is not written out whole".into());
    }
    Ok(())
}

fn dsa(mut parameters: Reader<'_>, mut key: Reader<'_>) -> Option<()> {
    let mut domain = parameters.read(tag::SEQUENCE)?;
    let numbers = [
        key.integer()?,
        domain.integer()?,
        domain.integer()?,
        domain.integer()?,
    ];
    numbers.into_iter().all(is_positive).then_some(())
}

fn is_positive(number: &[u8]) -> bool {
    !matches!(number, [0] | [0x80..=0xff, ..] | [])
}

/// Looks whether the point is on its curve: one that is not is no key, and who would use it finds that out too.
pub(super) fn on_curve(key: &PublicKey) -> Result<(), Why> {
    let curve = match key.algorithm() {
        KeyAlgorithm::EcdsaP256 => &ECDSA_P256_SHA256_ASN1,
        KeyAlgorithm::EcdsaP384 => &ECDSA_P384_SHA384_ASN1,
        KeyAlgorithm::EcdsaP521 => &ECDSA_P521_SHA512_ASN1,
        KeyAlgorithm::Rsa(_) | KeyAlgorithm::Ed25519 | KeyAlgorithm::Other => return Ok(()),
    };
    let read = ParsedPublicKey::new(curve, key.spki());
    let read = read.map_err(|_rejected| "its public key is not on its curve")?;
    drop(read);
    Ok(())
}
