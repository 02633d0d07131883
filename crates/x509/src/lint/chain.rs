//! A leaf and what follows it: order, names, validities, and whether a bundle accepts it.

use super::{CLOUD, EVERYWHERE, Family, Lint, Report, Severity, label, validity};
use crate::{
    bundle::TrustBundle,
    certificate::Certificate,
    chain::{Chain, MAX_CERTIFICATES, Refusal},
    describe::span,
};

pub(super) const LINTS: &[&Lint] = &[
    &LEAF_OUTLIVES_ISSUER,
    &CA_OUTLIVES_ISSUER,
    &NAME_REPEATED_IN_CHAIN,
    &UNKNOWN_ISSUER,
    &PATH_REFUSED,
    &CHAIN_OUT_OF_ORDER,
    &ROOT_IN_CHAIN,
    &PATH_LENGTH_EXCEEDED,
    &KEY_ID_MISMATCH,
    &BEGINS_BEFORE_ISSUER,
    &NAME_OCTETS_DIFFER,
];

static LEAF_OUTLIVES_ISSUER: Lint = Lint {
    code: "NL501",
    name: "LeafOutlivesIssuer",
    severity: Severity::Error,
    family: Family::Chain,
    profiles: EVERYWHERE,
    citation: "docs.temporal.io/cloud/certificates (an expired CA invalidates all downstream certificates)",
    says: "The leaf says that it lives longer than a CA above it. It dies with that CA, earlier than any calendar \
           made from the leaf will tell.",
    advice: "Issue leaves that end before their CA does: `newleaf leaf issue`; roll the CA over first if it ends \
             soon.",
};

static CA_OUTLIVES_ISSUER: Lint = Lint {
    code: "NL502",
    name: "CaOutlivesIssuer",
    severity: Severity::Warning,
    family: Family::Chain,
    profiles: EVERYWHERE,
    citation: "docs.temporal.io/cloud/certificates (an expired CA invalidates all downstream certificates)",
    says: "An intermediate says that it lives longer than the CA that signed it, and dies with that CA.",
    advice: "Take the root's end for the end of everything under it.",
};

static NAME_REPEATED_IN_CHAIN: Lint = Lint {
    code: "NL503",
    name: "NameRepeatedInChain",
    severity: Severity::Error,
    family: Family::Chain,
    profiles: CLOUD,
    citation: "docs.temporal.io/cloud/certificates (distinguished names are unique and compared without case)",
    says: "Two certificates on the way from the leaf to the root have the same name, case apart. Temporal Cloud \
           refuses such a chain, and path building cannot tell the two apart.",
    advice: "Give the leaf a common name of its own, and each CA its generation: `newleaf leaf issue`.",
};

static UNKNOWN_ISSUER: Lint = Lint {
    code: "NL504",
    name: "UnknownIssuer",
    severity: Severity::Error,
    family: Family::Chain,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §6.1",
    says: "No CA of the bundle that is valid now and may sign for clients stands above the chain: a server that \
           trusts this bundle ends the handshake.",
    advice: "Compare the leaf's issuer with the bundle; if an intermediate is between them, put it behind the leaf.",
};

static PATH_REFUSED: Lint = Lint {
    code: "NL505",
    name: "PathRefused",
    severity: Severity::Error,
    family: Family::Chain,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §6.1",
    says: "The chain leads to a CA of the bundle, but a rule of path validation is broken on the way.",
    advice: "The finding names the rule; issue the certificate that breaks it again.",
};

static CHAIN_OUT_OF_ORDER: Lint = Lint {
    code: "NL506",
    name: "ChainOutOfOrder",
    severity: Severity::Warning,
    family: Family::Chain,
    profiles: EVERYWHERE,
    citation: "RFC 8446 §4.4.2",
    says: "A certificate of the chain did not sign the one before it. Some verifiers need that order; and one that \
           signed nothing here is a stranger.",
    advice: "Put the leaf first, then its issuer, then the issuer's issuer; leave out the rest.",
};

static ROOT_IN_CHAIN: Lint = Lint {
    code: "NL507",
    name: "RootInChain",
    severity: Severity::Note,
    family: Family::Chain,
    profiles: EVERYWHERE,
    citation: "RFC 8446 §4.4.2",
    says: "The chain carries a self-signed root. The server has it or does not trust it: it is sent for nothing in \
           every handshake.",
    advice: "Leave the root out of the chain.",
};

