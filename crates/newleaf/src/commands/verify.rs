//! `newleaf verify`: whether a Temporal server that trusts a bundle accepts a chain, and if not, why.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use newleaf_x509::{Chain, Fingerprint, TrustBundle, describe::relative};
use serde::Serialize;

use crate::{
    code,
    console::{BAD, Console, GOOD},
    failure::{Exit, Failure},
    files,
    session::Session,
};

/// Tell whether a Temporal server that trusts a bundle accepts a client's chain
///
/// Each CHAIN is a file with a leaf and the intermediates that it is presented with. The answer is that of a server in Go
/// with client authentication, as Temporal's are, and of webpki: accepted only where both would. `newleaf lint --bundle` says
/// what else is wrong, and what to do about it.
///
/// Exit code 0 if every chain is accepted, 3 if one is refused, 2 if a file cannot be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Chains, leaf first, in PEM; or a leaf in DER; `-` for standard input
    #[arg(value_name = "CHAIN", required = true)]
    chains: Vec<PathBuf>,
    /// The CAs that the server trusts; `-` for standard input
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    /// The instant of judgement, such as 2026-11-22T06:00:00Z; now, if left out
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Print one JSON array: an object for each chain
    #[arg(long)]
    json: bool,
}

/// A verdict, as `--json` tells it. These fields stay.
#[derive(Debug, Serialize)]
struct Told {
    path: String,
    accepted: bool,
    /// The instant of judgement.
    at: Timestamp,
    /// The leaf's subject; of what is no chain, that of the first certificate.
    subject: String,
    /// The CA to which the chain leads.
    accepted_by: Option<Anchor>,
    /// When the first certificate of what is presented ends.
    not_after: Timestamp,
    /// Why the chain is refused.
    reason: Option<String>,
}

/// The CA to which a chain leads.
#[derive(Debug, Serialize)]
struct Anchor {
    subject: String,
    fingerprint: Fingerprint,
}

/// Runs `newleaf verify`.
pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let now = args.at.unwrap_or_else(|| session.now());
    let bundle = files::read_bundle(&args.bundle)?;
    let verdicts = args.chains.iter().map(|path| judge(path, &bundle, now));
    let verdicts = verdicts.collect::<Result<Vec<_>, _>>()?;
    let console = session.console();
    if args.json {
        let json = serde_json::to_string_pretty(&verdicts);
        console.say(json.map_err(|error| Failure::new(&code::BUG, error))?)?;
    } else {
        for verdict in &verdicts {
            say(verdict, console)?;
        }
    }
    let all = verdicts.iter().all(|verdict| verdict.accepted);
    Ok(if all { Exit::Done } else { Exit::Findings })
}

fn judge(path: &Path, bundle: &TrustBundle, now: Timestamp) -> Result<Told, Failure> {
    let certificates = files::read_certificates(path)?;
    let Some(first) = certificates.first().cloned() else {
        let none = format!("expected a chain in `{}`, found none", path.display());
        return Err(Failure::new(&code::NOT_CERTIFICATES, none));
    };
    let mut told = Told {
        path: path.display().to_string(),
        accepted: false,
        at: now,
        subject: first.subject().to_string(),
        accepted_by: None,
        not_after: first.not_after(),
        reason: None,
    };
    match Chain::new(certificates) {
        Err(no_chain) => told.reason = Some(no_chain.to_string()),
        Ok(chain) => {
            told.not_after = chain.not_after();
            match chain.accepted_by(bundle, now) {
                Err(refusal) => told.reason = Some(refusal.to_string()),
                Ok(ca) => {
                    told.accepted = true;
                    told.accepted_by = Some(Anchor {
                        subject: ca.subject().to_string(),
                        fingerprint: ca.fingerprint(),
                    });
                }
            }
        }
    }
    Ok(told)
}

fn say(told: &Told, console: Console) -> Result<(), Failure> {
    let Told { path, subject, .. } = told;
    match (&told.accepted_by, &told.reason) {
        (Some(Anchor { subject: ca, .. }), _) => {
            let word = console.paint(GOOD, "accepted");
            let end = relative(told.not_after, told.at);
            console.say(format_args!(
                "{path}: {word}: `{subject}`, by `{ca}`; the first of the chain ends {end}"
            ))
        }
        (None, reason) => {
            let word = console.paint(BAD, "refused");
            let reason = reason.as_deref().unwrap_or_default();
            console.say(format_args!("{path}: {word}: `{subject}`: {reason}"))
        }
    }
}
