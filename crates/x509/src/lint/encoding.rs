//! The text, the DER, and the frame of a certificate: what must hold before its meaning is asked.

use std::collections::BTreeSet;

use super::{EVERYWHERE, Family, Lint, Report, Severity, label};
use crate::{
    certificate::{Certificate, CertificateError, PEM_LABEL},
    pem,
};

pub(super) const LINTS: &[&Lint] = &[
    &NOT_PEM,
    &NO_CERTIFICATE,
    &PRIVATE_KEY_IN_TEXT,
    &UNEXPECTED_BLOCK,
    &UNREADABLE_CERTIFICATE,
    &STRAY_TEXT,
    &WINDOWS_LINE_ENDINGS,
    &DUPLICATE_IN_TEXT,
    &NOT_VERSION_3,
    &SERIAL_NOT_POSITIVE,
    &SERIAL_TOO_LONG,
    &SIGNATURE_ALGORITHMS_DISAGREE,
    &REPEATED_EXTENSION,
    &UNREADABLE_EXTENSION,
    &UNKNOWN_CRITICAL_EXTENSION,
];

/// The largest serial number, in octets (RFC 5280 §4.1.2.2).
const MAX_SERIAL_OCTETS: usize = 20;

/// Extensions that path validation knows although newleaf does not interpret them (RFC 5280 §4.2.1): certificate
/// policies, policy mappings, issuer alternative name, subject directory attributes, policy constraints,
/// CRL distribution points, inhibit anyPolicy, freshest CRL, and information access of authority and subject.
const STANDARD_EXTENSIONS: [&str; 10] = [
    "2.5.29.32",
    "2.5.29.33",
    "2.5.29.18",
    "2.5.29.9",
    "2.5.29.36",
    "2.5.29.31",
    "2.5.29.54",
    "2.5.29.46",
    "1.3.6.1.5.5.7.1.1",
    "1.3.6.1.5.5.7.1.11",
];

static NOT_PEM: Lint = Lint {
    code: "NL001",
    name: "NotPem",
    severity: Severity::Error,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 7468 §2 and §3",
    says: "The text is not PEM: a boundary is missing, misplaced or mismatched, or a body is not base64. A lenient \
           reader would skip the block in silence, and a CA or an intermediate would be lost.",
    advice: "Copy the file again from where it was issued; `openssl x509 -in FILE -noout` must read it.",
};

static NO_CERTIFICATE: Lint = Lint {
    code: "NL002",
    name: "NoCertificate",
    severity: Severity::Error,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 7468 §5",
    says: "The text holds no certificate.",
    advice: "Give a file with `-----BEGIN CERTIFICATE-----`; convert DER with `openssl x509 -inform der -in FILE`.",
};

static PRIVATE_KEY_IN_TEXT: Lint = Lint {
    code: "NL003",
    name: "PrivateKeyInText",
    severity: Severity::Error,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §8 (the protection afforded private keys)",
    says: "The text holds a private key beside certificates. Bundles and chains are handed to others and shown in \
           logs: whoever sees this text can be whom the key names.",
    advice: "Take the key out and keep it in a file of its own with mode 0600. If the text has left this machine, \
             treat the key as stolen: issue a new one.",
};

static UNEXPECTED_BLOCK: Lint = Lint {
    code: "NL004",
    name: "UnexpectedBlock",
    severity: Severity::Error,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 7468 §5.1",
    says: "The text holds a PEM block that is not a certificate, such as a request or a trusted certificate of \
           OpenSSL's own form. Verifiers skip it or refuse the text.",
    advice: "Keep the `CERTIFICATE` blocks only.",
};

static UNREADABLE_CERTIFICATE: Lint = Lint {
    code: "NL005",
    name: "UnreadableCertificate",
    severity: Severity::Error,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1",
    says: "A `CERTIFICATE` block does not hold the DER of a certificate: it was cut, changed or never one.",
    advice: "Copy the certificate again from where it was issued.",
};

static STRAY_TEXT: Lint = Lint {
    code: "NL006",
    name: "StrayText",
    severity: Severity::Warning,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 7468 §2 and §5.2",
    says: "There is text outside the blocks. The standard allows it, but tools differ: `tcld` refuses text after the \
           last block.",
    advice: "Keep the blocks only; newleaf writes nothing else.",
};

