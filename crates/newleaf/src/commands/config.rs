//! `newleaf config`: what newleaf.yaml means, and whether it can be used.

use clap::Subcommand;
use newleaf_systems::domain::Custody;

use crate::{
    code,
    console::{FAINT, GOOD},
    failure::{Exit, Failure},
    session::Session,
};

/// Show and check the configuration
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Show(ShowArgs),
    /// Check the configuration, and that every secret and file that it refers to can be read
    Check,
}

/// Show every setting as newleaf understands it, the defaults included; secrets are shown as references
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// Show where each value comes from: a line of the file, or the defaults
    #[arg(long)]
    sources: bool,
}

/// Runs `newleaf config`.
pub(crate) fn run(command: &Command, session: &Session) -> Result<Exit, Failure> {
    match command {
        Command::Show(args) => show(args, session),
        Command::Check => check(session),
    }
}

/// A configuration that loads has its shape and its names; opening it reads what it refers to.
fn check(session: &Session) -> Result<Exit, Failure> {
    let config = session.config()?;
    for domain in config.domains() {
        domain.open()?;
        if let Custody::Sealed(who) | Custody::Token { pin: who, .. } = &domain.issuer.custody {
            let asked = who.ask();
            asked.map_err(|error| Failure::new(&code::PASSPHRASE, error))?;
        }
    }
    let console = session.console();
    let path = session.config_path().display();
    console.note(format_args!(
        "{}: `{path}`",
        console.paint_err(GOOD, "can be used")
    ));
    Ok(Exit::Done)
}

fn show(ShowArgs { sources }: &ShowArgs, session: &Session) -> Result<Exit, Failure> {
    let config = session.config()?;
    let console = session.console();
    for setting in config.settings() {
        let source = match setting.line {
            Some(line) => format!("line {line}"),
            None => "default".to_owned(),
        };
        let (key, value) = (&setting.key, &setting.value);
        let line = if *sources {
            format!(
                "{key}: {value}  {}",
                console.paint(FAINT, format_args!("# {source}"))
            )
        } else {
            format!("{key}: {value}")
        };
        console.say(line)?;
    }
    Ok(Exit::Done)
}
