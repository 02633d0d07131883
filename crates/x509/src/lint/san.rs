//! Subject alternative names, one by one: names that are empty, or not what they say they are.

use super::{EVERYWHERE, Family, Lint, Report, Severity, label, name as name_lint};
use crate::{certificate::Certificate, extension::GeneralName, name};

pub(super) const LINTS: &[&Lint] = &[
    &NAMES_NOT_CRITICAL,
    &EMPTY_ALTERNATIVE_NAME,
    &DNS_NAME_MALFORMED,
    &DNS_NAME_NOT_A_HOST,
    &URI_MALFORMED,
    &EMAIL_MALFORMED,
    &EMAIL_IN_SUBJECT_ONLY,
    // NL120 is told where names are.
    &name_lint::EMPTY_RDN,
];

/// The longest DNS name, and the longest label, in octets (RFC 1035 §2.3.4; the name without its closing period).
const MAX_DNS_NAME: usize = 253;
const MAX_DNS_LABEL: usize = 63;

pub(super) static MALFORMED_ALTERNATIVE_NAME: Lint = Lint {
    code: "NL109",
    name: "MalformedAlternativeName",
    severity: Severity::Error,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.6",
    says: "A subject alternative name does not follow its own syntax, or is not ASCII. Go refuses to read such a certificate.",
    advice: "Issue the certificate again with names in their proper form.",
};

static NAMES_NOT_CRITICAL: Lint = Lint {
    code: "NL113",
    name: "NamesNotCritical",
    severity: Severity::Warning,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.2.6 and §4.2.1.6",
    says: "A certificate without a subject must have critical subject alternative names, or it names nobody.",
    advice: "Issue the leaf with a common name; Temporal's filters look at it first.",
};

static EMPTY_ALTERNATIVE_NAME: Lint = Lint {
    code: "NL114",
    name: "EmptyAlternativeName",
    severity: Severity::Warning,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.6",
    says: "A subject alternative name is empty or a single space. It names nothing, and verifiers differ on it.",
    advice: "Issue the certificate again without it.",
};

static DNS_NAME_MALFORMED: Lint = Lint {
    code: "NL115",
    name: "DnsNameMalformed",
    severity: Severity::Warning,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.6 (the preferred name syntax of RFC 1034 §3.5)",
    says: "A DNS name is too long, has an empty or too long label, or characters that no domain has.",
    advice: "Put what is not a domain into the common name, or into a URI.",
};

static DNS_NAME_NOT_A_HOST: Lint = Lint {
    code: "NL116",
    name: "DnsNameNotAHost",
    severity: Severity::Note,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.6 (the preferred name syntax of RFC 1034 §3.5)",
    says: "A DNS name has an underscore, or a hyphen at the end of a label, which no host name has. `tcld` makes such \
           names by chance. Verifiers of clients do not mind; filters compare it as it is.",
    advice: "Nothing must be done for a client's certificate.",
};

static URI_MALFORMED: Lint = Lint {
    code: "NL117",
    name: "UriMalformed",
    severity: Severity::Warning,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.6 (absolute URIs, RFC 3986 §4.3)",
    says: "A URI has no scheme, nothing after it, or characters that no URI has. Go refuses to read a certificate \
           whose URI it cannot parse.",
    advice: "Issue the certificate again with an absolute URI such as `spiffe://example/worker`.",
};

static EMAIL_MALFORMED: Lint = Lint {
    code: "NL118",
    name: "EmailMalformed",
    severity: Severity::Warning,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.6 (Mailbox, RFC 2821 §4.1.2)",
    says: "An e-mail address is not of the form `local@domain`: no angle brackets, no comment, no name before it.",
    advice: "Issue the certificate again with the plain address.",
};

static EMAIL_IN_SUBJECT_ONLY: Lint = Lint {
    code: "NL119",
    name: "EmailInSubjectOnly",
    severity: Severity::Note,
    family: Family::Name,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.2.6",
    says: "The subject has an e-mail address that is not among the subject alternative names, where it belongs.",
    advice: "Leave addresses out of the subject; no rule of Temporal looks at them.",
};

