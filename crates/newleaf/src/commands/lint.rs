//! `newleaf lint`: what is wrong with certificates, sets of them, changes of sets, keys beside them, and filters.

mod sarif;

use std::{
    collections::BTreeSet,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use jiff::Timestamp;
use newleaf_x509::{
    Certificate, Chain, TrustBundle,
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
    passphrase::Source,
    session::Session,
};

/// Say what is wrong with certificates, sets of them, changes of sets, and filters
///
/// A FILE that begins with a leaf is judged as a chain, one of CAs as a trust bundle. With --bundle, chains are judged
/// against that bundle. With --current, the change from that bundle to --bundle is judged, and each FILE is a chain
/// that is in use. With --filters, the certificate filters are judged against the leaves that must pass them. With --key,
/// the private key is held against the first FILE, and the mode of its file is judged; the key itself is never shown. In
/// the profile self-hosted, all FILEs of CAs together are the CA files of one server. `-` is standard input, for one of them.
///
/// Exit code 0 if no error was found (warnings and notes may be), 3 if one was, 2 if a file cannot be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Chains and trust bundles, in PEM or DER; `-` for standard input
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
    /// The private key of the first FILE's leaf: whether it belongs to it, and who may read it
    #[arg(long, value_name = "FILE", requires = "files")]
    key: Option<PathBuf>,
    /// Who knows the passphrase of that key, if it has one
    #[arg(long, value_name = "PLACE", value_parser = Source::parse, default_value = "prompt", requires = "key")]
    key_passphrase: Source,
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
    /// For code scanning: SARIF 2.1.0
    Sarif,
}

/// A finding, and the file in which it was met.
#[derive(Debug)]
struct Met {
    file: PathBuf,
    finding: Finding,
}

/// What was found so far.
#[derive(Debug, Default)]
struct Docket(Vec<Met>);

impl Docket {
    fn enter(&mut self, file: &Path, findings: Vec<Finding>) {
        let met = |finding| Met {
            file: file.to_owned(),
            finding,
        };
        self.0.extend(findings.into_iter().map(met));
    }

    /// Returns the gravest first; among equals, in the order in which they were met. A certificate that stands in two
    /// files is judged once.
    fn close(mut self) -> Vec<Met> {
        self.0
            .sort_by_key(|met| std::cmp::Reverse(met.finding.lint.severity));
        let mut seen = BTreeSet::new();
        self.0.retain(|Met { finding, .. }| {
            let Finding {
                lint,
                subject,
                message,
            } = finding;
            seen.insert((lint.code, subject.clone(), message.clone()))
        });
        self.0
    }
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
    let mut docket = Docket::default();
    judge(args, &context, &mut docket)?;
    let met = docket.close();
    let console = session.console();
    match args.format {
        Format::Text => print_text(&met, console)?,
        Format::Json => print_json(&met, console)?,
        Format::Sarif => console.say(sarif::print(&met)?)?,
    }
    let worst = met.iter().map(|met| met.finding.lint.severity).max();
    Ok(match worst {
        Some(Severity::Error) => Exit::Findings,
        Some(Severity::Warning | Severity::Note) | None => Exit::Done,
    })
}

fn judge(args: &Args, context: &Context, docket: &mut Docket) -> Result<(), Failure> {
    let mut read = |path: &PathBuf| -> Result<Vec<Certificate>, Failure> {
        let (certificates, about_the_text) = read(path, context)?;
        docket.enter(path, about_the_text);
        Ok(certificates)
    };
    let bundle = args.bundle.as_ref().map(&mut read).transpose()?;
    let bundle = args.bundle.as_deref().zip(bundle.map(TrustBundle::new));
    let current = args.current.as_ref().map(&mut read).transpose()?;
    let current = current.map(TrustBundle::new);
    let leaves = args.leaf.iter().map(&mut read);
    let leaves = leaves.collect::<Result<Vec<_>, _>>()?.concat();
    let files = args.files.iter().map(&mut read);
    let files = files.collect::<Result<Vec<_>, _>>()?;
    if let Some((path, bundle)) = &bundle {
        docket.enter(path, lint::bundle(bundle, context));
    }
    let files: Vec<_> = args.files.iter().map(PathBuf::as_path).zip(files).collect();
    if let (Some(key), Some((_, certificates))) = (&args.key, files.first()) {
        judge_key((key, &args.key_passphrase), certificates, context, docket)?;
    }
    let accepting = bundle.as_ref().map(|(_, bundle)| bundle);
    let chains = judge_files(
        files,
        accepting.filter(|_| current.is_none()),
        context,
        docket,
    );
    if let (Some(current), Some((path, proposed))) = (&current, &bundle) {
        docket.enter(path, lint::transition(current, proposed, &chains, context));
    }
    if let Some(path) = &args.filters {
        let bundle = bundle.map_or_else(TrustBundle::default, |(_, bundle)| bundle);
        let filters = read_filters(path)?;
        docket.enter(path, lint::filters(&filters, &leaves, &bundle, context));
    }
    Ok(())
}

