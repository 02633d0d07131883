//! `newleaf config`: what newleaf.yaml means.

use clap::Subcommand;

use crate::{
    console::FAINT,
    failure::{Exit, Failure},
    session::Session,
};

/// Show and check the configuration
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Show(ShowArgs),
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
    let Command::Show(ShowArgs { sources }) = command;
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
