//! Lints: what is wrong with a certificate, a chain, a bundle, a change or filters, and what to do about it.
//!
//! A lint is data: a stable code, a fact for a name, a severity, where the rule is written, why it matters, what to do. All of
//! them stand in one table ([`table`]), a family a file. A [`Finding`] is a lint that was met in one place. All is pure.

mod bundle;
mod chain;
mod encoding;
mod filter;
mod form;
mod go;
mod key;
mod label;
mod name;
mod policy;
mod san;
mod slot;
mod transition;
mod usage;
mod validity;

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use serde::Serialize;

use self::label::label;
use crate::{
    bundle::TrustBundle,
    certificate::{Certificate, CertificateError},
    chain::Chain,
    filter::Filters,
    key::PublicKey,
    pem,
};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Note,
    /// Works today; a rule is broken, or trouble is ahead.
    Warning,
    /// Refused, or will strand a worker.
    Error,
}

/// Who judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// A namespace of Temporal Cloud.
    TemporalCloud,
    /// A Temporal server of one's own.
    SelfHosted,
    /// The standard alone.
    Rfc5280,
}

/// Which part of the work a lint looks at: a family is a file, and a hundred of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// `NL0…`: the text, the DER, the frame of the certificate.
    Encoding,
    /// `NL1…`: names.
    Name,
    /// `NL2…`: keys, their identifiers, and signature algorithms.
    Key,
    /// `NL3…`: from when to when.
    Validity,
    /// `NL4…`: what a certificate may do.
    Usage,
    /// `NL5…`: a leaf and what follows it.
    Chain,
    /// `NL6…`: the set of accepted CAs.
    Bundle,
    /// `NL7…`: from one set to the next.
    Transition,
    /// `NL8…`: certificate filters.
    Filter,
    /// `NL9…`: the CA files of a Temporal server of one's own.
    Slot,
}

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Lint {
    /// The stable code, such as `NL501`.
    pub code: &'static str,
    /// The fact that it finds, such as `LeafOutlivesIssuer`.
    pub name: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it looks at.
    pub family: Family,
    /// For whom it is a rule.
    pub profiles: &'static [Profile],
    /// Where the rule is written.
    pub citation: &'static str,
    /// What is wrong and why it matters.
    pub says: &'static str,
    /// What to do.
    pub advice: &'static str,
}

/// A lint, met in one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule that is broken.
    pub lint: &'static Lint,
    /// Where: a certificate by subject and short fingerprint, a filter, a line.
    pub subject: String,
    /// What was expected, and what was found.
    pub message: String,
}

/// By which rules, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// Who judges.
    pub profile: Profile,
    /// The instant of judgement.
    pub now: Timestamp,
}

const EVERYWHERE: &[Profile] = &[
    Profile::TemporalCloud,
    Profile::SelfHosted,
    Profile::Rfc5280,
];
const TEMPORAL: &[Profile] = &[Profile::TemporalCloud, Profile::SelfHosted];
const CLOUD: &[Profile] = &[Profile::TemporalCloud];
const SELF_HOSTED: &[Profile] = &[Profile::SelfHosted];
const NOT_CLOUD: &[Profile] = &[Profile::SelfHosted, Profile::Rfc5280];

/// Returns every lint, in the order of the codes.
pub fn table() -> impl Iterator<Item = &'static Lint> {
    let families: [&[&Lint]; 14] = [
        encoding::LINTS,
        form::LINTS,
        go::LINTS,
        name::LINTS,
        san::LINTS,
        key::LINTS,
        validity::LINTS,
        usage::LINTS,
        policy::LINTS,
        chain::LINTS,
        bundle::LINTS,
        transition::LINTS,
        filter::LINTS,
        slot::LINTS,
    ];
    families
        .into_iter()
        .flat_map(|family| family.iter().copied())
}

/// Returns the lint with this code or name, whatever its case.
pub fn find(code_or_name: &str) -> Option<&'static Lint> {
    table().find(|lint| {
        lint.code.eq_ignore_ascii_case(code_or_name) || lint.name.eq_ignore_ascii_case(code_or_name)
    })
}

/// Returns the gravest severity among the findings.
pub fn worst(findings: &[Finding]) -> Option<Severity> {
    findings.iter().map(|finding| finding.lint.severity).max()
}

/// Lints a certificate, as a CA if it says that it is one, else as a leaf.
pub fn certificate(certificate: &Certificate, context: &Context) -> Vec<Finding> {
    if certificate.is_ca() {
        ca(certificate, context)
    } else {
        leaf(certificate, context)
    }
}

/// Lints a certificate that is meant to be a CA.
pub fn ca(certificate: &Certificate, context: &Context) -> Vec<Finding> {
    let mut report = Report::new(context);
    report.ca(certificate);
    validity::now(&mut report, certificate);
    report.findings
}

/// Lints a certificate that is meant to be a leaf.
pub fn leaf(certificate: &Certificate, context: &Context) -> Vec<Finding> {
    let mut report = Report::new(context);
    report.leaf(certificate);
    chain::names(&mut report, &[certificate]);
    report.findings
}

/// Lints whether a private key, by its public half, is the certificate's.
pub fn key_pair(certificate: &Certificate, key: &PublicKey, context: &Context) -> Vec<Finding> {
    let mut report = Report::new(context);
    key::pair(&mut report, certificate, key);
    report.findings
}

/// Lints the mode of the file that a private key is kept in; `place` names the file.
pub fn key_file(place: &str, mode: u32, context: &Context) -> Vec<Finding> {
    let mut report = Report::new(context);
    key::file(&mut report, place, mode);
    report.findings
}

