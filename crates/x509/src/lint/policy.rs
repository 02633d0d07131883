//! What a certificate may do, in the rarer extensions: empty usages, name constraints, certificate policies.

use super::{EVERYWHERE, Family, Lint, Report, Severity, TEMPORAL, label};
use crate::{
    certificate::Certificate,
    extension::{Purpose, Usage},
    syntax::Fault,
};

pub(super) const LINTS: &[&Lint] = &[
    &KEY_USAGE_EMPTY,
    &ANY_PURPOSE_CRITICAL,
    &CA_MAY_ENCIPHER,
    &LEAF_MAY_SIGN_REVOCATIONS,
    &CONSTRAINTS_OF_LEAF,
    &CONSTRAINT_WITH_BOUNDS,
    &CONSTRAINT_ON_RARE_NAME,
    &CONSTRAINT_NOT_A_HOST,
    &POLICY_REPEATED,
    &POLICY_MAPS_ANY,
    &POLICY_NOT_ASSERTED,
    &POLICIES_CRITICAL,
];

/// Certificate policies.
const POLICIES: &str = "2.5.29.32";

static KEY_USAGE_EMPTY: Lint = Lint {
    code: "NL416",
    name: "KeyUsageEmpty",
    severity: Severity::Error,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.3",
    says: "The key usage names no usage at all, so the key may be used for nothing.",
    advice: "Issue the certificate again: a leaf with `digitalSignature`, a CA with `keyCertSign`.",
};

static ANY_PURPOSE_CRITICAL: Lint = Lint {
    code: "NL417",
    name: "AnyPurposeCritical",
    severity: Severity::Warning,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.12",
    says: "The extended key usage allows any purpose and is critical, which contradicts itself.",
    advice: "Issue the leaf again with `clientAuth` alone: `newleaf leaf issue`.",
};

static CA_MAY_ENCIPHER: Lint = Lint {
    code: "NL418",
    name: "CaMayEncipher",
    severity: Severity::Note,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "RFC 3279 §2.3.1",
    says: "The CA's key may sign certificates and encipher too. One key should have one use.",
    advice: "Issue the next CA with `keyCertSign` and `cRLSign`: `newleaf ca new`.",
};

static LEAF_MAY_SIGN_REVOCATIONS: Lint = Lint {
    code: "NL419",
    name: "LeafMaySignRevocations",
    severity: Severity::Note,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "RFC 3279 §2.3.1; RFC 5480 §3",
    says: "The leaf's key usage has `cRLSign`: whoever holds its key may revoke what the CA signed, for verifiers that \
           take lists from others than the CA.",
    advice: "Issue the leaf again with `digitalSignature` alone.",
};

static CONSTRAINTS_OF_LEAF: Lint = Lint {
    code: "NL420",
    name: "ConstraintsOfLeaf",
    severity: Severity::Warning,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.10",
    says: "A certificate that is no CA has name constraints, which limit what a CA may sign.",
    advice: "Issue the leaf again without them.",
};

static CONSTRAINT_WITH_BOUNDS: Lint = Lint {
    code: "NL421",
    name: "ConstraintWithBounds",
    severity: Severity::Warning,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.10",
    says: "A name constraint has a minimum or a maximum, which nobody uses and verifiers refuse.",
    advice: "Issue the CA again with plain constraints.",
};

static CONSTRAINT_ON_RARE_NAME: Lint = Lint {
    code: "NL422",
    name: "ConstraintOnRareName",
    severity: Severity::Warning,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.10",
    says: "A name constraint is on a kind of name that verifiers need not understand. One that does not must refuse \
           every certificate with such a name; Go, which is Temporal's, refuses every certificate below a CA with such \
           a constraint that is critical, as it must be.",
    advice: "Constrain DNS names, e-mail addresses, URIs or IP addresses: those are all that Go reads.",
};

static CONSTRAINT_NOT_A_HOST: Lint = Lint {
    code: "NL423",
    name: "ConstraintNotAHost",
    severity: Severity::Warning,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.10",
    says: "A constraint on URIs must be the name of a host, or a domain with a period before it; anything else \
           matches nothing.",
    advice: "For `spiffe://prod.example/…`, constrain to `prod.example`.",
};

static POLICY_REPEATED: Lint = Lint {
    code: "NL424",
    name: "PolicyRepeated",
    severity: Severity::Error,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.4",
    says: "A certificate policy stands in the list twice, which it must not. Go refuses to read the certificate.",
    advice: "Issue the certificate again with each policy once.",
};

