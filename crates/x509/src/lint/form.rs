//! The form of a certificate: what the parsed value does not show, and what must or must not be critical.

use super::{EVERYWHERE, Family, Lint, Report, Severity, label};
use crate::{certificate::Certificate, syntax::Fault};

pub(super) const LINTS: &[&Lint] = &[
    &DEFAULT_WRITTEN,
    &KEY_USAGE_BITS,
    &TIME_IN_WRONG_FORM,
    &TIME_NOT_EXACT,
    &UNIQUE_IDENTIFIER,
    &EMPTY_EXTENSION,
    &EXTENSION_CRITICAL,
    &EXTENSION_NOT_CRITICAL,
    &ACCESS_INFORMATION_CRITICAL,
    &POINT_WITHOUT_PLACE,
];

/// Extensions that must or should not be critical (RFC 5280 §4.2.1.7, §4.2.1.8, §4.2.1.13, §4.2.1.15).
const NEVER_CRITICAL: [(&str, &str); 4] = [
    ("2.5.29.9", "subject directory attributes"),
    ("2.5.29.18", "issuer alternative names"),
    ("2.5.29.31", "CRL distribution points"),
    ("2.5.29.46", "freshest CRL"),
];

/// Extensions that must or should be critical (RFC 5280 §4.2.1.5, §4.2.1.11, §4.2.1.14).
const ALWAYS_CRITICAL: [(&str, &str); 3] = [
    ("2.5.29.33", "policy mappings"),
    ("2.5.29.36", "policy constraints"),
    ("2.5.29.54", "inhibit anyPolicy"),
];

/// Extensions of `id-pe` that Go refuses to read if they are critical.
const ACCESS_INFORMATION: [(&str, &str); 2] = [
    ("1.3.6.1.5.5.7.1.1", "authority information access"),
    ("1.3.6.1.5.5.7.1.11", "subject information access"),
];

static DEFAULT_WRITTEN: Lint = Lint {
    code: "NL016",
    name: "DefaultWritten",
    severity: Severity::Warning,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "ITU-T X.690 §11.5; RFC 5280 §4.1",
    says: "A value is written out although it is the default, which DER forbids. Some Java tools do so; strict readers \
           refuse the certificate.",
    advice: "Issue the certificate again with a tool that writes DER.",
};

static KEY_USAGE_BITS: Lint = Lint {
    code: "NL017",
    name: "KeyUsageBits",
    severity: Severity::Warning,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "ITU-T X.690 §11.2.2; RFC 5280 §4.2.1.3",
    says: "The key usage ends in zero bits or octets that DER leaves out, or has bits beyond the nine that have a name. \
           Strict readers refuse it.",
    advice: "Issue the certificate again with a tool that writes DER.",
};

static TIME_IN_WRONG_FORM: Lint = Lint {
    code: "NL018",
    name: "TimeInWrongForm",
    severity: Severity::Warning,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.2.5",
    says: "Times through the year 2049 must be written as UTCTime, with two digits for the year; this one has four.",
    advice: "Issue the certificate again; most readers take both forms.",
};

static TIME_NOT_EXACT: Lint = Lint {
    code: "NL019",
    name: "TimeNotExact",
    severity: Severity::Error,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.2.5.1 and §4.1.2.5.2",
    says: "A time must be in UTC and have seconds without fractions. Readers differ on what anything else means, and \
           most TLS libraries refuse it.",
    advice: "Issue the certificate again with a tool that writes whole seconds in UTC, as newleaf and OpenSSL do.",
};

static UNIQUE_IDENTIFIER: Lint = Lint {
    code: "NL020",
    name: "UniqueIdentifier",
    severity: Severity::Warning,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.2.8",
    says: "The certificate has a unique identifier of its issuer or subject, a field of X.509v2 that no CA may use any \
           more. Strict verifiers refuse it.",
    advice: "Issue the certificate again without it; names that differ make it needless.",
};

static EMPTY_EXTENSION: Lint = Lint {
    code: "NL021",
    name: "EmptyExtension",
    severity: Severity::Warning,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1 (SEQUENCE SIZE (1..MAX))",
    says: "An extension lists nothing although it must list something. Readers take that for nothing, for everything, \
           or refuse the certificate: Go does with empty name constraints.",
    advice: "Issue the certificate again without the extension.",
};

static EXTENSION_CRITICAL: Lint = Lint {
    code: "NL022",
    name: "ExtensionCritical",
    severity: Severity::Warning,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.7, §4.2.1.8, §4.2.1.13 and §4.2.1.15",
    says: "An extension is marked critical that must or should not be: a verifier that does not know it refuses the \
           certificate.",
    advice: "Issue the certificate again with the extension not critical.",
};

