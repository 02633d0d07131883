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

/// The first of them, which aws-lc and TLS 1.3 do not know.
const P224: &[u8] = CURVES[0].0;

/// What a point begins with that is written out whole (SEC 1 §2.3.3).
const UNCOMPRESSED: u8 = 4;

/// How many octets a key of curve 25519 has.
const CURVE_25519: usize = 32;

/// A sort of key, by what Go's TLS makes of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::chain) enum Kind {
    /// RSA, with the bits of its modulus.
    Rsa(usize),
    /// RSA with an exponent with which Go verifies nothing.
    RsaOfStrangeExponent,
    /// ECDSA on a curve of TLS 1.3.
    Ecdsa,
    /// ECDSA on P-224.
    P224,
    /// Ed25519.
    Ed25519,
    /// Something that signs no handshake.
    #[default]
    Other,
}

/// Reads a `SubjectPublicKeyInfo`. A key of a kind that Go does not know is read, and of use to nobody.
pub(super) fn read(spki: Option<Reader<'_>>) -> Result<Kind, Why> {
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
        let read = dsa(parameters, Reader::new(key));
        read.map(|()| Kind::Other)
            .ok_or_else(|| "malformed DSA key".into())
    } else if kind == ED25519 || kind == X25519 {
        let fits = parameters.is_empty() && key.len() == CURVE_25519;
        let sort = if kind == ED25519 {
            Kind::Ed25519
        } else {
            Kind::Other
        };
        fits.then_some(sort)
            .ok_or_else(|| "malformed key of curve 25519".into())
    } else {
        Ok(Kind::Other)
    }
}

fn rsa(parameters: Reader<'_>, mut key: Reader<'_>) -> Result<Kind, Why> {
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
    let unused = modulus.iter().take_while(|octet| **octet == 0).count();
    let (_, used) = modulus.split_at(unused);
    let leading = used.first().map_or(0, |octet| octet.leading_zeros());
    let bits = 8 * used.len() - usize::try_from(leading).unwrap_or(0);
    let fits = is_exponent(exponent);
    Ok(if fits {
        Kind::Rsa(bits)
    } else {
        Kind::RsaOfStrangeExponent
    })
}

/// Odd, more than 1 and less than 2^31 (`checkPublicKey` of Go's crypto/rsa).
fn is_exponent(exponent: &[u8]) -> bool {
    let small = exponent.len() < 4 || matches!(exponent, [0..=0x7f, _, _, _]);
    let odd = exponent.last().is_some_and(|last| last & 1 == 1);
    small && odd && exponent != [1]
}

fn point(mut parameters: Reader<'_>, point: &[u8]) -> Result<Kind, Why> {
    let curve = parameters.oid().ok_or("malformed ECDSA parameters")?;
    let known = CURVES.iter().find(|(known, _)| *known == curve);
    let (_, length) = known.ok_or("unsupported elliptic curve")?;
    if point.first() != Some(&UNCOMPRESSED) || point.len() != *length {
        return Err("the point of its public key is not written out whole".into());
    }
    Ok(if curve == P224 {
        Kind::P224
    } else {
        Kind::Ecdsa
    })
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

/// The moduli with which Go's TLS finishes a handshake: crypto/rsa refuses shorter ones, crypto/tls longer ones.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 1024..=8192;

impl Kind {
    /// Returns why Go's TLS refuses whoever presents a certificate with such a key, wherever it stands in the chain.
    pub(in crate::chain) fn refused_anywhere(self) -> Option<String> {
        match self {
            Self::Rsa(bits) if bits > *MODULUS_BITS.end() => Some(format!(
                "has an RSA key of {bits} bits, and Go's TLS takes at most {}",
                MODULUS_BITS.end()
            )),
            // No part of newleaf computes on this curve, and Go does not read a key that is not on it.
            Self::P224 => Some(
                "has a key on P-224, which TLS 1.3 does not know and of which newleaf cannot tell whether it lies on its curve"
                    .to_owned(),
            ),
            Self::Rsa(_)
            | Self::RsaOfStrangeExponent
            | Self::Ecdsa
            | Self::Ed25519
            | Self::Other => None,
        }
    }

    /// Returns why nothing that such a key signs is accepted, be it a certificate or a handshake.
    pub(in crate::chain) fn signs_nothing(self) -> Option<String> {
        match self {
            Self::RsaOfStrangeExponent => Some(
                "has an RSA key whose exponent Go does not verify with: it must be odd, more than 1 and less than 2^31"
                    .to_owned(),
            ),
            Self::Rsa(bits) if bits < *MODULUS_BITS.start() => Some(format!(
                "has an RSA key of {bits} bits, and Go takes signatures of {} bits at least",
                MODULUS_BITS.start()
            )),
            Self::Other => {
                Some("has a key of a kind that no TLS handshake is signed with".to_owned())
            }
            Self::Rsa(_) | Self::Ecdsa | Self::Ed25519 | Self::P224 => None,
        }
    }
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
