//! Whether Go, in which Temporal's servers are written, can use a certificate at all.

use super::{Family, Lint, Report, Severity, TEMPORAL, label};
use crate::{certificate::Certificate, chain};

pub(super) const LINTS: &[&Lint] = &[&UNFIT_FOR_GO];

static UNFIT_FOR_GO: Lint = Lint {
    code: "NL026",
    name: "UnfitForGo",
    severity: Severity::Error,
    family: Family::Encoding,
    profiles: TEMPORAL,
    citation: "Go crypto/x509 (ParseCertificate, UnhandledCriticalExtensions); RFC 5280 §4.1",
    says: "Go, in which Temporal's servers are written, does not read the certificate, or meets in it something critical \
           that it does not handle. Whoever presents the certificate is refused; a CA like it signs for nobody.",
    advice: "The finding says what is wrong: issue the certificate again without it.",
};

/// Judges a certificate of which every other family has said what it knows: where one of them told of an error, it said the
/// same more plainly.
pub(super) fn certificate(report: &mut Report<'_>, certificate: &Certificate) {
    let Some(why) = chain::unfit_for_go(certificate) else {
        return;
    };
    let who = label(certificate).to_string();
    // What was found of this certificate stands last.
    let own = report.findings.iter().rev();
    let mut own = own.take_while(|finding| finding.subject == who);
    let told = own.any(|finding| finding.lint.severity == Severity::Error);
    if !told {
        let found =
            format!("expected a certificate that Go can use, found one that it cannot: {why}");
        report.add(&UNFIT_FOR_GO, who, found);
    }
}