static EXTENSION_NOT_CRITICAL: Lint = Lint {
    code: "NL023",
    name: "ExtensionNotCritical",
    severity: Severity::Warning,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.5, §4.2.1.10, §4.2.1.11 and §4.2.1.14",
    says: "An extension that limits what the CA may do is not marked critical: a verifier that does not know it passes \
           over the limit.",
    advice: "Issue the CA again with the extension critical.",
};

static ACCESS_INFORMATION_CRITICAL: Lint = Lint {
    code: "NL024",
    name: "AccessInformationCritical",
    severity: Severity::Error,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.2.1 and §4.2.2.2",
    says: "Authority or subject information access is marked critical, which it must not be. Go refuses to read such a \
           certificate.",
    advice: "Issue the certificate again with the extension not critical.",
};

static POINT_WITHOUT_PLACE: Lint = Lint {
    code: "NL025",
    name: "PointWithoutPlace",
    severity: Severity::Warning,
    family: Family::Encoding,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.13",
    says: "A CRL distribution point names neither a place nor an issuer of the list, so it leads nowhere.",
    advice: "Issue the certificate again without the point; Temporal looks at no CRL.",
};

pub(super) fn certificate(report: &mut Report<'_>, certificate: &Certificate) {
    for fault in certificate.faults() {
        self::fault(report, certificate, fault);
    }
    critical(report, certificate);
}

/// Faults of names, keys and constraints are told by those families.
fn fault(report: &mut Report<'_>, certificate: &Certificate, fault: &Fault) {
    let who = label(certificate);
    match fault {
        Fault::DefaultWritten { place } => {
            let found = format!("expected a default to be left out, found {place} written");
            report.add(&DEFAULT_WRITTEN, who, found);
        }
        Fault::KeyUsageBits => {
            let found =
                "expected key usage of at most nine bits without zeros at their end, found others";
            report.add(&KEY_USAGE_BITS, who, found);
        }
        Fault::TimeForm { end } => {
            let found = format!("expected {end} as UTCTime, found GeneralizedTime");
            report.add(&TIME_IN_WRONG_FORM, who, found);
        }
        Fault::TimeNotExact { end } => {
            let found = format!("expected {end} with seconds and `Z`, found another form");
            report.add(&TIME_NOT_EXACT, who, found);
        }
        Fault::UniqueIdentifier => {
            let found = "expected no unique identifier, found one";
            report.add(&UNIQUE_IDENTIFIER, who, found);
        }
        Fault::EmptyExtension { oid } => {
            let found = format!("expected extension {oid} to list something, found it empty");
            report.add(&EMPTY_EXTENSION, who, found);
        }
        Fault::PointWithoutPlace => {
            let found = "expected a place or an issuer in each distribution point, found neither";
            report.add(&POINT_WITHOUT_PLACE, who, found);
        }
        Fault::RsaKeyParameters
        | Fault::RsaSignatureParameters
        | Fault::EmptyRdn
        | Fault::NotPrintable { .. }
        | Fault::StringType { .. }
        | Fault::ConstraintBounds
        | Fault::ConstraintForm { .. }
        | Fault::ConstraintHost { .. }
        | Fault::PolicyRepeated { .. }
        | Fault::PolicyMapsAny
        | Fault::PolicyNotAsserted { .. } => {}
    }
}

fn critical(report: &mut Report<'_>, certificate: &Certificate) {
    let who = label(certificate);
    let extensions = certificate.extensions();
    let among = |all: &'static [(&str, &str)], oid: &str| {
        let found = all.iter().find(|(known, _)| *known == oid);
        found.map(|(_, name)| *name)
    };
    for extension in &extensions.others {
        let oid = extension.value.as_str();
        if extension.critical {
            if let Some(name) = among(&NEVER_CRITICAL, oid) {
                let found = format!("expected {name} not critical, found them critical");
                report.add(&EXTENSION_CRITICAL, who, found);
            }
            if let Some(name) = among(&ACCESS_INFORMATION, oid) {
                let found = format!("expected {name} not critical, found it critical");
                report.add(&ACCESS_INFORMATION_CRITICAL, who, found);
            }
        } else if let Some(name) = among(&ALWAYS_CRITICAL, oid) {
            let found = format!("expected {name} critical, found it not critical");
            report.add(&EXTENSION_NOT_CRITICAL, who, found);
        }
    }
    if extensions
        .name_constraints
        .as_ref()
        .is_some_and(|constraints| !constraints.critical)
    {
        let found = "expected name constraints critical, found them not critical";
        report.add(&EXTENSION_NOT_CRITICAL, who, found);
    }
}