pub(super) fn certificate(report: &mut Report<'_>, certificate: &Certificate) {
    let who = label(certificate);
    let sans = certificate.extensions().subject_alt_names.as_ref();
    let unnamed = certificate.subject().is_empty() && !certificate.is_ca();
    if unnamed && !sans.is_some_and(|sans| sans.critical) {
        let found = if sans.is_some() {
            "names that are not critical"
        } else {
            "no name at all"
        };
        let found = format!("expected critical subject alternative names, found {found}");
        report.add(&NAMES_NOT_CRITICAL, who, found);
    }
    let sans = sans.map_or(&[][..], |sans| &sans.value);
    for san in sans {
        self::san(report, certificate, san);
    }
    let mut emails = certificate
        .subject()
        .values(name::oid::EMAIL_ADDRESS)
        .map(|email| GeneralName::Email(email.to_owned()));
    if let Some(email) = emails.find(|email| !sans.contains(email)) {
        let found =
            format!("expected `{email}` among the alternative names, found it in the subject only");
        report.add(&EMAIL_IN_SUBJECT_ONLY, who, found);
    }
}

fn san(report: &mut Report<'_>, certificate: &Certificate, san: &GeneralName) {
    let who = label(certificate);
    let text = match san {
        GeneralName::Dns(text) | GeneralName::Uri(text) | GeneralName::Email(text) => text,
        GeneralName::Malformed(_) => {
            let found = format!("expected a well-formed name, found {san}");
            report.add(&MALFORMED_ALTERNATIVE_NAME, who, found);
            return;
        }
        GeneralName::Ip(_) | GeneralName::Directory(_) | GeneralName::Other(_) => return,
    };
    if !text.is_ascii() {
        let found = format!("expected a name in ASCII, found `{san}`");
        report.add(&MALFORMED_ALTERNATIVE_NAME, who, found);
        return;
    }
    if text.trim().is_empty() {
        let found = format!("expected a name, found `{san}`");
        report.add(&EMPTY_ALTERNATIVE_NAME, who, found);
        return;
    }
    let broken = match san {
        GeneralName::Dns(name) => dns(name),
        GeneralName::Uri(uri) => (!is_absolute(uri)).then_some((&URI_MALFORMED, "an absolute URI")),
        GeneralName::Email(email) => {
            (!is_mailbox(email)).then_some((&EMAIL_MALFORMED, "`local@domain`"))
        }
        GeneralName::Ip(_)
        | GeneralName::Directory(_)
        | GeneralName::Other(_)
        | GeneralName::Malformed(_) => None,
    };
    if let Some((lint, expected)) = broken {
        report.add(lint, who, format!("expected {expected}, found `{san}`"));
    }
}

/// Returns the rule that a DNS name breaks, and what it asks for. A star may stand for the first label.
fn dns(name: &str) -> Option<(&'static Lint, &'static str)> {
    let labels = || name.strip_prefix("*.").unwrap_or(name).split('.');
    let of_a_domain = |label: &str| {
        (1..=MAX_DNS_LABEL).contains(&label.len())
            && label
                .bytes()
                .all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet))
    };
    let of_a_host =
        |label: &str| !label.contains('_') && !label.starts_with('-') && !label.ends_with('-');
    if name.len() > MAX_DNS_NAME || !labels().all(of_a_domain) {
        Some((&DNS_NAME_MALFORMED, "a domain name"))
    } else if !labels().all(of_a_host) {
        Some((&DNS_NAME_NOT_A_HOST, "the name of a host"))
    } else {
        None
    }
}

/// RFC 3986 §3.1: a scheme begins with a letter; something follows it, in characters that a URI may have.
fn is_absolute(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else {
        return false;
    };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet))
        && !rest.trim_start_matches('/').is_empty()
        && rest
            .bytes()
            .all(|octet| octet.is_ascii_graphic() && !b"<>\"{}|\\^`".contains(&octet))
}

fn is_mailbox(email: &str) -> bool {
    let Some((local, domain)) = email.rsplit_once('@') else {
        return false;
    };
    let plain = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|octet| octet.is_ascii_graphic() && !b"<>()".contains(&octet))
    };
    plain(local) && plain(domain)
}
