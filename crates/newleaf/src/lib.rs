//! The command line of newleaf: parse, run, and say how it ended. The program is `main`, and nothing more.
//!
//! **What lives here.** Words: arguments, the configuration file, sentences, exit codes. One file a command in
//! `commands`; `failure` is the only place where an error becomes sentences; `config` is the only reader of
//! the configuration and of the secrets that it refers to.
//!
//! **What never will.** No rule about certificates (`newleaf-x509`), no decision about a rotation
//! (`newleaf-rotation`), no deed in the world (`newleaf-systems`), no loop over time (`newleaf-controller`).
//!
//! **Where to start reading.** `commands::Cli`, then `commands::run`, then the command that you are after.

mod code;
mod commands;
mod config;
mod console;
mod demo;
mod failure;
mod files;
mod issue;
mod passphrase;
mod profile;
mod rotation;
mod session;
mod signals;
mod text;
mod visible;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::ExitCode,
};

use clap::Parser as _;

use crate::{
    console::Console,
    failure::{Exit, Failure},
    session::Session,
};

/// Runs the command that this process was given, to its end.
pub fn main() -> ExitCode {
    let cli = match commands::Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => return answer_of_clap(&answer),
    };
    let console = Console::of_this_process();
    let session = Session::new(cli.global, console);
    end(console, || commands::run(cli.command, &session)).into()
}

/// Returns what a person is told who has written `text` into `newleaf.yaml`; nothing, if it is a configuration. Nothing
/// that it refers to is read. Here for the fuzz target of the configuration.
pub fn complaint_about_configuration(text: &str) -> Option<String> {
    let error = config::Config::parse(Path::new(session::DEFAULT_CONFIG), text).err()?;
    let place = error.place().map(ToString::to_string);
    Some(format!("{error}\n{}", place.unwrap_or_default()))
}

/// Runs a command to its end. A panic is our bug: the hook has said where, and the exit code says so too.
fn end(console: Console, command: impl FnOnce() -> Result<Exit, Failure>) -> Exit {
    let ended = catch_unwind(AssertUnwindSafe(command));
    let ended = ended.unwrap_or_else(|_said_by_the_hook| Err(Failure::bug()));
    ended.unwrap_or_else(|failure| failure.report(console))
}

/// The one command whose usage errors must not end with a small number: a unit with a misspelt flag would be skipped for
/// ever, without a sound.
const NEEDS_RENEWAL: &str = "needs-renewal";

/// Help and version are answers, the rest are usage errors; clap words both.
fn answer_of_clap(answer: &clap::Error) -> ExitCode {
    let exit = if answer.use_stderr() && std::env::args_os().any(|word| word == NEEDS_RENEWAL) {
        Exit::Unknown
    } else if answer.use_stderr() {
        Exit::Usage
    } else {
        Exit::Done
    };
    // Whoever closed the pipe has read enough.
    drop(answer.print());
    exit.into()
}

#[cfg(test)]
mod tests;
