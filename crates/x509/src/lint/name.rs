//! Names: what is empty, too long, unreadable, or will not match the filter it should.

use super::{EVERYWHERE, Family, Lint, Report, Severity, TEMPORAL, label};
use crate::{
    certificate::Certificate,
    extension::GeneralName,
    issue::MAX_ATTRIBUTE_CHARS,
    name::{Attribute, oid},
};

pub(super) const LINTS: &[&Lint] = &[
    &EMPTY_ATTRIBUTE,
    &ATTRIBUTE_TOO_LONG,
    &ISSUER_EMPTY,
    &CA_SUBJECT_EMPTY,
    &LEAF_SUBJECT_EMPTY,
    &ATTRIBUTE_NOT_TEXT,
    &CONTROL_CHARACTER_IN_NAME,
    &SPACE_AROUND_ATTRIBUTE,
    &MALFORMED_ALTERNATIVE_NAME,
];

static EMPTY_ATTRIBUTE: Lint = Lint {
    code: "NL101",
    name: "EmptyAttribute",
    severity: Severity::Warning,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "ITU-T X.520 (DirectoryString, SIZE 1..MAX); RFC 5280 appendix A",
    says: "A name holds an attribute without a value, which X.520 does not allow. `tcld generate-certificates leaf` \
           writes one (`OU=`) when no organizational unit is given. Strict verifiers refuse it.",
    advice: "Issue the certificate again and leave the attribute out: `newleaf leaf issue`.",
};

static ATTRIBUTE_TOO_LONG: Lint = Lint {
    code: "NL102",
    name: "AttributeTooLong",
    severity: Severity::Warning,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "RFC 5280 appendix A (ub-common-name, ub-organization-name, ub-organizational-unit-name)",
    says: "A common name, organization or organizational unit is longer than 64 characters. Strict verifiers refuse \
           it, and some tools cut it.",
    advice: "Shorten the attribute; a long name belongs in a subject alternative name.",
};

static ISSUER_EMPTY: Lint = Lint {
    code: "NL103",
    name: "IssuerEmpty",
    severity: Severity::Error,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.2.4",
    says: "The certificate does not name its issuer, so no verifier can find the CA that signed it.",
    advice: "Give the CA a subject and issue again.",
};

static CA_SUBJECT_EMPTY: Lint = Lint {
    code: "NL104",
    name: "CaSubjectEmpty",
    severity: Severity::Error,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.2.6",
    says: "The CA has no name, so nothing that it signs can name its issuer.",
    advice: "Issue the CA again with a common name that carries its generation: `newleaf ca new`.",
};

static LEAF_SUBJECT_EMPTY: Lint = Lint {
    code: "NL105",
    name: "LeafSubjectEmpty",
    severity: Severity::Warning,
    family: Family::Name,
    profiles: TEMPORAL,
    citation: "docs.temporal.io/cloud/certificates (certificate filters); RFC 5280 §4.1.2.6",
    says: "The leaf has no subject. Filters on CN, O and OU will not match it, and a server's authorizer sees nobody.",
    advice: "Issue the leaf with a common name that says whose it is.",
};

static ATTRIBUTE_NOT_TEXT: Lint = Lint {
    code: "NL106",
    name: "AttributeNotText",
    severity: Severity::Warning,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.2.4 (PrintableString or UTF8String)",
    says: "An attribute is not written as UTF8String or PrintableString but in an older form. Verifiers compare it \
           byte by byte, and filters may not match it.",
    advice: "Issue the certificate again with UTF-8 names; with OpenSSL, set `string_mask = utf8only`.",
};

static CONTROL_CHARACTER_IN_NAME: Lint = Lint {
    code: "NL107",
    name: "ControlCharacterInName",
    severity: Severity::Warning,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "RFC 4518 §2.2 (prohibited and mapped characters)",
    says: "A name holds characters that are not seen: controls, or marks that change the direction of writing. On a \
           screen or in a log it may pass for another name.",
    advice: "Ask whoever issued it why; do not accept it as a CA.",
};

static SPACE_AROUND_ATTRIBUTE: Lint = Lint {
    code: "NL108",
    name: "SpaceAroundAttribute",
    severity: Severity::Warning,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §7.1; docs.temporal.io/cloud/certificates (certificate filters)",
    says: "An attribute begins or ends with white space. An exact certificate filter written without it does not \
           match, and nobody sees why.",
    advice: "Issue the certificate again with the attribute trimmed.",
};

static MALFORMED_ALTERNATIVE_NAME: Lint = Lint {
    code: "NL109",
    name: "MalformedAlternativeName",
    severity: Severity::Error,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.6",
    says: "A subject alternative name does not follow its own syntax. Go refuses to read such a certificate.",
    advice: "Issue the certificate again with names in their proper form.",
};

pub(super) fn ca(report: &mut Report<'_>, certificate: &Certificate) {
    if certificate.subject().is_empty() {
        let found = "expected a CA with a subject, found an empty one";
        report.add(&CA_SUBJECT_EMPTY, label(certificate), found);
    }
    both(report, certificate);
}

pub(super) fn leaf(report: &mut Report<'_>, certificate: &Certificate) {
    if certificate.subject().is_empty() {
        let found = "expected a leaf with a subject, found an empty one";
        report.add(&LEAF_SUBJECT_EMPTY, label(certificate), found);
    }
    both(report, certificate);
}

/// The issuer's attributes are judged where the issuer is: here only the subject's are, and that an issuer is named.
fn both(report: &mut Report<'_>, certificate: &Certificate) {
    if certificate.issuer().is_empty() {
        let found = "expected the issuer's name, found an empty one";
        report.add(&ISSUER_EMPTY, label(certificate), found);
    }
    for attribute in certificate.subject().attributes() {
        self::attribute(report, certificate, attribute);
    }
    let sans = certificate.extensions().subject_alt_names.as_ref();
    let sans = sans.into_iter().flat_map(|sans| &sans.value);
    for san in sans.filter(|san| matches!(san, GeneralName::Malformed(_))) {
        let found = format!("expected a well-formed name, found {san}");
        report.add(&MALFORMED_ALTERNATIVE_NAME, label(certificate), found);
    }
}

fn attribute(report: &mut Report<'_>, certificate: &Certificate, attribute: &Attribute) {
    let who = label(certificate);
    let kind = attribute.short_name();
    if !attribute.is_text {
        let found = format!("expected {kind} as UTF-8 or printable text, found another form");
        report.add(&ATTRIBUTE_NOT_TEXT, who, found);
        return;
    }
    let value = attribute.value.as_str();
    let n = value.chars().count();
    let bounded = [
        oid::COMMON_NAME,
        oid::ORGANIZATION,
        oid::ORGANIZATIONAL_UNIT,
    ];
    if value.is_empty() {
        let found = format!("expected {kind} of at least 1 character, found an empty one");
        report.add(&EMPTY_ATTRIBUTE, who.as_str(), found);
    }
    if n > MAX_ATTRIBUTE_CHARS && bounded.contains(&attribute.oid.as_str()) {
        let found =
            format!("expected {kind} of at most {MAX_ATTRIBUTE_CHARS} characters, found {n}");
        report.add(&ATTRIBUTE_TOO_LONG, who.as_str(), found);
    }
    if value.chars().any(crate::name::is_unseen) {
        let found = format!("expected {kind} in visible characters, found others");
        report.add(&CONTROL_CHARACTER_IN_NAME, who.as_str(), found);
    }
    if value.trim() != value {
        let found = format!("expected {kind} without white space around it, found some");
        report.add(&SPACE_AROUND_ATTRIBUTE, who.as_str(), found);
    }
}
