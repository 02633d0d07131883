//! `newleaf diff`: what it means to replace one trust bundle by another.

use std::path::PathBuf;

use jiff::Timestamp;
use newleaf_x509::{
    Certificate, Fingerprint,
    bundle::compare::{self, Fate, FateKind},
    describe::{Standing, relative, span},
};
use serde::Serialize;

use crate::{
    code,
    console::{BAD, Console, FAINT, GOOD, WARN},
    failure::{Exit, Failure},
    files,
    session::Session,
};

/// Show what it means to replace one trust bundle by another
///
/// Certificates are compared by what they are, not by the text: order, comments and line breaks are no difference. For each CA
/// it is told whose leaves stay accepted. Whether the change may be made is `newleaf lint --bundle NEW --current OLD`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The bundle that is there; `-` for standard input, here or in the place of NEW
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The bundle that is to replace it
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Print one JSON array: an object for each CA
    #[arg(long)]
    json: bool,
    /// End with 1 if the bundles differ, and with 0 if they do not
    #[arg(long)]
    exit_code: bool,
    /// The instant from which time is counted, such as 2026-11-22T06:00:00Z; now, if left out
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

/// One CA, as `--json` tells it.
#[derive(Debug, Serialize)]
struct Told<'a> {
    change: FateKind,
    subject: String,
    /// The certificate of the old bundle.
    old: Option<Fingerprint>,
    /// The certificate of the new bundle.
    new: Option<Fingerprint>,
    /// Whether leaves that the CA signed under the old bundle are accepted under the new one; for an added CA, whether
    /// they are accepted from now on.
    leaves_accepted: Accepted,
    /// The end of the certificate that the new bundle has, else of that of the old one.
    not_after: Timestamp,
    meaning: &'a str,
}

/// Whether leaves are accepted.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Accepted {
    Yes,
    No,
    /// If they bring the removed intermediate along in their chain.
    WithChain,
}

/// Runs `newleaf diff`.
pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let now = args.at.unwrap_or_else(|| session.now());
    let (old, new) = (
        files::read_bundle(&args.old)?,
        files::read_bundle(&args.new)?,
    );
    let fates = compare::compare(&old, &new);
    let console = session.console();
    if args.json {
        let told: Vec<_> = fates.iter().filter_map(tell).collect();
        let json =
            serde_json::to_string_pretty(&told).map_err(|error| Failure::new(&code::BUG, error))?;
        console.say(json)?;
    } else {
        for fate in &fates {
            show(fate, now, console)?;
        }
        console.say(summary(&fates))?;
    }
    let differ = fates.iter().any(|fate| fate.kind() != FateKind::Kept);
    Ok(if args.exit_code && differ {
        Exit::Refused
    } else {
        Exit::Done
    })
}

fn tell(fate: &Fate) -> Option<Told<'static>> {
    let certificate = fate.after().or(fate.before())?;
    Some(Told {
        change: fate.kind(),
        subject: certificate.subject().to_string(),
        old: fate.before().map(Certificate::fingerprint),
        new: fate.after().map(Certificate::fingerprint),
        leaves_accepted: accepted(fate),
        not_after: certificate.not_after(),
        meaning: meaning(fate),
    })
}

fn accepted(fate: &Fate) -> Accepted {
    match fate {
        Fate::Kept(_) | Fate::Reissued { .. } | Fate::Added(_) => Accepted::Yes,
        Fate::Removed {
            covered_by: Some(_),
            ..
        } => Accepted::WithChain,
        Fate::Rekeyed { .. }
        | Fate::Removed {
            covered_by: None, ..
        } => Accepted::No,
    }
}

fn meaning(fate: &Fate) -> &'static str {
    match fate {
        Fate::Kept(_) => "unchanged",
        Fate::Reissued { .. } => "reissued under the same key: its leaves stay accepted",
        Fate::Rekeyed { .. } => {
            "the same name under another key: leaves of the old key are refused, and verifiers that look issuers up by name may take the wrong one"
        }
        Fate::Added(_) => "added: leaves that it signed are accepted from now on",
        Fate::Removed {
            covered_by: Some(_),
            ..
        } => "removed: leaves stay accepted only if their chain holds it, by way of its own issuer",
        Fate::Removed {
            covered_by: None, ..
        } => "removed: leaves that it signed are refused",
    }
}

fn show(fate: &Fate, now: Timestamp, console: Console) -> Result<(), Failure> {
    let (mark, style) = match fate.kind() {
        FateKind::Kept => ("=", FAINT),
        FateKind::Reissued => ("~", GOOD),
        FateKind::Rekeyed => ("!", BAD),
        FateKind::Added => ("+", GOOD),
        FateKind::Removed => ("-", WARN),
    };
    let Some(certificate) = fate.after().or(fate.before()) else {
        return Ok(());
    };
    let head = format!("{mark} {}", certificate.subject());
    console.say(format_args!(
        "{}  {}",
        console.paint(style, head),
        console.paint(FAINT, certificate.fingerprint().short())
    ))?;
    console.say(format_args!("    {}", meaning(fate)))?;
    if let Fate::Reissued { old, new } | Fate::Rekeyed { old, new } = fate {
        console.say(format_args!(
            "    was {}, {}; is now {}",
            old.fingerprint().short(),
            life(old, now),
            life(new, now)
        ))
    } else {
        console.say(format_args!("    {}", life(certificate, now)))
    }
}

fn life(certificate: &Certificate, now: Timestamp) -> String {
    match Standing::of(certificate, now) {
        Standing::Valid => format!("{} left", span(certificate.not_after().duration_since(now))),
        Standing::NotYetValid => format!("begins {}", relative(certificate.not_before(), now)),
        Standing::Expired => format!("ended {}", relative(certificate.not_after(), now)),
    }
}

fn summary(fates: &[Fate]) -> String {
    let count = |kind| fates.iter().filter(|fate| fate.kind() == kind).count();
    let said: Vec<_> = [
        (FateKind::Kept, "unchanged"),
        (FateKind::Reissued, "reissued"),
        (FateKind::Rekeyed, "rekeyed"),
        (FateKind::Added, "added"),
        (FateKind::Removed, "removed"),
    ]
    .into_iter()
    .filter(|(kind, _)| count(*kind) > 0)
    .map(|(kind, word)| format!("{} {word}", count(kind)))
    .collect();
    if said.is_empty() {
        "both bundles are empty".to_owned()
    } else {
        said.join(", ")
    }
}