/// Judges each file as a chain or as a bundle, and returns the chains. The CA files of a server of one's own are judged
/// together too.
fn judge_files(
    files: Vec<(&Path, Vec<Certificate>)>,
    accepting: Option<&TrustBundle>,
    context: &Context,
    docket: &mut Docket,
) -> Vec<Chain> {
    let (mut chains, mut slots) = (Vec::new(), Vec::new());
    for (path, certificates) in files {
        match (Chain::new(certificates.clone()), accepting) {
            (Ok(chain), accepting) => {
                let findings = match accepting {
                    Some(bundle) => lint::chain_to(&chain, bundle, context),
                    None => lint::chain(&chain, context),
                };
                docket.enter(path, findings);
                chains.push(chain);
            }
            (Err(_a_ca_comes_first), _) => {
                let bundle = TrustBundle::new(certificates);
                docket.enter(path, lint::bundle(&bundle, context));
                slots.push((path, bundle));
            }
        }
    }
    if let Some((first, _)) = slots.first() {
        let place = first.to_path_buf();
        let slots: Vec<_> = slots.into_iter().map(|(_, slot)| slot).collect();
        docket.enter(&place, lint::ca_slot_files(&slots, context));
    }
    chains
}

/// Judges a private key by its public half and by the mode of its file.
fn judge_key(
    (path, passphrase): (&Path, &Source),
    certificates: &[Certificate],
    context: &Context,
    docket: &mut Docket,
) -> Result<(), Failure> {
    let key = files::open_key(path, passphrase)?;
    if let Some(leaf) = certificates.first() {
        docket.enter(path, lint::key_pair(leaf, key.public_key(), context));
    }
    if files::is_standard_input(path) {
        return Ok(());
    }
    let metadata = fs_err::metadata(path);
    let metadata = metadata.map_err(|error| Failure::new(&code::FILE_READ, error))?;
    let (place, mode) = (path.display().to_string(), metadata.permissions().mode());
    docket.enter(path, lint::key_file(&place, mode, context));
    Ok(())
}

/// Reads the certificates of a file, and what is wrong with its text. A private key among them is a finding, not quoted,
/// and does not keep the certificates from being judged.
fn read(path: &Path, context: &Context) -> Result<(Vec<Certificate>, Vec<Finding>), Failure> {
    let bytes = files::read_bytes(path)?;
    if bytes.first() == Some(&files::DER_SEQUENCE) {
        return Ok((files::certificates_of(path, bytes)?, Vec::new()));
    }
    let hint = files::hint(&bytes);
    let hinted = |failure| hint.into_iter().fold(failure, Failure::hint);
    let text = files::text_of(path, bytes).map_err(hinted)?;
    let unreadable = |error| hinted(Failure::new(&code::NOT_CERTIFICATES, error));
    let document = pem::parse(&text).map_err(|error| unreadable(Within::new(path, error)))?;
    let mut blocks = lint::pem_blocks(&text, &document, context);
    if let Some(error) = blocks.unreadable {
        return Err(unreadable(Within::new(path, error)));
    }
    for finding in &mut blocks.findings {
        finding.subject = format!("{}, {}", path.display(), finding.subject);
    }
    Ok((blocks.certificates, blocks.findings))
}

/// Reads certificate filters.
pub(super) fn read_filters(path: &Path) -> Result<Filters, Failure> {
    let text = files::read_text(path)?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::new(&code::NOT_FILTERS, Within::new(path, error))
            .hint("write `{\"filters\": [{\"commonName\": \"worker-*\"}]}`, as `tcld namespace certificate-filters export` does")
    })
}

fn print_json(met: &[Met], console: Console) -> Result<(), Failure> {
    let told: Vec<_> = met
        .iter()
        .map(|Met { finding, .. }| Told {
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

fn print_text(met: &[Met], console: Console) -> Result<(), Failure> {
    for Met { finding, .. } in met {
        let Finding {
            lint,
            subject,
            message,
        } = finding;
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
        met.iter()
            .filter(|met| met.finding.lint.severity == severity)
            .count()
    };
    if met.is_empty() {
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