static PATH_LENGTH_EXCEEDED: Lint = Lint {
    code: "NL508",
    name: "PathLengthExceeded",
    severity: Severity::Error,
    family: Family::Chain,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.9",
    says: "More intermediates follow a CA than its path length allows. Verifiers refuse the chain.",
    advice: "Issue the leaf from a CA that is closer to the root, or the CA with a larger path length.",
};

static KEY_ID_MISMATCH: Lint = Lint {
    code: "NL509",
    name: "KeyIdMismatch",
    severity: Severity::Warning,
    family: Family::Chain,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.1",
    says: "A certificate names another key than the one of the CA that signed it. Verifiers that choose the issuer by \
           key identifier do not find the CA.",
    advice: "Issue the certificate again from the CA as it is now.",
};

static BEGINS_BEFORE_ISSUER: Lint = Lint {
    code: "NL510",
    name: "BeginsBeforeIssuer",
    severity: Severity::Note,
    family: Family::Chain,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §6.1.3 (each certificate of a path is judged at one instant)",
    says: "A certificate says that it is valid from before the CA that signed it. Until the CA's validity begins it is \
           refused all the same.",
    advice: "Nothing must be done once the CA is valid; newleaf issues no such leaf.",
};

static NAME_OCTETS_DIFFER: Lint = Lint {
    code: "NL511",
    name: "NameOctetsDiffer",
    severity: Severity::Error,
    family: Family::Chain,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.2.6 (subject and issuer encoded alike); Go crypto/x509",
    says: "A certificate names its issuer in the same words but in another type of string. Go and webpki compare the \
           octets, so they do not find the CA.",
    advice: "Issue the certificate again with the issuer's name copied as it is.",
};

/// Lints a chain: each certificate, the links between them, and, if a bundle is given, whether it accepts them.
pub(super) fn check(report: &mut Report<'_>, chain: &Chain, bundle: Option<&TrustBundle>) {
    report.leaf(chain.leaf());
    for intermediate in chain.intermediates() {
        report.ca(intermediate);
        validity::now(report, intermediate);
        if intermediate.is_signed_by(intermediate) {
            let found = "expected the leaf and intermediates only, found a self-signed certificate";
            report.add(&ROOT_IN_CHAIN, label(intermediate), found);
        }
    }
    order(report, chain);
    let path = path(chain, bundle);
    names(report, &path);
    lifetimes(report, &path);
    path_lengths(report, &path);
    key_ids(report, &path);
    links(report, &path);
    if let Some(bundle) = bundle {
        accepted(report, chain, bundle);
    }
}

/// The most signatures that are verified to find who signed one certificate: as many as Go's verifier tries in all.
const MAX_ISSUERS_TRIED: usize = 100;

/// Returns the certificates from the leaf up, each signed by the next, as far as they are known.
fn path<'a>(chain: &'a Chain, bundle: Option<&'a TrustBundle>) -> Vec<&'a Certificate> {
    let known: Vec<&Certificate> = chain
        .intermediates()
        .iter()
        .chain(bundle.into_iter().flat_map(TrustBundle::members))
        .collect();
    let mut path = vec![chain.leaf()];
    let mut top = chain.leaf();
    // A bundle may hold any number of CAs, each signed by the next.
    while path.len() < MAX_CERTIFICATES {
        let mut named = known
            .iter()
            .filter(|ca| ca.subject() == top.issuer() && !path.contains(ca))
            .take(MAX_ISSUERS_TRIED);
        let Some(issuer) = named.find(|ca| top.is_signed_by(ca)) else {
            break;
        };
        path.push(issuer);
        top = issuer;
    }
    path
}

/// Lints that the names along a path differ, and that the last one's issuer, known or not, differs from them too.
pub(super) fn names(report: &mut Report<'_>, path: &[&Certificate]) {
    let Some(top) = path.last() else { return };
    let mut names: Vec<_> = path.iter().map(|c| c.subject()).collect();
    if !top.is_self_issued() || path.len() == 1 {
        names.push(top.issuer());
    }
    for (position, name) in names.iter().enumerate() {
        let before = names.iter().take(position);
        if before.into_iter().any(|other| other.collides_with(name)) {
            let who = path
                .first()
                .map_or_else(String::new, |leaf| label(leaf).to_string());
            let name = name.folded();
            let found =
                format!("expected each name once from the leaf to the root, found `{name}` again");
            report.add(&NAME_REPEATED_IN_CHAIN, who, found);
        }
    }
}

