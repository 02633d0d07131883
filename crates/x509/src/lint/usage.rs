//! What a certificate may do: basic constraints and key usages.

use super::{EVERYWHERE, Family, Lint, Report, Severity, TEMPORAL, label};
use crate::{certificate::Certificate, extension::Usage, key::KeyAlgorithm};

pub(super) const LINTS: &[&Lint] = &[
    &NOT_A_CA,
    &BASIC_CONSTRAINTS_NOT_CRITICAL,
    &LEAF_IS_CA,
    &CA_MAY_NOT_SIGN,
    &CA_WITHOUT_KEY_USAGE,
    &KEY_USAGE_NOT_CRITICAL,
    &LEAF_MAY_NOT_SIGN_HANDSHAKE,
    &LEAF_WITHOUT_KEY_USAGE,
    &LEAF_MAY_SIGN_CERTIFICATES,
    &USAGE_NOT_FOR_KEY,
    &NOT_FOR_CLIENT_AUTH,
    &LEAF_WITHOUT_EXTENDED_KEY_USAGE,
    &CA_NOT_FOR_CLIENT_AUTH,
    &CA_WITHOUT_PATH_LENGTH,
    &PATH_LENGTH_WITHOUT_CA,
];

static NOT_A_CA: Lint = Lint {
    code: "NL401",
    name: "NotACa",
    severity: Severity::Error,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "docs.temporal.io/cloud/certificates; RFC 5280 §4.2.1.9",
    says: "A certificate that should be a CA does not say `CA:TRUE`. Temporal Cloud refuses the bundle, and nothing \
           that it signed is accepted anywhere.",
    advice: "Put the CA's certificate here, not the leaf's; or issue the CA again: `newleaf ca new`.",
};

static BASIC_CONSTRAINTS_NOT_CRITICAL: Lint = Lint {
    code: "NL402",
    name: "BasicConstraintsNotCritical",
    severity: Severity::Warning,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.9",
    says: "A CA's basic constraints must be critical, so that no verifier passes over the path length.",
    advice: "Issue the CA again; with OpenSSL, `basicConstraints = critical, CA:TRUE`.",
};

static LEAF_IS_CA: Lint = Lint {
    code: "NL403",
    name: "LeafIsCa",
    severity: Severity::Error,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "docs.temporal.io/cloud/certificates",
    says: "A certificate that should be a leaf says `CA:TRUE`. Temporal wants `CA:FALSE`; and a worker that holds a \
           CA's key could certify any other.",
    advice: "Issue a leaf for the worker: `newleaf leaf issue`.",
};

static CA_MAY_NOT_SIGN: Lint = Lint {
    code: "NL404",
    name: "CaMayNotSign",
    severity: Severity::Error,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.3 and §6.1.4 (n)",
    says: "The CA's key usage leaves out `keyCertSign`: verifiers refuse every certificate that it signed.",
    advice: "Issue the CA again with `keyCertSign`.",
};

static CA_WITHOUT_KEY_USAGE: Lint = Lint {
    code: "NL405",
    name: "CaWithoutKeyUsage",
    severity: Severity::Warning,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.3",
    says: "A CA must say what its key is for, and this one does not. Most verifiers take that for everything; \
           strict ones refuse it.",
    advice: "Issue the CA again with `keyCertSign` and `cRLSign`.",
};

static KEY_USAGE_NOT_CRITICAL: Lint = Lint {
    code: "NL406",
    name: "KeyUsageNotCritical",
    severity: Severity::Note,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.3",
    says: "Key usage should be critical, so that no verifier passes over it. All TLS libraries know the extension \
           and obey it all the same.",
    advice: "Mark it critical at the next issue; nothing is refused for it.",
};

static LEAF_MAY_NOT_SIGN_HANDSHAKE: Lint = Lint {
    code: "NL407",
    name: "LeafMayNotSignHandshake",
    severity: Severity::Error,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "docs.temporal.io/cloud/certificates; RFC 5280 §4.2.1.3; RFC 5246 §7.4.6",
    says: "The leaf's key usage leaves out `digitalSignature`, with which a client proves that it holds the key. \
           Temporal asks for it, and strict servers refuse a client without it.",
    advice: "Issue the leaf again: `newleaf leaf issue`.",
};

static LEAF_WITHOUT_KEY_USAGE: Lint = Lint {
    code: "NL408",
    name: "LeafWithoutKeyUsage",
    severity: Severity::Warning,
    family: Family::Usage,
    profiles: TEMPORAL,
    citation: "docs.temporal.io/cloud/certificates (key usage must include Digital Signature)",
    says: "The leaf has no key usage, although Temporal's page asks for `digitalSignature`. Leaves of `tcld` are like \
           that and are accepted today.",
    advice: "Issue the leaf again: `newleaf leaf issue`.",
};