static POLICY_MAPS_ANY: Lint = Lint {
    code: "NL425",
    name: "PolicyMapsAny",
    severity: Severity::Warning,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.5",
    says: "A policy is mapped from or to `anyPolicy`, which must not be.",
    advice: "Issue the CA again; Temporal asks for no policy.",
};

static POLICY_NOT_ASSERTED: Lint = Lint {
    code: "NL426",
    name: "PolicyNotAsserted",
    severity: Severity::Note,
    family: Family::Usage,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.5",
    says: "A policy is mapped that the certificate does not assert, so the mapping has no effect.",
    advice: "Issue the CA again; Temporal asks for no policy.",
};

static POLICIES_CRITICAL: Lint = Lint {
    code: "NL427",
    name: "PoliciesCritical",
    severity: Severity::Warning,
    family: Family::Usage,
    profiles: TEMPORAL,
    citation: "RFC 5280 §4.2 (an unrecognized critical extension); §4.2.1.4",
    says: "The certificate policies are critical. The standard allows it, but verifiers that do not process policies, \
           such as rustls and with it newleaf's own proof, must refuse the certificate.",
    advice: "Issue the certificate again with the policies not critical, or without them.",
};

/// Lints what leaves and CAs have in common; what a CA alone may do is asked of it.
pub(super) fn certificate(report: &mut Report<'_>, certificate: &Certificate) {
    usages(report, certificate);
    constraints(report, certificate);
    policies(report, certificate);
}

fn usages(report: &mut Report<'_>, certificate: &Certificate) {
    let who = label(certificate);
    let extensions = certificate.extensions();
    if let Some(usage) = &extensions.key_usage {
        let usage = usage.value;
        if usage.usages().next().is_none() {
            let found = "expected a key usage of at least one bit, found none set";
            report.add(&KEY_USAGE_EMPTY, who, found);
        }
        let both = usage.allows(Usage::KeyEncipherment) && usage.allows(Usage::DataEncipherment);
        if certificate.is_ca() && both {
            let found = "expected a CA's key to sign only, found that it may encipher too";
            report.add(&CA_MAY_ENCIPHER, who, found);
        }
        if !certificate.is_ca() && usage.allows(Usage::CrlSign) {
            let found = "expected no cRLSign on a leaf, found it";
            report.add(&LEAF_MAY_SIGN_REVOCATIONS, who, found);
        }
    }
    if let Some(eku) = &extensions.extended_key_usage
        && eku.critical
        && eku.value.contains(&Purpose::Any)
    {
        let found =
            "expected extended key usage with anyExtendedKeyUsage not critical, found it critical";
        report.add(&ANY_PURPOSE_CRITICAL, who, found);
    }
}

fn constraints(report: &mut Report<'_>, certificate: &Certificate) {
    let who = label(certificate);
    if certificate.extensions().name_constraints.is_some() && !certificate.is_ca() {
        let found = "expected name constraints on CAs only, found them on a leaf";
        report.add(&CONSTRAINTS_OF_LEAF, who, found);
    }
    for fault in certificate.faults() {
        if let Fault::ConstraintBounds = fault {
            let found = "expected a constraint without minimum and maximum, found one of them";
            report.add(&CONSTRAINT_WITH_BOUNDS, who, found);
        }
        if let Fault::ConstraintForm { form } = fault {
            let found = format!("expected a constraint on a usual name, found one on {form}");
            report.add(&CONSTRAINT_ON_RARE_NAME, who, found);
        }
        if let Fault::ConstraintHost { found } = fault {
            let found = format!(
                "expected a host or domain, found `{}`",
                found.escape_debug()
            );
            report.add(&CONSTRAINT_NOT_A_HOST, who, found);
        }
    }
}

fn policies(report: &mut Report<'_>, certificate: &Certificate) {
    let who = label(certificate);
    let others = &certificate.extensions().others;
    if others.iter().any(|e| e.critical && e.value == POLICIES) {
        let found = "expected certificate policies not critical, found them critical";
        report.add(&POLICIES_CRITICAL, who, found);
    }
    for fault in certificate.faults() {
        if let Fault::PolicyRepeated { policy } = fault {
            let found = format!("expected policy {policy} once, found it again");
            report.add(&POLICY_REPEATED, who, found);
        }
        if let Fault::PolicyMapsAny = fault {
            let found = "expected mappings between named policies, found anyPolicy in one";
            report.add(&POLICY_MAPS_ANY, who, found);
        }
        if let Fault::PolicyNotAsserted { policy } = fault {
            let found =
                format!("expected policy {policy} among the policies, found it mapped only");
            report.add(&POLICY_NOT_ASSERTED, who, found);
        }
    }
}