/// Lints a chain by itself: its leaf, its intermediates, and how they fit.
pub fn chain(chain: &Chain, context: &Context) -> Vec<Finding> {
    let mut report = Report::new(context);
    chain::check(&mut report, chain, None);
    report.findings
}

/// Lints a chain against the bundle that is to accept it.
pub fn chain_to(chain: &Chain, bundle: &TrustBundle, context: &Context) -> Vec<Finding> {
    let mut report = Report::new(context);
    chain::check(&mut report, chain, Some(bundle));
    report.findings
}

/// Lints a bundle: each member as a CA, and the set.
pub fn bundle(bundle: &TrustBundle, context: &Context) -> Vec<Finding> {
    let mut report = Report::new(context);
    bundle::check(&mut report, bundle);
    report.findings
}

/// Lints a PEM text that should hold certificates and nothing else; what these say is left to [`chain()`] and [`bundle()`].
pub fn pem_text(text: &str, context: &Context) -> Vec<Finding> {
    let mut report = Report::new(context);
    match pem::parse(text) {
        Ok(document) => drop(encoding::document(&mut report, text, &document)),
        Err(error) => encoding::broken(&mut report, text, &error),
    }
    report.findings
}

/// What the blocks of a PEM text hold, read and linted in one go.
#[derive(Debug)]
pub struct Blocks {
    /// The certificates that can be read, in the order of the text.
    pub certificates: Vec<Certificate>,
    /// Why the first certificate that cannot be read cannot.
    pub unreadable: Option<CertificateError>,
    /// What is wrong with the text; what the certificates say is left to others.
    pub findings: Vec<Finding>,
}

/// Reads and lints a PEM text that was parsed. Each certificate is read once.
pub fn pem_blocks(text: &str, document: &pem::Document, context: &Context) -> Blocks {
    let mut report = Report::new(context);
    let (certificates, unreadable) = encoding::document(&mut report, text, document);
    Blocks {
        certificates,
        unreadable,
        findings: report.findings,
    }
}

/// Lints a change of a bundle against the chains that are in use. The proposed bundle itself is left to [`bundle()`].
pub fn transition(
    current: &TrustBundle,
    proposed: &TrustBundle,
    in_use: &[Chain],
    context: &Context,
) -> Vec<Finding> {
    let mut report = Report::new(context);
    transition::check(&mut report, current, proposed, in_use);
    report.findings
}

/// Lints filters against the leaves that must pass them, beside the bundle that they narrow.
pub fn filters(
    filters: &Filters,
    leaves: &[Certificate],
    bundle: &TrustBundle,
    context: &Context,
) -> Vec<Finding> {
    let mut report = Report::new(context);
    filter::check(&mut report, filters, leaves, bundle);
    report.findings
}

/// Lints the CA files of a Temporal server of one's own, one bundle a file.
pub fn ca_slot_files(files: &[TrustBundle], context: &Context) -> Vec<Finding> {
    let mut report = Report::new(context);
    slot::files(&mut report, files);
    report.findings
}

/// Lints a change of the CA files of a Temporal server of one's own: whether its reload would see it.
pub fn ca_slot_change(
    before: &[TrustBundle],
    after: &[TrustBundle],
    context: &Context,
) -> Vec<Finding> {
    let mut report = Report::new(context);
    slot::change(&mut report, before, after);
    report.findings
}

/// The most findings of one lint in one report: whoever is told of a thousand names that are malformed knows enough of
/// the million, and what is said stays in proportion to what was sent.
const MAX_FINDINGS_PER_LINT: u16 = 1000;

/// The findings so far, and by which rules.
struct Report<'c> {
    context: &'c Context,
    findings: Vec<Finding>,
    counts: BTreeMap<&'static str, u16>,
}

impl<'c> Report<'c> {
    fn new(context: &'c Context) -> Self {
        Self {
            context,
            findings: Vec::new(),
            counts: BTreeMap::new(),
        }
    }

    /// Records a finding, if the lint is a rule of this profile and has not been met too often.
    fn add(&mut self, lint: &'static Lint, subject: impl Into<String>, message: impl Into<String>) {
        if !lint.profiles.contains(&self.context.profile) {
            return;
        }
        let count = self.counts.entry(lint.code).or_default();
        if *count < MAX_FINDINGS_PER_LINT {
            *count += 1;
            self.findings.push(Finding {
                lint,
                subject: subject.into(),
                message: message.into(),
            });
        }
    }

    /// What a CA is judged by wherever it stands; whether it is valid now depends on where.
    fn ca(&mut self, certificate: &Certificate) {
        encoding::certificate(self, certificate);
        form::certificate(self, certificate);
        name::ca(self, certificate);
        san::certificate(self, certificate);
        key::ca(self, certificate);
        validity::ca(self, certificate);
        usage::ca(self, certificate);
        policy::certificate(self, certificate);
        go::certificate(self, certificate);
    }

    fn leaf(&mut self, certificate: &Certificate) {
        encoding::certificate(self, certificate);
        form::certificate(self, certificate);
        name::leaf(self, certificate);
        san::certificate(self, certificate);
        key::leaf(self, certificate);
        validity::leaf(self, certificate);
        usage::leaf(self, certificate);
        policy::certificate(self, certificate);
        go::certificate(self, certificate);
        validity::now(self, certificate);
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Prints one line, as `error[NL501] O=acme, CN=w (ab…): expected …, found …`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            lint,
            subject,
            message,
        } = self;
        write!(f, "{}[{}] {subject}: {message}", lint.severity, lint.code)
    }
}

#[cfg(test)]
mod tests;