fn order(report: &mut Report<'_>, chain: &Chain) {
    let certificates: Vec<_> = chain.certificates().collect();
    for pair in certificates.windows(2) {
        if let [signed, issuer] = pair
            && !signed.is_signed_by(issuer)
        {
            let found = format!(
                "expected it to have signed `{}`, found that it did not",
                label(signed)
            );
            report.add(&CHAIN_OUT_OF_ORDER, label(issuer), found);
        }
    }
}

fn lifetimes(report: &mut Report<'_>, path: &[&Certificate]) {
    let Some((leaf, issuers)) = path.split_first() else {
        return;
    };
    if let Some(first) = issuers.iter().min_by_key(|issuer| issuer.not_after()) {
        outlives(report, &LEAF_OUTLIVES_ISSUER, leaf, first);
    }
    for pair in issuers.windows(2) {
        if let [signed, issuer] = pair {
            outlives(report, &CA_OUTLIVES_ISSUER, signed, issuer);
        }
    }
}

fn outlives(
    report: &mut Report<'_>,
    lint: &'static Lint,
    signed: &Certificate,
    issuer: &Certificate,
) {
    let (end, limit) = (signed.not_after(), issuer.not_after());
    if end > limit {
        let gap = span(end.duration_since(limit));
        let found = format!(
            "expected an end by {limit}, the end of {}, found {end}: {gap} later",
            label(issuer)
        );
        report.add(lint, label(signed), found);
    }
}

fn path_lengths(report: &mut Report<'_>, path: &[&Certificate]) {
    for (position, ca) in path.iter().enumerate().skip(1) {
        // The leaf does not count, nor do self-issued intermediates (RFC 5280 §4.2.1.9).
        let below = path.get(1..position).unwrap_or_default();
        let n_below = below.iter().filter(|c| !c.is_self_issued()).count();
        let limit = ca
            .extensions()
            .basic_constraints
            .as_ref()
            .and_then(|bc| bc.value.path_length);
        if let Some(limit) = limit
            && u32::try_from(n_below).unwrap_or(u32::MAX) > limit
        {
            let found = format!("expected at most {limit} intermediates under it, found {n_below}");
            report.add(&PATH_LENGTH_EXCEEDED, label(ca), found);
        }
    }
}

fn key_ids(report: &mut Report<'_>, path: &[&Certificate]) {
    for pair in path.windows(2) {
        let [signed, issuer] = pair else { continue };
        let named = signed.extensions().authority_key_id.as_ref();
        let named = named.and_then(|aki| aki.value.key_id.as_ref());
        let own = issuer.extensions().subject_key_id.as_ref();
        if let (Some(named), Some(own)) = (named, own)
            && *named != own.value
        {
            let found = format!(
                "expected the key identifier of {}, found another",
                label(issuer)
            );
            report.add(&KEY_ID_MISMATCH, label(signed), found);
        }
    }
}

/// Lints each certificate of a path against the one that signed it.
fn links(report: &mut Report<'_>, path: &[&Certificate]) {
    for pair in path.windows(2) {
        let [signed, issuer] = pair else { continue };
        let (begin, limit) = (signed.not_before(), issuer.not_before());
        if begin < limit {
            let gap = span(limit.duration_since(begin));
            let found = format!(
                "expected a begin from {limit} on, the begin of {}, found {begin}: {gap} earlier",
                label(issuer)
            );
            report.add(&BEGINS_BEFORE_ISSUER, label(signed), found);
        }
        if !signed.names_octets_of(issuer) {
            let found = format!(
                "expected the name of {} octet by octet, found it written otherwise",
                label(issuer)
            );
            report.add(&NAME_OCTETS_DIFFER, label(signed), found);
        }
    }
}

fn accepted(report: &mut Report<'_>, chain: &Chain, bundle: &TrustBundle) {
    let Err(refusal) = chain.accepted_by(bundle, report.context.now) else {
        return;
    };
    let who = label(chain.leaf());
    let says = refusal.to_string();
    match refusal {
        Refusal::UnknownIssuer { .. } => report.add(&UNKNOWN_ISSUER, who, says),
        // What breaks the path may have been found and named above, more plainly than a verifier does.
        Refusal::Path { .. } if super::worst(&report.findings) < Some(Severity::Error) => {
            report.add(&PATH_REFUSED, who, says);
        }
        // The leaf's own validity was judged with the leaf.
        Refusal::Path { .. } | Refusal::NotValidNow { .. } => {}
    }
}
