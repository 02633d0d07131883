//! Certificate filters: whom they shut out, and which of them do nothing.

use super::{CLOUD, Family, Lint, Report, Severity, label};
use crate::{bundle::TrustBundle, certificate::Certificate, filter::Filters};

pub(super) const LINTS: &[&Lint] = &[
    &LEAF_NOT_ADMITTED,
    &FILTER_ADMITS_NOBODY,
    &FILTER_COVERED,
    &NO_FILTERS,
    &PUBLIC_CA_WITHOUT_FILTERS,
];

static LEAF_NOT_ADMITTED: Lint = Lint {
    code: "NL801",
    name: "LeafNotAdmitted",
    severity: Severity::Error,
    family: Family::Filter,
    profiles: CLOUD,
    citation: "docs.temporal.io/cloud/certificates (certificate filters)",
    says: "No filter matches the leaf. The handshake succeeds, and then every call is answered with \"Request \
           unauthorized.\"",
    advice: "Add a filter that the leaf matches before it is presented, or issue it with names that match.",
};

static FILTER_ADMITS_NOBODY: Lint = Lint {
    code: "NL802",
    name: "FilterAdmitsNobody",
    severity: Severity::Warning,
    family: Family::Filter,
    profiles: CLOUD,
    citation: "docs.temporal.io/cloud/certificates (certificate filters)",
    says: "The filter matches none of the leaves that are known. It is misspelt, or whom it was made for is gone; \
           then it is a door that nobody watches.",
    advice: "Correct it or remove it.",
};

static FILTER_COVERED: Lint = Lint {
    code: "NL803",
    name: "FilterCovered",
    severity: Severity::Note,
    family: Family::Filter,
    profiles: CLOUD,
    citation: "docs.temporal.io/evaluate/cloud/limits (25 filters)",
    says: "Whatever the filter admits, another one admits too: it takes one of 25 places and does nothing.",
    advice: "Remove it, or narrow the other one if that is too wide.",
};

static NO_FILTERS: Lint = Lint {
    code: "NL804",
    name: "NoFilters",
    severity: Severity::Note,
    family: Family::Filter,
    profiles: CLOUD,
    citation: "docs.temporal.io/cloud/certificates (certificate filters)",
    says: "Without filters every leaf under the CAs is admitted. If the CA signs for others too, they are admitted as \
           well; and a stolen leaf can be shut out only by removing its CA.",
    advice: "Add a filter for what the workers' leaves have in common, such as their organization.",
};

static PUBLIC_CA_WITHOUT_FILTERS: Lint = Lint {
    code: "NL805",
    name: "PublicCaWithoutFilters",
    severity: Severity::Error,
    family: Family::Filter,
    profiles: CLOUD,
    citation: "docs.temporal.io/cloud/certificates (CA bundle)",
    says: "The bundle holds a CA that the public trusts, and there are no filters: everybody who can buy a leaf would be \
           let in. Temporal Cloud refuses it.",
    advice: "Set the filters in the same change or before, or use a CA of your own.",
};

pub(super) fn check(
    report: &mut Report<'_>,
    filters: &Filters,
    leaves: &[Certificate],
    bundle: &TrustBundle,
) {
    if filters.is_empty() && !bundle.is_empty() {
        let n = bundle.len();
        let found = format!("expected filters beside {n} accepted CAs, found none");
        report.add(&NO_FILTERS, "the filters", found);
        for member in bundle.publicly_trusted() {
            let found =
                "expected at least one filter beside a CA that the public trusts, found none";
            report.add(&PUBLIC_CA_WITHOUT_FILTERS, label(member), found);
        }
    }
    for leaf in leaves.iter().filter(|leaf| !filters.admits(leaf)) {
        let n = filters.as_slice().len();
        let found = format!("expected one of {n} filters to match, found none");
        report.add(&LEAF_NOT_ADMITTED, label(leaf), found);
    }
    for (position, filter) in filters.as_slice().iter().enumerate() {
        if !leaves.is_empty() && !leaves.iter().any(|leaf| filter.admits(leaf)) {
            let n = leaves.len();
            let found = format!("expected one of {n} known leaves to match, found none");
            report.add(&FILTER_ADMITS_NOBODY, filter.to_string(), found);
        }
        // Of two that cover each other, the later one is too many.
        let mut others = filters.as_slice().iter().enumerate();
        let cover = others.find(|(other_position, other)| {
            *other_position != position
                && other.covers(filter)
                && (!filter.covers(other) || *other_position < position)
        });
        if let Some((_, cover)) = cover {
            let found = format!(
                "expected a filter that admits more than `{cover}` does, found that it does not"
            );
            report.add(&FILTER_COVERED, filter.to_string(), found);
        }
    }
}