static WINDOWS_LINE_ENDINGS: Lint = Lint {
    code: "NL007",
    name: "WindowsLineEndings",
    severity: Severity::Note,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 7468 §2",
    says: "The lines end in CR LF. Every reader must accept that, but a comparison of texts sees a change where \
           there is none.",
    advice: "Nothing must be done; newleaf compares certificates by their DER.",
};

static DUPLICATE_IN_TEXT: Lint = Lint {
    code: "NL008",
    name: "DuplicateInText",
    severity: Severity::Warning,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "docs.temporal.io/evaluate/cloud/limits (16 certificates, 32 KB)",
    says: "The same certificate stands in the text twice. It takes room in a bundle that is limited, and removing \
           one copy removes nothing.",
    advice: "Keep it once; newleaf does so when it writes the bundle.",
};

static NOT_VERSION_3: Lint = Lint {
    code: "NL009",
    name: "NotVersion3",
    severity: Severity::Error,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.2.1; docs.temporal.io/cloud/certificates",
    says: "The certificate is older than X.509v3, so it cannot say whether it is a CA. Temporal accepts v3 only.",
    advice: "Issue it again with `newleaf ca new` or `newleaf leaf issue`; with OpenSSL, give an extensions section.",
};

static SERIAL_NOT_POSITIVE: Lint = Lint {
    code: "NL010",
    name: "SerialNotPositive",
    severity: Severity::Error,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.2.2",
    says: "The serial number is zero or negative. Go's verifier, which is Temporal's, refuses a negative one.",
    advice: "Issue the certificate again with a positive, random serial number.",
};

static SERIAL_TOO_LONG: Lint = Lint {
    code: "NL011",
    name: "SerialTooLong",
    severity: Severity::Error,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.2.2",
    says: "The serial number is longer than 20 octets, more than verifiers must handle.",
    advice: "Issue the certificate again with a serial number of 16 random octets.",
};

static SIGNATURE_ALGORITHMS_DISAGREE: Lint = Lint {
    code: "NL012",
    name: "SignatureAlgorithmsDisagree",
    severity: Severity::Error,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.1.2",
    says: "The certificate names one signature algorithm inside what is signed and another outside. Verifiers refuse \
           it: it may have been tampered with.",
    advice: "Issue the certificate again; report the fault to whoever issued this one.",
};

static REPEATED_EXTENSION: Lint = Lint {
    code: "NL013",
    name: "RepeatedExtension",
    severity: Severity::Error,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2",
    says: "An extension appears more than once, so that two verifiers may read two meanings. Go refuses it.",
    advice: "Issue the certificate again; look for an extension given both by the request and by the profile.",
};

static UNREADABLE_EXTENSION: Lint = Lint {
    code: "NL014",
    name: "UnreadableExtension",
    severity: Severity::Error,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2",
    says: "An extension's content does not follow its own syntax. What it should have limited or allowed is unknown.",
    advice: "Issue the certificate again; `openssl asn1parse -in FILE` shows what the extension holds.",
};

static UNKNOWN_CRITICAL_EXTENSION: Lint = Lint {
    code: "NL015",
    name: "UnknownCriticalExtension",
    severity: Severity::Error,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2",
    says: "An extension that is marked critical is not one of the standard ones. A verifier that does not know it \
           must refuse the certificate.",
    advice: "Issue the certificate again without the extension, or with the extension not critical.",
};

/// Lints a PEM text that cannot be parsed; nothing of it is ever quoted but labels.
pub(super) fn broken(report: &mut Report<'_>, text: &str, error: &pem::PemError) {
    line_endings(report, text);
    if *error == pem::PemError::Empty {
        report.add(&NO_CERTIFICATE, "the text", error.to_string());
        return;
    }
    // A text may be broken and hold a key: the graver fault is said too.
    if text.contains("PRIVATE KEY-----") {
        let found = "expected certificates only, found a private key";
        report.add(&PRIVATE_KEY_IN_TEXT, "the text", found);
    }
    report.add(&NOT_PEM, "the text", error.to_string());
}

