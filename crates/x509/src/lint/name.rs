//! Names: what is empty, too long, unreadable, or will not match the filter it should.

use super::{EVERYWHERE, Family, Lint, Report, Severity, TEMPORAL, label, san};
use crate::{
    certificate::Certificate,
    issue::MAX_ATTRIBUTE_CHARS,
    name::{self, Attribute, oid},
    syntax::Fault,
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
    // NL109 is told where alternative names are.
    &san::MALFORMED_ALTERNATIVE_NAME,
    &PRINTABLE_STRING_INVALID,
    &PRINTABLE_STRING_TOLERATED,
    &WRONG_STRING_TYPE,
];

/// The upper bounds of attributes, in characters: `ub-common-name` and its sisters.
const BOUNDS: [(&str, usize); 13] = [
    (oid::COMMON_NAME, MAX_ATTRIBUTE_CHARS),
    (oid::ORGANIZATION, MAX_ATTRIBUTE_CHARS),
    (oid::ORGANIZATIONAL_UNIT, MAX_ATTRIBUTE_CHARS),
    (oid::EMAIL_ADDRESS, 255),
    ("2.5.4.4", 32_768),
    ("2.5.4.5", 64),
    ("2.5.4.6", 2),
    ("2.5.4.7", 128),
    ("2.5.4.8", 128),
    ("2.5.4.9", 128),
    ("2.5.4.12", 64),
    // The 16 of RFC 5280 (`ub-postal-code-length`) is for the addresses of X.400, though zlint takes it for this attribute.
    ("2.5.4.17", 40),
    ("2.5.4.42", 32_768),
];

static EMPTY_ATTRIBUTE: Lint = Lint {
    code: "NL101",
    name: "EmptyAttribute",
    severity: Severity::Warning,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.2.4 (DirectoryString, SIZE (1..MAX)); ITU-T X.520",
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
    citation: "RFC 5280 appendix A.1 (upper bounds); ITU-T X.520 (02/2001) module UpperBounds; RFC 2985 §5.2.1",
    says: "An attribute is longer than the standard allows: 64 characters for a common name, organization or unit, 128 \
           for a place. Strict verifiers refuse it, and some tools cut it.",
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
    citation: "RFC 4518 §2.2 (characters that are mapped to nothing or to a space) and §2.4 (prohibited)",
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

static PRINTABLE_STRING_INVALID: Lint = Lint {
    code: "NL110",
    name: "PrintableStringInvalid",
    severity: Severity::Error,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "ITU-T X.680 §41.4; RFC 5280 appendix B",
    says: "A PrintableString holds a character that it cannot hold, such as an at sign or an underscore. Go refuses to \
           read the certificate.",
    advice: "Issue the certificate again with UTF-8 names; with OpenSSL, set `string_mask = utf8only`.",
};

static PRINTABLE_STRING_TOLERATED: Lint = Lint {
    code: "NL111",
    name: "PrintableStringTolerated",
    severity: Severity::Warning,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "ITU-T X.680 §41.4; RFC 5280 appendix B",
    says: "A PrintableString holds a star or an ampersand, which it cannot hold. Most readers, Go among them, take it \
           all the same; strict ones refuse the certificate.",
    advice: "Issue the certificate again with UTF-8 names; with OpenSSL, set `string_mask = utf8only`.",
};

static WRONG_STRING_TYPE: Lint = Lint {
    code: "NL112",
    name: "WrongStringType",
    severity: Severity::Warning,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "RFC 5280 appendix A.1; RFC 4519 §2.4; RFC 2985 §5.2.1",
    says: "An attribute that has one type of string only is written in another: a country or serial number must be a \
           PrintableString, a domain component or e-mail address an IA5String. Strict verifiers refuse it.",
    advice: "Issue the certificate again with the attribute in its own type, or without it.",
};

pub(super) static EMPTY_RDN: Lint = Lint {
    code: "NL120",
    name: "EmptyRdn",
    severity: Severity::Warning,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.2.4 (RelativeDistinguishedName, SET SIZE (1..MAX))",
    says: "A name holds a relative distinguished name without any attribute. Some readers stop there and do not see what \
           follows, Go and Temporal's filters read on: one certificate has two names.",
    advice: "Issue the certificate again with names whose every part has an attribute, as `newleaf leaf issue` does.",
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
    forms(report, certificate);
}

/// The forms of both names are judged here: a reader that refuses one of them refuses the certificate.
fn forms(report: &mut Report<'_>, certificate: &Certificate) {
    for fault in certificate.faults() {
        if *fault == Fault::EmptyRdn {
            let found =
                "expected an attribute in every part of the names, found a part without any";
            report.add(&EMPTY_RDN, label(certificate), found);
        }
        if let Fault::NotPrintable {
            attribute,
            tolerated,
        } = fault
        {
            let kind = name::short_name(attribute);
            let found = format!(
                "expected {kind} in the alphabet of PrintableString, found other characters"
            );
            let lint = if *tolerated {
                &PRINTABLE_STRING_TOLERATED
            } else {
                &PRINTABLE_STRING_INVALID
            };
            report.add(lint, label(certificate), found);
        }
        if let Fault::StringType {
            attribute,
            expected,
        } = fault
        {
            let kind = name::short_name(attribute);
            let found = format!("expected {kind} as {expected}, found another type");
            report.add(&WRONG_STRING_TYPE, label(certificate), found);
        }
    }
}

fn attribute(report: &mut Report<'_>, certificate: &Certificate, attribute: &Attribute) {
    let who = label(certificate);
    let kind = attribute.short_name();
    if !attribute.is_current {
        let found = format!("expected {kind} as UTF-8 or printable text, found another form");
        report.add(&ATTRIBUTE_NOT_TEXT, who, found);
    }
    if !attribute.is_text {
        return;
    }
    let value = attribute.value.as_str();
    let bound = BOUNDS.iter().find(|(oid, _)| *oid == attribute.oid);
    if value.is_empty() {
        let found = format!("expected {kind} of at least 1 character, found an empty one");
        report.add(&EMPTY_ATTRIBUTE, who, found);
    }
    if let Some((_, max)) = bound
        && value.len() > *max
        && value.chars().count() > *max
    {
        let n = value.chars().count();
        let found = format!("expected {kind} of at most {max} characters, found {n}");
        report.add(&ATTRIBUTE_TOO_LONG, who, found);
    }
    if value.chars().any(name::is_unseen) {
        let found = format!("expected {kind} in visible characters, found others");
        report.add(&CONTROL_CHARACTER_IN_NAME, who, found);
    }
    if value.trim() != value {
        let found = format!("expected {kind} without white space around it, found some");
        report.add(&SPACE_AROUND_ATTRIBUTE, who, found);
    }
}
