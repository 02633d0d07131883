//! `newleaf completions`: what a shell needs to complete commands.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{
    commands::Cli,
    failure::{Exit, Failure},
    session::Session,
};

/// Print a script that teaches a shell to complete newleaf's commands
///
/// For bash: `newleaf completions bash > ~/.local/share/bash-completion/completions/newleaf`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

/// Runs `newleaf completions`.
pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "newleaf", &mut script);
    session.console().print(String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
