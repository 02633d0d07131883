//! Keys, the identifiers by which certificates name them, and signature algorithms.

use super::{CLOUD, EVERYWHERE, Family, Lint, Report, Severity, TEMPORAL, label};
use crate::{
    certificate::Certificate,
    key::{KeyAlgorithm, PublicKey},
    signature::SignatureAlgorithm,
    syntax::Fault,
};

pub(super) const LINTS: &[&Lint] = &[
    &KEY_NOT_RSA_OR_ECDSA,
    &KEY_UNKNOWN,
    &WEAK_SIGNATURE,
    &SIGNATURE_NOT_RSA_OR_ECDSA,
    &RSA_TOO_SMALL,
    &RSA_TOO_LARGE,
    &KEY_MISMATCH,
    &CA_WITHOUT_SUBJECT_KEY_ID,
    &LEAF_WITHOUT_SUBJECT_KEY_ID,
    &WITHOUT_AUTHORITY_KEY_ID,
    &KEY_ID_CRITICAL,
    &RSA_KEY_PARAMETERS,
    &RSA_SIGNATURE_PARAMETERS,
    &KEY_FILE_OPEN,
];

/// The smallest RSA modulus that is safe (NIST SP 800-131A) and that webpki accepts.
const MIN_RSA_BITS: u32 = 2048;

/// The largest RSA modulus that Go's TLS accepts in a handshake (CVE-2023-29409).
const MAX_RSA_BITS: u32 = 8192;

/// The rights of those who are neither owner nor group. The group's are left alone: a volume of Kubernetes gives its
/// files to the pod through a group.
const OTHERS: u32 = 0o007;

static KEY_NOT_RSA_OR_ECDSA: Lint = Lint {
    code: "NL201",
    name: "KeyNotRsaOrEcdsa",
    severity: Severity::Error,
    family: Family::Key,
    profiles: CLOUD,
    citation: "docs.temporal.io/cloud/certificates",
    says: "Temporal Cloud names RSA and ECDSA as the algorithms it accepts; an Ed25519 key is neither.",
    advice: "Issue with an ECDSA P-256 or P-384 key, or RSA of 2048 bits or more.",
};

static KEY_UNKNOWN: Lint = Lint {
    code: "NL202",
    name: "KeyUnknown",
    severity: Severity::Error,
    family: Family::Key,
    profiles: EVERYWHERE,
    citation: "RFC 5480 §2.1.1.1; RFC 8446 §4.2.3",
    says: "The key is of a kind, or on a curve, that TLS 1.3 has no signature scheme for.",
    advice: "Issue with an ECDSA P-256 or P-384 key, or RSA of 2048 bits or more.",
};

static WEAK_SIGNATURE: Lint = Lint {
    code: "NL203",
    name: "WeakSignature",
    severity: Severity::Error,
    family: Family::Key,
    profiles: EVERYWHERE,
    citation: "docs.temporal.io/cloud/certificates (SHA-256 or stronger); RFC 8446 §4.4.2.4; RFC 9155 §1",
    says: "The certificate is signed over MD5 or SHA-1, for which forgeries are practical. Temporal and Go refuse it.",
    advice: "Issue the certificate again over SHA-256 or stronger.",
};

static SIGNATURE_NOT_RSA_OR_ECDSA: Lint = Lint {
    code: "NL204",
    name: "SignatureNotRsaOrEcdsa",
    severity: Severity::Error,
    family: Family::Key,
    profiles: CLOUD,
    citation: "docs.temporal.io/cloud/certificates",
    says: "Temporal Cloud accepts signatures by RSA or ECDSA over SHA-256 or stronger.",
    advice: "Issue under a CA with an ECDSA or RSA key.",
};

static RSA_TOO_SMALL: Lint = Lint {
    code: "NL205",
    name: "RsaTooSmall",
    severity: Severity::Error,
    family: Family::Key,
    profiles: EVERYWHERE,
    citation: "NIST SP 800-131A revision 2, §3 and table 2",
    says: "An RSA key of fewer than 2048 bits can be broken, and strict verifiers refuse it.",
    advice: "Issue with RSA of 2048 bits or more, or ECDSA P-256.",
};

static RSA_TOO_LARGE: Lint = Lint {
    code: "NL206",
    name: "RsaTooLarge",
    severity: Severity::Error,
    family: Family::Key,
    profiles: TEMPORAL,
    citation: "Go crypto/tls (CVE-2023-29409)",
    says: "Go's TLS, which is Temporal's, refuses a handshake with an RSA key of more than 8192 bits.",
    advice: "Issue with RSA of at most 4096 bits, or ECDSA P-384.",
};