/// Lints the blocks of a PEM text, and returns the certificates that it holds and why the first that cannot be read
/// cannot.
pub(super) fn document(
    report: &mut Report<'_>,
    text: &str,
    document: &pem::Document,
) -> (Vec<Certificate>, Option<CertificateError>) {
    line_endings(report, text);
    let (mut certificates, mut unreadable) = (Vec::new(), None);
    let mut seen = BTreeSet::new();
    for block in &document.blocks {
        let at = format!("line {}", block.line);
        if block.label.ends_with("PRIVATE KEY") {
            let label = &block.label;
            let found = format!("expected certificates only, found a `{label}` block");
            report.add(&PRIVATE_KEY_IN_TEXT, at, found);
            continue;
        }
        if block.label != PEM_LABEL {
            let found = format!("expected a `{PEM_LABEL}` block, found `{}`", block.label);
            report.add(&UNEXPECTED_BLOCK, at, found);
            continue;
        }
        match Certificate::from_der(&block.der) {
            Ok(certificate) => {
                if !seen.insert(certificate.fingerprint()) {
                    let found = format!("expected it once, found it again on {at}");
                    report.add(&DUPLICATE_IN_TEXT, label(&certificate), found);
                }
                certificates.push(certificate);
            }
            Err(error) => {
                let found = format!("expected a certificate, found none: {error}");
                report.add(&UNREADABLE_CERTIFICATE, at, found);
                unreadable.get_or_insert(error);
            }
        }
    }
    if let Some(line) = document.stray_lines.first() {
        let n = document.stray_lines.len();
        let found = format!("expected blocks and blank lines only, found {n} lines of other text");
        report.add(&STRAY_TEXT, format!("line {line}"), found);
    }
    (certificates, unreadable)
}

fn line_endings(report: &mut Report<'_>, text: &str) {
    if text.contains("\r\n") {
        let found = "expected LF, found CR LF";
        report.add(&WINDOWS_LINE_ENDINGS, "the text", found);
    }
}

/// Lints the frame of one certificate.
pub(super) fn certificate(report: &mut Report<'_>, certificate: &Certificate) {
    let who = label(certificate);
    let version = certificate.version();
    if version != 3 {
        let found = format!("expected X.509 version 3, found version {version}");
        report.add(&NOT_VERSION_3, who, found);
    }
    serial(report, certificate);
    if !certificate.signature_algorithms_agree() {
        let named = certificate.signature_algorithm().name();
        let found = format!("expected {named} in both places, found another inside");
        report.add(&SIGNATURE_ALGORITHMS_DISAGREE, who, found);
    }
    let extensions = certificate.extensions();
    for oid in &extensions.repeated {
        let found = format!("expected extension {oid} once, found it again");
        report.add(&REPEATED_EXTENSION, who, found);
    }
    for oid in &extensions.unreadable {
        let found = format!("expected the syntax of extension {oid}, found something else");
        report.add(&UNREADABLE_EXTENSION, who, found);
    }
    for extension in &extensions.others {
        if extension.critical && !STANDARD_EXTENSIONS.contains(&extension.value.as_str()) {
            let found = format!(
                "expected standard extensions only to be critical, found {}",
                extension.value
            );
            report.add(&UNKNOWN_CRITICAL_EXTENSION, who, found);
        }
    }
}

fn serial(report: &mut Report<'_>, certificate: &Certificate) {
    let serial = certificate.serial();
    let negative = serial.first().is_some_and(|first| first & 0x80 != 0);
    if negative || serial.iter().all(|octet| *octet == 0) {
        let found = if negative { "a negative one" } else { "zero" };
        let found = format!("expected a positive serial number, found {found}");
        report.add(&SERIAL_NOT_POSITIVE, label(certificate), found);
    }
    if serial.len() > MAX_SERIAL_OCTETS {
        let found = format!(
            "expected a serial number of at most {MAX_SERIAL_OCTETS} octets, found {}",
            serial.len()
        );
        report.add(&SERIAL_TOO_LONG, label(certificate), found);
    }
}
