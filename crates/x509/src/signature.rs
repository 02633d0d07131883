//! Signatures of certificates: by which algorithm, and whether they hold.

use std::borrow::Cow;

use aws_lc_rs::signature as aws;
use x509_parser::prelude::*;

use crate::key::{KeyAlgorithm, PublicKey};

/// What the algorithms of PKCS #1 begin with: 1.2.840.113549.1.1.
const PKCS_1: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1];

/// What the signatures of ANSI X9.62 begin with: 1.2.840.10045.4.
const ECDSA: [u8; 6] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4];

/// 1.3.101.112.
const ED25519: [u8; 3] = [0x2b, 0x65, 0x70];

/// The algorithm of a certificate's signature.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of the algorithms")]
pub enum SignatureAlgorithm {
    RsaMd5,
    RsaSha1,
    RsaSha256,
    RsaSha384,
    RsaSha512,
    /// RSA-PSS over SHA-256, SHA-384 or SHA-512.
    RsaPss,
    /// RSA-PSS over SHA-1 (which its parameters mean by default), or over something that cannot be read.
    RsaPssWeak,
    EcdsaSha1,
    EcdsaSha256,
    EcdsaSha384,
    EcdsaSha512,
    Ed25519,
    /// Another algorithm, by object identifier in dotted form.
    Other(String),
}

/// Returns whether the key of `issuer` made the signature of `signed`.
pub(crate) fn is_by(signed: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> bool {
    match signed.verify_signature(Some(issuer.public_key())) {
        Ok(()) => true,
        Err(X509Error::SignatureUnsupportedAlgorithm) => is_by_rare_ecdsa(signed, issuer),
        Err(_) => false,
    }
}

/// Verifies the pairs of curve and hash that the parser leaves out although TLS servers know them.
fn is_by_rare_ecdsa(signed: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> bool {
    use KeyAlgorithm as K;
    use SignatureAlgorithm as S;
    let key = PublicKey::read(issuer.public_key()).algorithm();
    let signature = SignatureAlgorithm::read(&signed.signature_algorithm);
    let rare = [
        (K::EcdsaP256, S::EcdsaSha512, &aws::ECDSA_P256_SHA512_ASN1),
        (K::EcdsaP384, S::EcdsaSha512, &aws::ECDSA_P384_SHA512_ASN1),
        (K::EcdsaP521, S::EcdsaSha256, &aws::ECDSA_P521_SHA256_ASN1),
        (K::EcdsaP521, S::EcdsaSha384, &aws::ECDSA_P521_SHA384_ASN1),
        (K::EcdsaP521, S::EcdsaSha512, &aws::ECDSA_P521_SHA512_ASN1),
    ];
    let Some((_, _, algorithm)) = rare
        .into_iter()
        .find(|(k, s, _)| *k == key && *s == signature)
    else {
        return false;
    };
    let key = &issuer.public_key().subject_public_key.data;
    aws::UnparsedPublicKey::new(algorithm, key)
        .verify(
            signed.tbs_certificate.as_ref(),
            &signed.signature_value.data,
        )
        .is_ok()
}

impl SignatureAlgorithm {
    pub(crate) fn read(algorithm: &AlgorithmIdentifier<'_>) -> Self {
        let oid = &algorithm.algorithm;
        let arcs = oid.as_bytes();
        match (arcs.strip_prefix(&PKCS_1), arcs.strip_prefix(&ECDSA)) {
            (Some([4]), _) => Self::RsaMd5,
            (Some([5]), _) => Self::RsaSha1,
            (Some([10]), _) => Self::rsa_pss(algorithm),
            (Some([11]), _) => Self::RsaSha256,
            (Some([12]), _) => Self::RsaSha384,
            (Some([13]), _) => Self::RsaSha512,
            (_, Some([1])) => Self::EcdsaSha1,
            (_, Some([3, 2])) => Self::EcdsaSha256,
            (_, Some([3, 3])) => Self::EcdsaSha384,
            (_, Some([3, 4])) => Self::EcdsaSha512,
            _ if arcs == ED25519 => Self::Ed25519,
            _ => Self::Other(oid.to_id_string()),
        }
    }

    fn rsa_pss(algorithm: &AlgorithmIdentifier<'_>) -> Self {
        use x509_parser::signature_algorithm::SignatureAlgorithm as Parsed;
        let strong = [
            oid_registry::OID_NIST_HASH_SHA256,
            oid_registry::OID_NIST_HASH_SHA384,
            oid_registry::OID_NIST_HASH_SHA512,
        ];
        match Parsed::try_from(algorithm) {
            Ok(Parsed::RSASSA_PSS(pss)) if strong.contains(pss.hash_algorithm_oid()) => {
                Self::RsaPss
            }
            Ok(_) | Err(_) => Self::RsaPssWeak,
        }
    }

    /// Returns the usual name.
    pub fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::RsaMd5 => "MD5-RSA",
            Self::RsaSha1 => "SHA1-RSA",
            Self::RsaSha256 => "SHA256-RSA",
            Self::RsaSha384 => "SHA384-RSA",
            Self::RsaSha512 => "SHA512-RSA",
            Self::RsaPss => "RSA-PSS",
            Self::RsaPssWeak => "RSA-PSS over SHA-1",
            Self::EcdsaSha1 => "ECDSA-SHA1",
            Self::EcdsaSha256 => "ECDSA-SHA256",
            Self::EcdsaSha384 => "ECDSA-SHA384",
            Self::EcdsaSha512 => "ECDSA-SHA512",
            Self::Ed25519 => "Ed25519",
            Self::Other(oid) => return Cow::Owned(oid.clone()),
        })
    }
}