static KEY_MISMATCH: Lint = Lint {
    code: "NL207",
    name: "KeyMismatch",
    severity: Severity::Error,
    family: Family::Key,
    profiles: EVERYWHERE,
    citation: "RFC 8446 §4.4.3",
    says: "The private key is not the certificate's: nobody can finish a handshake with this pair. Often one of two \
           files was replaced and the other was not.",
    advice: "Bring the key that belongs to the certificate, or issue a new leaf for this key.",
};

static CA_WITHOUT_SUBJECT_KEY_ID: Lint = Lint {
    code: "NL208",
    name: "CaWithoutSubjectKeyId",
    severity: Severity::Warning,
    family: Family::Key,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.2",
    says: "A CA must carry a subject key identifier. Without it, two generations with one subject cannot be told \
           apart by what their leaves name.",
    advice: "Issue the CA again: `newleaf ca new`.",
};

static LEAF_WITHOUT_SUBJECT_KEY_ID: Lint = Lint {
    code: "NL209",
    name: "LeafWithoutSubjectKeyId",
    severity: Severity::Note,
    family: Family::Key,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.2",
    says: "A leaf should carry a subject key identifier, by which every certificate of its key can be found.",
    advice: "Nothing is refused for it; leaves issued by newleaf carry one.",
};

static WITHOUT_AUTHORITY_KEY_ID: Lint = Lint {
    code: "NL210",
    name: "WithoutAuthorityKeyId",
    severity: Severity::Warning,
    family: Family::Key,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.1",
    says: "A certificate that is not self-signed must name its issuer's key. Without that, a verifier that holds two \
           generations with one subject must try both.",
    advice: "Issue the certificate again; the CA needs a subject key identifier for it.",
};

static KEY_ID_CRITICAL: Lint = Lint {
    code: "NL211",
    name: "KeyIdCritical",
    severity: Severity::Error,
    family: Family::Key,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.1 and §4.2.1.2",
    says: "A key identifier is marked critical, which it must not be. Go refuses to read such a certificate.",
    advice: "Issue the certificate again with the identifier not critical.",
};

static RSA_KEY_PARAMETERS: Lint = Lint {
    code: "NL212",
    name: "RsaKeyParameters",
    severity: Severity::Error,
    family: Family::Key,
    profiles: EVERYWHERE,
    citation: "RFC 4055 §1.2",
    says: "The RSA key's algorithm must have NULL for its parameters, and has not. Go refuses to read the certificate.",
    advice: "Issue the certificate again; the fault is in the key as it was handed in, so make the request anew too: \
             `newleaf csr new`.",
};

static RSA_SIGNATURE_PARAMETERS: Lint = Lint {
    code: "NL213",
    name: "RsaSignatureParameters",
    severity: Severity::Warning,
    family: Family::Key,
    profiles: EVERYWHERE,
    citation: "RFC 4055 §5; RFC 3279 §2.2.1",
    says: "The RSA signature's algorithm must have NULL for its parameters, and has not. Verifiers differ on it.",
    advice: "Issue the certificate again with a tool that writes NULL there, as newleaf and OpenSSL do.",
};

static KEY_FILE_OPEN: Lint = Lint {
    code: "NL214",
    name: "KeyFileOpen",
    severity: Severity::Warning,
    family: Family::Key,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §8; NIST SP 800-57 part 1 revision 5, §6.2.2.3",
    says: "Others than the file's owner and group may read or replace the private key: every process on the machine \
           can be whom the key names.",
    advice: "Set mode 0600, or 0640 with a group for the one process that needs it; newleaf writes keys with 0600.",
};

pub(super) fn ca(report: &mut Report<'_>, certificate: &Certificate) {
    if certificate.extensions().subject_key_id.is_none() {
        let found = "expected a subject key identifier, found none";
        report.add(&CA_WITHOUT_SUBJECT_KEY_ID, label(certificate), found);
    }
    both(report, certificate);
}

pub(super) fn leaf(report: &mut Report<'_>, certificate: &Certificate) {
    if certificate.extensions().subject_key_id.is_none() {
        let found = "expected a subject key identifier, found none";
        report.add(&LEAF_WITHOUT_SUBJECT_KEY_ID, label(certificate), found);
    }
    both(report, certificate);
}

