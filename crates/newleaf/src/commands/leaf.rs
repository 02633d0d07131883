//! `newleaf leaf`: issue a leaf.

use std::path::PathBuf;

use clap::Subcommand;
use jiff::SignedDuration;
use newleaf_identity::directory;
use newleaf_x509::issue::{San, Subject};

use super::inspect;
use crate::{
    console::{GOOD, HEAD},
    failure::{Exit, Failure},
    files::Existing,
    issue::{self, CA_FILE, CA_KEY_FILE, Signer, Wanted},
    session::Session,
    text::{self, KeyName},
};

/// Issue leaves
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Issue(Box<IssueArgs>),
}

/// Issue a leaf for a client of Temporal: DIR/tls.crt and DIR/tls.key
///
/// The leaf says what Temporal asks for and nothing more: digitalSignature, clientAuth, not a CA. A leaf that would outlive
/// its CA is refused, never shortened silently.
#[derive(Debug, clap::Args)]
pub(crate) struct IssueArgs {
    /// The directory of the CA: its ca.crt and ca.key sign
    #[arg(long, value_name = "DIR", required_unless_present = "ca_cert", conflicts_with_all = ["ca_cert", "ca_key"])]
    ca: Option<PathBuf>,
    /// The CA's certificate, where it is not DIR/ca.crt
    #[arg(long, value_name = "FILE", requires = "ca_key")]
    ca_cert: Option<PathBuf>,
    /// The CA's private key, where it is not DIR/ca.key
    #[arg(long, value_name = "FILE", requires = "ca_cert")]
    ca_key: Option<PathBuf>,
    /// Where to write tls.crt and tls.key
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Who is certified
    #[arg(long, value_name = "CN")]
    common_name: String,
    /// The organization
    #[arg(long, value_name = "O")]
    organization: Option<String>,
    /// The organizational unit
    #[arg(long, value_name = "OU")]
    organizational_unit: Option<String>,
    /// Another name: dns:NAME, uri:URI or ip:ADDRESS; may be repeated
    #[arg(long, value_name = "NAME", value_parser = text::san)]
    san: Vec<San>,
    /// The kind of key
    #[arg(long, value_name = "KIND", default_value = "ecdsa-p256")]
    key: KeyName,
    /// How long the leaf lives
    #[arg(long, value_name = "SPAN", default_value = "30d", value_parser = text::positive_span)]
    lifetime: SignedDuration,
    /// Replace the files that are there
    #[arg(long)]
    force: bool,
}

/// Runs `newleaf leaf`.
pub(crate) fn run(command: Command, session: &Session) -> Result<Exit, Failure> {
    match command {
        Command::Issue(args) => issue(*args, session),
    }
}

fn issue(args: IssueArgs, session: &Session) -> Result<Exit, Failure> {
    let signer = match (args.ca, args.ca_cert, args.ca_key) {
        (None, Some(certificate), Some(key)) => Signer::read(&certificate, &key)?,
        (directory, _, _) => {
            let directory = directory.unwrap_or_default();
            Signer::read(&directory.join(CA_FILE), &directory.join(CA_KEY_FILE))?
        }
    };
    let wanted = Wanted {
        subject: Subject::new(
            args.common_name,
            args.organization,
            args.organizational_unit,
        )
        .map_err(issue::refused)?,
        key: args.key,
        lifetime: args.lifetime,
        directory: args.out,
        existing: if args.force {
            Existing::Replace
        } else {
            Existing::Keep
        },
    };
    let now = session.now();
    let chain = wanted.leaf(&signer, args.san, now)?;
    let console = session.console();
    console.note(format_args!(
        "{} leaf `{}`",
        console.paint_err(GOOD, "issued"),
        console.paint_err(HEAD, chain.leaf().subject()),
    ));
    console.print(inspect::tree(chain.leaf(), now, console))?;
    let file = |name: &str| wanted.directory.join(name).display().to_string();
    console.note(format_args!("chain  {}", file(directory::CHAIN_FILE)));
    console.note(format_args!("key    {}  (0600)", file(directory::KEY_FILE)));
    Ok(Exit::Done)
}