static LEAF_MAY_SIGN_CERTIFICATES: Lint = Lint {
    code: "NL409",
    name: "LeafMaySignCertificates",
    severity: Severity::Warning,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.9",
    says: "A certificate that is no CA must not have `keyCertSign`.",
    advice: "Issue the leaf again with `digitalSignature` alone.",
};

static USAGE_NOT_FOR_KEY: Lint = Lint {
    code: "NL410",
    name: "UsageNotForKey",
    severity: Severity::Warning,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "RFC 5480 §3 as updated by RFC 8813 §3; RFC 3279 §2.3.1",
    says: "The key usage names what the key cannot do: an elliptic curve key enciphers nothing, an RSA key agrees on \
           nothing. `certstrap` writes both for every kind of key. Strict verifiers refuse it.",
    advice: "Issue the certificate again with `digitalSignature` alone.",
};

static NOT_FOR_CLIENT_AUTH: Lint = Lint {
    code: "NL411",
    name: "NotForClientAuth",
    severity: Severity::Error,
    family: Family::Usage,
    profiles: TEMPORAL,
    citation: "RFC 5280 §4.2.1.12",
    says: "The leaf's extended key usage leaves out `clientAuth`: it may be a server's, but a server that asks a \
           client for a certificate refuses it.",
    advice: "Issue the leaf again: `newleaf leaf issue`.",
};

static LEAF_WITHOUT_EXTENDED_KEY_USAGE: Lint = Lint {
    code: "NL412",
    name: "LeafWithoutExtendedKeyUsage",
    severity: Severity::Note,
    family: Family::Usage,
    profiles: TEMPORAL,
    citation: "RFC 5280 §4.2.1.12",
    says: "The leaf has no extended key usage, so it may be used for anything: a stolen worker's key is a server's \
           key too, for whoever trusts the CA.",
    advice: "Issue with `clientAuth` next time: `newleaf leaf issue`.",
};

static CA_NOT_FOR_CLIENT_AUTH: Lint = Lint {
    code: "NL413",
    name: "CaNotForClientAuth",
    severity: Severity::Error,
    family: Family::Usage,
    profiles: TEMPORAL,
    citation: "Go crypto/x509 (VerifyOptions.KeyUsages: extended key usages nest along the chain)",
    says: "The CA's own extended key usage leaves out `clientAuth`. Go's verifier, which is Temporal's, then refuses \
           every client that it signed.",
    advice: "Issue the CA again without extended key usage.",
};

static CA_WITHOUT_PATH_LENGTH: Lint = Lint {
    code: "NL414",
    name: "CaWithoutPathLength",
    severity: Severity::Note,
    family: Family::Usage,
    profiles: TEMPORAL,
    citation: "RFC 5280 §4.2.1.9",
    says: "Nothing limits how many CAs may follow this one: whoever gets hold of its key can make CAs, not only \
           leaves. CAs of `tcld` are like that.",
    advice: "Issue the next CA with a path length: `newleaf ca new` sets 0.",
};

static PATH_LENGTH_WITHOUT_CA: Lint = Lint {
    code: "NL415",
    name: "PathLengthWithoutCa",
    severity: Severity::Warning,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.9",
    says: "A path length is given for a certificate that may sign no certificates, which the standard forbids.",
    advice: "Issue the certificate again without the path length, or the CA with `CA:TRUE` and `keyCertSign`.",
};

pub(super) fn ca(report: &mut Report<'_>, certificate: &Certificate) {
    let who = label(certificate);
    let extensions = certificate.extensions();
    match &extensions.basic_constraints {
        Some(bc) if bc.value.ca => {
            if !bc.critical {
                let found = "expected critical basic constraints, found them not critical";
                report.add(&BASIC_CONSTRAINTS_NOT_CRITICAL, who, found);
            }
            if bc.value.path_length.is_none() {
                let found = "expected a path length, found none";
                report.add(&CA_WITHOUT_PATH_LENGTH, who, found);
            }
        }
        Some(_) => report.add(&NOT_A_CA, who, "expected `CA:TRUE`, found `CA:FALSE`"),
        None => {
            let found = "expected `CA:TRUE`, found no basic constraints";
            report.add(&NOT_A_CA, who, found);
        }
    }
    if extensions.key_usage.is_none() {
        let found = "expected a key usage, found none";
        report.add(&CA_WITHOUT_KEY_USAGE, who, found);
    }
    if !certificate.allows_usage(Usage::KeyCertSign) {
        let found = format!("expected keyCertSign, found {}", usages(certificate));
        report.add(&CA_MAY_NOT_SIGN, who, found);
    }
    if !certificate.allows_client_auth() {
        let found = format!(
            "expected no extended key usage or clientAuth, found {}",
            purposes(certificate)
        );
        report.add(&CA_NOT_FOR_CLIENT_AUTH, who, found);
    }
    both(report, certificate);
}

