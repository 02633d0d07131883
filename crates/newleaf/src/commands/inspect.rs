//! `newleaf inspect`: what certificates and keys say, the time that is left first.

mod document;
mod item;
mod key;
mod point;
mod server;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use newleaf_x509::{
    Certificate,
    describe::{Description, Standing},
};

use self::{item::Found, key::KeyItem};
use crate::{
    code,
    console::{BAD, Console, FAINT, GOOD, HEAD, WARN},
    failure::{Exit, Failure},
    passphrase::Source,
    session::Session,
};

/// Show what certificates and keys say, the time that is left first
///
/// A TARGET is a file in PEM, DER or PKCS #12; a directory, of which every certificate and key is shown; `-` for standard
/// input; or HOST:PORT, to show what a server presents and which client CAs it asks for. A file in JSON or YAML is searched
/// for certificates: a Kubernetes Secret (`kubectl get secret NAME -o json | newleaf inspect -`), what AWS Secrets Manager or
/// ACM print. With --trust-point, what a trust point of the configuration accepts is shown.
///
/// A private key is named by its kind and by the certificate that it belongs to; nothing else of it is ever printed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files, directories, `-`, or HOST:PORT
    #[arg(required_unless_present = "trust_point", value_name = "TARGET")]
    targets: Vec<PathBuf>,
    /// A trust point of the configuration, as DOMAIN/POINT: show the trust bundle and the filters that it has now
    #[arg(long, value_name = "DOMAIN/POINT")]
    trust_point: Vec<String>,
    /// Who knows the passphrase of a PKCS #12 file or an encrypted key: `env:NAME`, `file:PATH`, `keyring:NAME`,
    /// `command:PROGRAM ARGUMENT …` or `prompt`; without it, they stay shut
    #[arg(long, value_name = "PLACE", value_parser = Source::parse)]
    passphrase: Option<Source>,
    /// The CAs by which a server is judged; the platform's, if left out
    #[arg(long, value_name = "FILE")]
    server_ca: Option<PathBuf>,
    /// The name that a server's certificate must bear; the host, if left out
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Print one JSON array: an object for each file
    #[arg(long)]
    json: bool,
    /// The instant from which time is counted, such as 2026-11-22T06:00:00Z; now, if left out
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

/// A mode whose last six bits are clear leaves nothing to group and others.
const OWNER_ONLY: u32 = 6;

/// Runs `newleaf inspect`.
pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let now = args.at.unwrap_or_else(|| session.now());
    let mut found = Vec::new();
    for target in &args.targets {
        match address(target) {
            Some(address) => found.push(server::at(address, args)?),
            None => found.extend(item::at(target, args.passphrase.as_ref())?),
        }
    }
    for name in &args.trust_point {
        found.push(point::at(name, session)?);
    }
    item::pair_keys(&mut found);
    let console = session.console();
    if args.json {
        let described: Vec<_> = found.iter().map(|found| found.describe(now)).collect();
        let json = serde_json::to_string_pretty(&described)
            .map_err(|error| Failure::new(&code::BUG, error))?;
        console.say(json)?;
        return Ok(Exit::Done);
    }
    for (n, found) in found.iter().enumerate() {
        if n > 0 {
            console.say("")?;
        }
        show(found, now, console)?;
    }
    Ok(Exit::Done)
}

/// Returns a target that is an address: there is no such file, and a port stands behind its last colon.
fn address(target: &Path) -> Option<&str> {
    let text = target.to_str()?;
    let (host, port) = text.rsplit_once(':')?;
    let is_address = !host.is_empty() && port.parse::<u16>().is_ok() && !target.exists();
    is_address.then_some(text)
}

fn show(found: &Found, now: Timestamp, console: Console) -> Result<(), Failure> {
    console.say(console.paint(HEAD, &found.name))?;
    let n_items = found.facts.len() + found.certificates.len() + found.keys.len();
    let facts = found
        .facts
        .iter()
        .map(|(name, fact)| format!("{name:<13}{fact}"));
    let trees = found
        .certificates
        .iter()
        .map(|certificate| tree(certificate, now, console));
    let keys = found.keys.iter().map(|key| key_tree(key, console));
    for (n, lines) in facts.chain(trees).chain(keys).enumerate() {
        let last = n + 1 == n_items;
        let (first, rest) = if last {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        for (n, line) in lines.lines().enumerate() {
            let branch = if n == 0 { first } else { rest };
            console.say(format_args!("{}{line}", console.paint(FAINT, branch)))?;
        }
    }
    Ok(())
}
/// Describes a certificate in lines, the first in the colour of its standing.
pub(crate) fn tree(certificate: &Certificate, now: Timestamp, console: Console) -> String {
    let described = Description::of(certificate, now);
    let style = match described.standing {
        Standing::Valid if ends_soon(certificate, now) => WARN,
        Standing::Valid => GOOD,
        Standing::NotYetValid => WARN,
        Standing::Expired => BAD,
    };
    let text = described.to_string();
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    format!("{}\n{rest}", console.paint(style, first))
}

/// The last third of a lifetime is when renewals are due (RFC 9773 §4.2 recommends the same for ACME clients).
fn ends_soon(certificate: &Certificate, now: Timestamp) -> bool {
    let lifetime = certificate
        .not_after()
        .duration_since(certificate.not_before());
    let left = certificate.not_after().duration_since(now);
    left.as_secs() < lifetime.as_secs() / 3
}

fn key_tree(key: &KeyItem, console: Console) -> String {
    let kind = format!("private key  {}", key.kind);
    let mode = key.mode.map(|mode| {
        let text = format!("mode         {mode:04o}");
        if mode.trailing_zeros() >= OWNER_ONLY {
            text
        } else {
            console
                .paint(WARN, format_args!("{text}, readable by others"))
                .to_string()
        }
    });
    let owner = match &key.certificate {
        Some(fingerprint) => format!("belongs to   {fingerprint}"),
        None => "belongs to   no certificate shown here".to_owned(),
    };
    let lines = [Some(kind), Some(owner), mode];
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}
