//! The commands, one file each: arguments whose comments are the help, and what to do.

mod ca;
mod completions;
mod config;
mod crl;
mod csr;
mod decide;
mod demo;
mod diff;
mod explain;
mod generate;
mod inspect;
mod key;
pub(crate) mod leaf;
mod lint;
mod needs_renewal;
mod options;
mod plan;
mod proxy;
mod rotate;
mod sandbox;
pub(crate) mod signer;
mod status;
mod verify;

use std::io;

use clap::{Parser, Subcommand};

use crate::{
    failure::{EXIT_CODES, Exit, Failure},
    session::{Global, Session},
    signals::Signals,
};

/// Rotate the mTLS certificates between Temporal workers and Temporal, without one failed call
///
/// newleaf issues the certificates, tells Temporal to trust them, moves every worker over, proves that the old ones are out
/// of use, and only then has them distrusted. It can be killed at any instant and goes on where the world is.
#[derive(Debug, Parser)]
#[command(name = "newleaf", version, after_long_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(subcommand)]
    Ca(ca::Command),
    #[command(subcommand)]
    Leaf(leaf::Command),
    #[command(subcommand)]
    Csr(csr::Command),
    #[command(subcommand)]
    Key(key::Command),
    #[command(subcommand)]
    Crl(crl::Command),
    Inspect(inspect::Args),
    Diff(diff::Args),
    NeedsRenewal(needs_renewal::Args),
    Lint(lint::Args),
    Verify(verify::Args),
    #[command(subcommand)]
    Plan(plan::Command),
    #[command(subcommand)]
    Rotate(rotate::Command),
    Resume(rotate::ResumeArgs),
    Status(status::Args),
    Approve(decide::ApproveArgs),
    Pause(decide::PauseArgs),
    Rollback(decide::RollbackArgs),
    Override(decide::OverrideArgs),
    Attest(decide::AttestArgs),
    #[command(subcommand)]
    Config(config::Command),
    Proxy(Box<proxy::ProxyArgs>),
    Sandbox(Box<sandbox::Args>),
    Demo(demo::Args),
    Explain(explain::Args),
    Completions(completions::Args),
    #[command(subcommand, hide = true)]
    Generate(generate::Command),
}

/// Runs one command. Everything that it has to say has been said when it returns, but for its failure.
pub(crate) fn run(command: Command, session: &Session) -> Result<Exit, Failure> {
    match command {
        Command::Ca(command) => ca::run(command, session),
        Command::Leaf(command) => leaf::run(command, session),
        Command::Csr(command) => csr::run(command, session),
        Command::Key(command) => key::run(command, session),
        Command::Crl(command) => crl::run(command, session),
        Command::Inspect(args) => inspect::run(&args, session),
        Command::Diff(args) => diff::run(&args, session),
        Command::NeedsRenewal(args) => needs_renewal::run(&args, session),
        Command::Lint(args) => lint::run(&args, session),
        Command::Verify(args) => verify::run(&args, session),
        Command::Plan(command) => plan::run(&command, session),
        Command::Rotate(command) => rotate::run(&command, session),
        Command::Resume(args) => rotate::resume(&args, session),
        Command::Status(args) => status::run(&args, session),
        Command::Approve(args) => decide::approve(&args, session),
        Command::Pause(args) => decide::pause(&args, session),
        Command::Rollback(args) => decide::rollback(&args, session),
        Command::Override(args) => decide::overrule(&args, session),
        Command::Attest(args) => decide::attest(&args, session),
        Command::Config(command) => config::run(&command, session),
        Command::Proxy(args) => proxy::run(*args),
        Command::Sandbox(args) => sandbox::run(&args, session),
        Command::Demo(args) => demo::run(&args, session),
        Command::Explain(args) => explain::run(&args, session),
        Command::Completions(args) => completions::run(&args, session),
        Command::Generate(command) => generate::run(&command, session),
    }
}

/// Waits for a command that waits: one thread is enough for every one of them.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(&crate::code::BUG, error))?;
    runtime.block_on(work)
}

/// Listens for ctrl-c and SIGTERM from now on; the future ends with the first of them.
pub(crate) fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut signals = Signals::listen()?;
    Ok(async move { signals.next().await })
}

#[cfg(test)]
mod tests;
