//! `newleaf lint`: what is wrong with certificates, sets of them, changes of sets, and filters.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use jiff::Timestamp;
use newleaf_x509::{
    Certificate, Chain, TrustBundle,
    certificate::PEM_LABEL,
    filter::Filters,
    lint::{self, Context, Finding, Profile, Severity},
    pem,
};
use serde::Serialize;

use crate::{
    code,
    console::{BAD, Console, FAINT, GOOD, HINT, WARN},
    failure::{Exit, Failure},
    files::{self, Within},
    session::Session,
};

/// Say what is wrong with certificates, sets of them, changes of sets, and filters
///
/// A FILE that begins with a leaf is judged as a chain, one of CAs as a trust bundle. With --bundle, chains are judged
/// against that bundle. With --current, the change from that bundle to --bundle is judged, and each FILE is a chain
/// that is in use. With --filters, the certificate filters are judged against the leaves that must pass them.
///
/// Exit code 0 if no error was found (warnings and notes may be), 3 if one was, 2 if a file cannot be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Chains and trust bundles, in PEM or DER
    #[arg(value_name = "FILE", required_unless_present_any = ["bundle", "filters"])]
    files: Vec<PathBuf>,
    /// Who judges
    #[arg(long, value_enum, default_value = "temporal-cloud")]
    profile: ProfileName,
    /// How findings are printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The instant of judgement, such as 2026-11-22T06:00:00Z; now, if left out
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// The trust bundle that is, or is to be, accepted
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// The trust bundle that is accepted today: judge the change to --bundle
    #[arg(long, value_name = "FILE", requires = "bundle")]
    current: Option<PathBuf>,
    /// Certificate filters, as JSON in the form of tcld
    #[arg(long, value_name = "FILE", requires = "leaf")]
    filters: Option<PathBuf>,
    /// A leaf that must pass the filters; may be repeated
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "filters")]
    leaf: Vec<PathBuf>,
}

/// Who judges.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ProfileName {
    /// A namespace of Temporal Cloud
    TemporalCloud,
    /// A Temporal server of one's own
    SelfHosted,
    /// RFC 5280 alone
    Rfc5280,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For machines: an array of objects
    Json,
}

/// A finding, as `--format json` tells it. These fields stay.
#[derive(Debug, Serialize)]
struct Told<'f> {
    code: &'f str,
    severity: Severity,
    subject: &'f str,
    message: &'f str,
    citation: &'f str,
}

impl From<ProfileName> for Profile {
    fn from(name: ProfileName) -> Self {
        match name {
            ProfileName::TemporalCloud => Self::TemporalCloud,
            ProfileName::SelfHosted => Self::SelfHosted,
            ProfileName::Rfc5280 => Self::Rfc5280,
        }
    }
}

/// Returns the name of a profile, as it is written.
pub(crate) fn profile_name(profile: Profile) -> &'static str {
    match profile {
        Profile::TemporalCloud => "temporal-cloud",
        Profile::SelfHosted => "self-hosted",
        Profile::Rfc5280 => "rfc5280",
    }
}

/// Runs `newleaf lint`.
pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let context = Context {
        profile: args.profile.into(),
        now: args.at.unwrap_or_else(|| session.now()),
    };
    let mut findings = judge(args, &context)?;
    // The gravest first; among equals, the order in which they were met. A certificate that stands in two files is
    // judged once.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.lint.severity));
    let mut once: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings {
        if !once.contains(&finding) {
            once.push(finding);
        }
    }
    let console = session.console();
    match args.format {
        Format::Text => print_text(&once, console)?,
        Format::Json => print_json(&once, console)?,
    }
    Ok(match lint::worst(&once) {
        Some(Severity::Error) => Exit::Findings,
        Some(Severity::Warning | Severity::Note) | None => Exit::Done,
    })
}