pub(super) fn leaf(report: &mut Report<'_>, certificate: &Certificate) {
    let who = label(certificate);
    let extensions = certificate.extensions();
    if certificate.is_ca() {
        report.add(&LEAF_IS_CA, who, "expected `CA:FALSE`, found `CA:TRUE`");
    }
    if extensions.key_usage.is_none() {
        let found = "expected a key usage with digitalSignature, found none";
        report.add(&LEAF_WITHOUT_KEY_USAGE, who, found);
    } else {
        leaf_key_usage(report, certificate);
    }
    if extensions.extended_key_usage.is_none() {
        let found = "expected clientAuth, found no extended key usage";
        report.add(&LEAF_WITHOUT_EXTENDED_KEY_USAGE, who, found);
    } else if !certificate.allows_client_auth() {
        let found = format!("expected clientAuth, found {}", purposes(certificate));
        report.add(&NOT_FOR_CLIENT_AUTH, who, found);
    }
    both(report, certificate);
}

fn leaf_key_usage(report: &mut Report<'_>, certificate: &Certificate) {
    if !certificate.allows_usage(Usage::DigitalSignature) {
        let found = format!("expected digitalSignature, found {}", usages(certificate));
        report.add(&LEAF_MAY_NOT_SIGN_HANDSHAKE, label(certificate), found);
    }
    if !certificate.is_ca() && certificate.allows_usage(Usage::KeyCertSign) {
        let found = format!("expected no keyCertSign, found {}", usages(certificate));
        report.add(&LEAF_MAY_SIGN_CERTIFICATES, label(certificate), found);
    }
}

fn both(report: &mut Report<'_>, certificate: &Certificate) {
    let who = label(certificate);
    let extensions = certificate.extensions();
    if let Some(usage) = &extensions.key_usage {
        if !usage.critical {
            let found = "expected a critical key usage, found it not critical";
            report.add(&KEY_USAGE_NOT_CRITICAL, who, found);
        }
        let algorithm = certificate.public_key().algorithm();
        if impossible(algorithm)
            .iter()
            .any(|one| usage.value.allows(*one))
        {
            let found = format!(
                "expected usages of an {algorithm} key, found {}",
                usages(certificate)
            );
            report.add(&USAGE_NOT_FOR_KEY, who, found);
        }
    }
    let limits_nothing = extensions.basic_constraints.as_ref().is_some_and(|bc| {
        let signs = bc.value.ca && certificate.allows_usage(Usage::KeyCertSign);
        bc.value.path_length.is_some() && !signs
    });
    if limits_nothing {
        let found = "expected no path length where nothing may be signed, found one";
        report.add(&PATH_LENGTH_WITHOUT_CA, who, found);
    }
}

/// Returns the usages that a kind of key has no operation for.
fn impossible(algorithm: KeyAlgorithm) -> &'static [Usage] {
    match algorithm {
        KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384 | KeyAlgorithm::EcdsaP521 => {
            &[Usage::KeyEncipherment, Usage::DataEncipherment]
        }
        KeyAlgorithm::Rsa(_) => &[
            Usage::KeyAgreement,
            Usage::EncipherOnly,
            Usage::DecipherOnly,
        ],
        KeyAlgorithm::Ed25519 | KeyAlgorithm::Other => &[],
    }
}

fn usages(certificate: &Certificate) -> String {
    let named: Vec<_> = certificate
        .extensions()
        .key_usage
        .iter()
        .flat_map(|usage| usage.value.usages())
        .map(Usage::name)
        .collect();
    if named.is_empty() {
        "no usage".to_owned()
    } else {
        named.join(", ")
    }
}

fn purposes(certificate: &Certificate) -> String {
    let named: Vec<_> = certificate
        .extensions()
        .extended_key_usage
        .iter()
        .flat_map(|eku| &eku.value)
        .map(ToString::to_string)
        .collect();
    if named.is_empty() {
        "no purpose".to_owned()
    } else {
        named.join(", ")
    }
}
