//! `newleaf ca`: make the first CA of a trust domain, or one that stands alone, and show what is there.

mod alone;

use std::path::Path;

use clap::{ArgGroup, Subcommand};
use newleaf_rotation::Generation;
use newleaf_systems::{domain, issuer::LocalCa};
use newleaf_x509::Certificate;

use self::alone::Alone;
use super::{inspect, options};
use crate::{
    code,
    console::{GOOD, HEAD, WARN},
    failure::{Exit, Failure},
    issue::{self, CA_FILE, CA_KEY_FILE},
    session::Session,
};

/// The CA with which a trust domain begins.
const FIRST: Generation = Generation(1);

/// Make and show CAs
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    New(Box<NewArgs>),
    Show(ShowArgs),
}

/// Make a CA: the first one of a trust domain, or one that stands alone
///
/// With DOMAIN, the CA is generation g1 of that trust domain, as newleaf.yaml describes it. Later generations are made by
/// `newleaf rotate ca`, which also moves everybody over.
///
/// With --out, the CA stands alone: DIR/ca.crt and DIR/ca.key are written, and no configuration is read. The key is encrypted
/// with a passphrase, unless --unencrypted says otherwise. With --parent, the CA is signed by another one instead of by
/// itself, never for longer and never for longer chains than that one allows.
#[derive(Debug, clap::Args)]
#[command(
    group = ArgGroup::new("which").required(true).args(["domain", "out"]),
    mut_arg("common_name", options::optional),
    mut_arg("parent", options::optional)
)]
pub(crate) struct NewArgs {
    /// The trust domain, as newleaf.yaml names it
    #[arg(conflicts_with_all = [
        "SubjectArgs", "KeyArgs", "ValidityArgs", "path_length", "permit", "exclude", "ParentArgs", "CaKeyArgs", "unencrypted", "force"
    ])]
    domain: Option<String>,
    #[command(flatten)]
    alone: Alone,
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
        Command::New(args) => match args.domain {
            Some(domain) => first_of(&domain, session),
            None => alone::make(args.alone, session),
        },
        Command::Show(args) => show(&args, session),
    }
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
    let directory = domain.issuer.directory.join(FIRST.to_string());
    let key = match &domain.issuer.custody {
        domain::Custody::Plain => KeyPlace::Plain,
        domain::Custody::Sealed(_) => KeyPlace::Sealed,
        domain::Custody::Token { options, .. } => KeyPlace::Token(options.token.clone()),
    };
    made(&certificate, &directory, &key, session)
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

/// Where the key of a CA was put.
enum KeyPlace {
    /// In a file, as it is.
    Plain,
    /// In a file, behind a passphrase.
    Sealed,
    /// In a token.
    Token(String),
}

fn made(
    certificate: &Certificate,
    directory: &Path,
    key: &KeyPlace,
    session: &Session,
) -> Result<Exit, Failure> {
    let console = session.console();
    let subject = console.paint_err(HEAD, certificate.subject()).to_string();
    console.note(format_args!(
        "{} CA `{subject}`",
        console.paint_err(GOOD, "made")
    ));
    console.print(inspect::tree(certificate, session.now(), console))?;
    let file = |name: &str| directory.join(name).display().to_string();
    console.note(format_args!("certificate  {}", file(CA_FILE)));
    let key_file = file(CA_KEY_FILE);
    match key {
        KeyPlace::Plain => console.note(format_args!(
            "key          {key_file}  (0600, {}: whoever reads the file can sign)",
            console.paint_err(WARN, "not encrypted")
        )),
        KeyPlace::Sealed => console.note(format_args!(
            "key          {key_file}  (0600, encrypted; without the passphrase it is lost)"
        )),
        KeyPlace::Token(token) => {
            console.note(format_args!(
                "key          in token `{token}`, which keeps it"
            ));
        }
    }
    Ok(Exit::Done)
}