fn both(report: &mut Report<'_>, certificate: &Certificate) {
    algorithm(report, certificate);
    signature(report, certificate);
    key_ids(report, certificate);
    for fault in certificate.faults() {
        if let Fault::RsaKeyParameters = fault {
            let found = "expected NULL for the parameters of the RSA key, found none";
            report.add(&RSA_KEY_PARAMETERS, label(certificate), found);
        }
        if let Fault::RsaSignatureParameters = fault {
            let found = "expected NULL for the parameters of the RSA signature, found none";
            report.add(&RSA_SIGNATURE_PARAMETERS, label(certificate), found);
        }
    }
}

fn algorithm(report: &mut Report<'_>, certificate: &Certificate) {
    let who = label(certificate);
    match certificate.public_key().algorithm() {
        KeyAlgorithm::Rsa(bits) if bits < MIN_RSA_BITS => {
            let found = format!("expected RSA of at least {MIN_RSA_BITS} bits, found {bits}");
            report.add(&RSA_TOO_SMALL, who, found);
        }
        KeyAlgorithm::Rsa(bits) if bits > MAX_RSA_BITS => {
            let found = format!("expected RSA of at most {MAX_RSA_BITS} bits, found {bits}");
            report.add(&RSA_TOO_LARGE, who, found);
        }
        KeyAlgorithm::Rsa(_)
        | KeyAlgorithm::EcdsaP256
        | KeyAlgorithm::EcdsaP384
        | KeyAlgorithm::EcdsaP521 => {}
        KeyAlgorithm::Ed25519 => {
            let found = "expected an RSA or ECDSA key, found Ed25519";
            report.add(&KEY_NOT_RSA_OR_ECDSA, who, found);
        }
        KeyAlgorithm::Other => {
            let found =
                "expected an RSA, ECDSA (P-256, P-384, P-521) or Ed25519 key, found another";
            report.add(&KEY_UNKNOWN, who, found);
        }
    }
}

fn signature(report: &mut Report<'_>, certificate: &Certificate) {
    use SignatureAlgorithm as S;
    let algorithm = certificate.signature_algorithm();
    let name = algorithm.name();
    match algorithm {
        S::RsaMd5 | S::RsaSha1 | S::RsaPssWeak | S::EcdsaSha1 => {
            let found = format!("expected a signature over SHA-256 or stronger, found {name}");
            report.add(&WEAK_SIGNATURE, label(certificate), found);
        }
        S::Ed25519 | S::Other(_) => {
            let found = format!("expected a signature by RSA or ECDSA, found {name}");
            report.add(&SIGNATURE_NOT_RSA_OR_ECDSA, label(certificate), found);
        }
        S::RsaSha256
        | S::RsaSha384
        | S::RsaSha512
        | S::RsaPss
        | S::EcdsaSha256
        | S::EcdsaSha384
        | S::EcdsaSha512 => {}
    }
}

pub(super) fn pair(report: &mut Report<'_>, certificate: &Certificate, key: &PublicKey) {
    if certificate.public_key() != key {
        let found = format!(
            "expected the private key of this {} certificate, found another {} key",
            certificate.public_key().algorithm(),
            key.algorithm(),
        );
        report.add(&KEY_MISMATCH, label(certificate), found);
    }
}

/// Lints the mode of a private key's file; `place` names the file.
pub(super) fn file(report: &mut Report<'_>, place: &str, mode: u32) {
    if mode & OTHERS != 0 {
        let found = format!(
            "expected no rights for others, found mode {:04o}",
            mode & 0o7777
        );
        report.add(&KEY_FILE_OPEN, place, found);
    }
}

fn key_ids(report: &mut Report<'_>, certificate: &Certificate) {
    let extensions = certificate.extensions();
    let names_key = extensions
        .authority_key_id
        .as_ref()
        .is_some_and(|aki| aki.value.key_id.is_some());
    if !names_key && !certificate.is_self_issued() {
        let found = "expected the issuer's key identifier, found none";
        report.add(&WITHOUT_AUTHORITY_KEY_ID, label(certificate), found);
    }
    let subject_critical = extensions
        .subject_key_id
        .as_ref()
        .is_some_and(|id| id.critical);
    let authority_critical = extensions
        .authority_key_id
        .as_ref()
        .is_some_and(|id| id.critical);
    if subject_critical || authority_critical {
        let found = "expected key identifiers that are not critical, found a critical one";
        report.add(&KEY_ID_CRITICAL, label(certificate), found);
    }
}
