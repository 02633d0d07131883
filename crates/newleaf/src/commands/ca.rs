//! `newleaf ca`: make the first CA of a trust domain, or one that stands alone, and show what is there.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Subcommand};
use jiff::SignedDuration;
use newleaf_rotation::Generation;
use newleaf_systems::issuer::LocalCa;
use newleaf_x509::{Certificate, issue::Subject};

use super::inspect;
use crate::{
    code,
    console::{GOOD, HEAD, WARN},
    failure::{Exit, Failure},
    files::Existing,
    issue::{self, CA_FILE, CA_KEY_FILE, Wanted},
    session::Session,
    text::{self, KeyName},
};

/// The CA with which a trust domain begins.
const FIRST: Generation = Generation(1);

/// Make and show CAs
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    New(NewArgs),
    Show(ShowArgs),
}

/// Make a CA: the first one of a trust domain, or one that stands alone
///
/// With DOMAIN, the CA is generation g1 of that trust domain, as newleaf.yaml describes it. Later generations are made by
/// `newleaf rotate ca`, which also moves everybody over.
///
/// With --out, the CA stands alone: DIR/ca.crt and DIR/ca.key are written, and no configuration is read.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("which").required(true).args(["domain", "out"]))]
pub(crate) struct NewArgs {
    /// The trust domain, as newleaf.yaml names it
    domain: Option<String>,
    #[command(flatten)]
    alone: Alone,
}

/// A CA that stands alone.
#[derive(Debug, clap::Args)]
struct Alone {
    /// Make a CA that stands alone, in this directory
    #[arg(long, value_name = "DIR", requires = "common_name")]
    out: Option<PathBuf>,
    /// Who is certified; put the generation into the name, as in "payments-ca g1"
    #[arg(long, value_name = "CN", requires = "out")]
    common_name: Option<String>,
    /// The organization
    #[arg(long, value_name = "O", requires = "out")]
    organization: Option<String>,
    /// The kind of key
    #[arg(
        long,
        value_name = "KIND",
        requires = "out",
        default_value = "ecdsa-p384"
    )]
    key: KeyName,
    /// How long the CA lives
    #[arg(
        long,
        value_name = "SPAN",
        requires = "out",
        default_value = "365d",
        value_parser = text::positive_span
    )]
    lifetime: SignedDuration,
    /// Replace the files that are there
    #[arg(long, requires = "out")]
    force: bool,
}

/// Show the CAs of a trust domain: every generation, and what is left of it
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// The trust domain, as newleaf.yaml names it
    domain: String,
}

/// Runs `newleaf ca`.
pub(crate) fn run(command: Command, session: &Session) -> Result<Exit, Failure> {
    match command {
        Command::New(NewArgs {
            domain: Some(domain),
            ..
        }) => first_of(&domain, session),
        Command::New(NewArgs {
            domain: None,
            alone,
        }) => stand_alone(alone, session),
        Command::Show(args) => show(&args, session),
    }
}

fn stand_alone(alone: Alone, session: &Session) -> Result<Exit, Failure> {
    let Alone {
        out,
        common_name,
        organization,
        key,
        lifetime,
        force,
    } = alone;
    // Both are there: clap asks for the one without a domain, and for the other with it.
    let (directory, common_name) = (out.unwrap_or_default(), common_name.unwrap_or_default());
    let wanted = Wanted {
        subject: Subject::new(common_name, organization, None).map_err(issue::refused)?,
        key,
        lifetime,
        directory,
        existing: if force {
            Existing::Replace
        } else {
            Existing::Keep
        },
    };
    let certificate = wanted.ca(session.now())?;
    made(&certificate, &wanted.directory, session)
}

fn first_of(name: &str, session: &Session) -> Result<Exit, Failure> {
    let config = session.config()?;
    let domain = config.domain(name)?;
    let ca = LocalCa::new(&domain.id, &domain.issuer);
    if let Some((newest, _)) = ca.generations()?.last() {
        let directory = domain.issuer.directory.display();
        return Err(Failure::new(
            &code::CA_EXISTS,
            format!("expected no CA of trust domain `{name}` in `{directory}`, found {newest}"),
        )
        .hint(format!(
            "`newleaf rotate ca {name}` makes the next one and moves everybody over"
        )));
    }
    let certificate = ca.make(FIRST, session.now())?;
    made(
        &certificate,
        &domain.issuer.directory.join(FIRST.to_string()),
        session,
    )
}

fn show(args: &ShowArgs, session: &Session) -> Result<Exit, Failure> {
    let config = session.config()?;
    let domain = config.domain(&args.domain)?;
    let ca = LocalCa::new(&domain.id, &domain.issuer);
    let (console, now) = (session.console(), session.now());
    let context = issue::rules(now);
    let generations = ca.generations()?;
    if generations.is_empty() {
        let name = &args.domain;
        console.note(format_args!(
            "no CA yet; `newleaf ca new {name}` makes the first one"
        ));
    }
    for (n, (generation, certificate)) in generations.iter().enumerate() {
        let seen = ca.look(*generation, &context)?;
        let key = if seen.key {
            "its key is there"
        } else {
            "its key is gone"
        };
        let gap = if n == 0 { "" } else { "\n" };
        let head = console.paint(HEAD, generation).to_string();
        console.say(format_args!("{gap}{head}  {key}"))?;
        console.print(inspect::tree(certificate, now, console))?;
        for finding in seen.findings {
            console.note(format_args!(
                "{}: {finding}",
                console.paint_err(WARN, generation)
            ));
        }
    }
    Ok(Exit::Done)
}

fn made(certificate: &Certificate, directory: &Path, session: &Session) -> Result<Exit, Failure> {
    let console = session.console();
    let subject = console.paint_err(HEAD, certificate.subject()).to_string();
    console.note(format_args!(
        "{} CA `{subject}`",
        console.paint_err(GOOD, "made")
    ));
    console.print(inspect::tree(certificate, session.now(), console))?;
    let file = |name: &str| directory.join(name).display().to_string();
    console.note(format_args!("certificate  {}", file(CA_FILE)));
    let secret = "0600; whoever has it can sign: keep it here";
    console.note(format_args!(
        "key          {}  ({secret})",
        file(CA_KEY_FILE)
    ));
    Ok(Exit::Done)
}
