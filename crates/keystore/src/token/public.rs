//! What tokens say of public keys and signatures, in the words of certificates.

use cryptoki::{
    mechanism::Mechanism,
    object::{Attribute, AttributeType, ObjectHandle},
    session::Session,
};
use der::{
    Any, Decode as _, Encode as _, Sequence,
    asn1::{BitString, ObjectIdentifier, OctetStringRef, UintRef},
};
use newleaf_x509::{KeyAlgorithm, PublicKey};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use super::TokenError;

const P_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// An ECDSA signature as certificates carry it (RFC 3279 §2.2.3).
#[derive(Sequence)]
struct EcdsaSignature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// Returns how a kind of key is made, and what its public half is to be.
pub(super) fn recipe(
    kind: KeyAlgorithm,
) -> Result<(Mechanism<'static>, Vec<Attribute>), TokenError> {
    let curve = |oid: ObjectIdentifier| {
        let named = oid
            .to_der()
            .map_err(|_error| TokenError::Kind { found: kind })?;
        Ok((Mechanism::EccKeyPairGen, vec![Attribute::EcParams(named)]))
    };
    match kind {
        KeyAlgorithm::EcdsaP256 => curve(P_256),
        KeyAlgorithm::EcdsaP384 => curve(P_384),
        KeyAlgorithm::Rsa(bits @ 2048..=4096) => {
            let public = vec![
                Attribute::ModulusBits(u64::from(bits).into()),
                // 65537, as everybody's.
                Attribute::PublicExponent(vec![1, 0, 1]),
            ];
            Ok((Mechanism::RsaPkcsKeyPairGen, public))
        }
        KeyAlgorithm::EcdsaP521
        | KeyAlgorithm::Rsa(_)
        | KeyAlgorithm::Ed25519
        | KeyAlgorithm::Other => Err(TokenError::Kind { found: kind }),
    }
}

/// Reads a public key object.
pub(super) fn read(session: &Session, object: ObjectHandle) -> Option<PublicKey> {
    let spki = elliptic(session, object).or_else(|| rsa(session, object))?;
    PublicKey::from_der(&spki.to_der().ok()?).ok()
}

fn elliptic(session: &Session, object: ObjectHandle) -> Option<SubjectPublicKeyInfoOwned> {
    let wanted = [AttributeType::EcParams, AttributeType::EcPoint];
    let found = session.get_attributes(object, &wanted).ok()?;
    let [Attribute::EcParams(curve), Attribute::EcPoint(point)] = found.as_slice() else {
        return None;
    };
    // PKCS #11 §6.3.3: the point is the DER of an OCTET STRING.
    let point = OctetStringRef::from_der(point).ok()?;
    Some(SubjectPublicKeyInfoOwned {
        algorithm: AlgorithmIdentifierOwned {
            oid: sec1::ALGORITHM_OID,
            parameters: Some(Any::from_der(curve).ok()?),
        },
        subject_public_key: BitString::from_bytes(point.as_bytes()).ok()?,
    })
}

fn rsa(session: &Session, object: ObjectHandle) -> Option<SubjectPublicKeyInfoOwned> {
    let wanted = [AttributeType::Modulus, AttributeType::PublicExponent];
    let found = session.get_attributes(object, &wanted).ok()?;
    let [
        Attribute::Modulus(modulus),
        Attribute::PublicExponent(exponent),
    ] = found.as_slice()
    else {
        return None;
    };
    let key = pkcs1::RsaPublicKey {
        modulus: UintRef::new(modulus).ok()?,
        public_exponent: UintRef::new(exponent).ok()?,
    };
    Some(SubjectPublicKeyInfoOwned {
        algorithm: AlgorithmIdentifierOwned {
            oid: pkcs1::ALGORITHM_OID,
            parameters: Some(Any::null()),
        },
        subject_public_key: BitString::from_bytes(&key.to_der().ok()?).ok()?,
    })
}

/// Tokens give r and s side by side, both of the curve's length.
pub(super) fn ecdsa_der(signature: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = signature.split_at_checked(signature.len() / 2)?;
    let signature = EcdsaSignature {
        r: UintRef::new(r).ok()?,
        s: UintRef::new(s).ok()?,
    };
    signature.to_der().ok()
}