fn judge(args: &Args, context: &Context) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    let mut read = |path: &Path| -> Result<Vec<Certificate>, Failure> {
        let (certificates, about_the_text) = read(path, context)?;
        findings.extend(about_the_text);
        Ok(certificates)
    };
    let bundle = args
        .bundle
        .as_deref()
        .map(&mut read)
        .transpose()?
        .map(TrustBundle::new);
    let current = args
        .current
        .as_deref()
        .map(&mut read)
        .transpose()?
        .map(TrustBundle::new);
    let leaves = args
        .leaf
        .iter()
        .map(|path| read(path))
        .collect::<Result<Vec<_>, _>>()?
        .concat();
    let files = args
        .files
        .iter()
        .map(|path| read(path))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(bundle) = &bundle {
        findings.extend(lint::bundle(bundle, context));
    }
    let mut in_use = Vec::new();
    for certificates in files {
        match (Chain::new(certificates.clone()), &bundle) {
            (Ok(chain), Some(bundle)) if current.is_none() => {
                findings.extend(lint::chain_to(&chain, bundle, context));
            }
            (Ok(chain), _) => {
                findings.extend(lint::chain(&chain, context));
                in_use.push(chain);
            }
            (Err(_a_ca_comes_first), _) => {
                findings.extend(lint::bundle(&TrustBundle::new(certificates), context));
            }
        }
    }
    if let (Some(current), Some(proposed)) = (&current, &bundle) {
        findings.extend(lint::transition(current, proposed, &in_use, context));
    }
    if let Some(path) = &args.filters {
        let bundle = bundle.unwrap_or_default();
        findings.extend(lint::filters(
            &read_filters(path)?,
            &leaves,
            &bundle,
            context,
        ));
    }
    Ok(findings)
}

/// Reads the certificates of a file, and what is wrong with its text. A private key among them is a finding, not quoted,
/// and does not keep the certificates from being judged.
fn read(path: &Path, context: &Context) -> Result<(Vec<Certificate>, Vec<Finding>), Failure> {
    let bytes = files::read_bytes(path)?;
    if bytes.first() == Some(&files::DER_SEQUENCE) {
        return Ok((files::read_certificates(path)?, Vec::new()));
    }
    let text = files::text_of(path, bytes)?;
    let unreadable = |error| Failure::new(&code::NOT_CERTIFICATES, error);
    let document = pem::parse(&text).map_err(|error| unreadable(Within::new(path, error)))?;
    let certificates = document
        .blocks
        .iter()
        .filter(|block| block.label == PEM_LABEL)
        .map(|block| Certificate::from_der(&block.der))
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(Within::new(path, error)))?;
    let mut findings = lint::pem_text(&text, context);
    for finding in &mut findings {
        finding.subject = format!("{}, {}", path.display(), finding.subject);
    }
    Ok((certificates, findings))
}

/// Reads certificate filters.
pub(super) fn read_filters(path: &Path) -> Result<Filters, Failure> {
    let text = files::read_text(path)?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::new(&code::NOT_FILTERS, Within::new(path, error))
            .hint("write `{\"filters\": [{\"commonName\": \"worker-*\"}]}`, as `tcld namespace certificate-filters export` does")
    })
}

fn print_json(findings: &[Finding], console: Console) -> Result<(), Failure> {
    let told: Vec<_> = findings
        .iter()
        .map(|finding| Told {
            code: finding.lint.code,
            severity: finding.lint.severity,
            subject: &finding.subject,
            message: &finding.message,
            citation: finding.lint.citation,
        })
        .collect();
    let json =
        serde_json::to_string_pretty(&told).map_err(|error| Failure::new(&code::BUG, error))?;
    console.say(json)
}

fn print_text(findings: &[Finding], console: Console) -> Result<(), Failure> {
    for Finding {
        lint,
        subject,
        message,
    } in findings
    {
        let style = match lint.severity {
            Severity::Error => BAD,
            Severity::Warning => WARN,
            Severity::Note => HINT,
        };
        let head = console
            .paint(style, format_args!("{}[{}]", lint.severity, lint.code))
            .to_string();
        console.say(format_args!("{head}: {message}"))?;
        console.say(format_args!("  in:   {subject}"))?;
        console.say(format_args!(
            "  why:  {} {}",
            lint.says,
            console.paint(FAINT, format_args!("({})", lint.citation))
        ))?;
        console.say(format_args!("  help: {}\n", lint.advice))?;
    }
    let count = |severity| {
        findings
            .iter()
            .filter(|finding| finding.lint.severity == severity)
            .count()
    };
    if findings.is_empty() {
        console.note(console.paint_err(GOOD, "nothing is wrong"));
    } else {
        let (errors, warnings, notes) = (
            count(Severity::Error),
            count(Severity::Warning),
            count(Severity::Note),
        );
        console.note(format_args!(
            "errors: {errors}, warnings: {warnings}, notes: {notes}"
        ));
    }
    Ok(())
}
