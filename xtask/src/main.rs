//! Everything a contributor would otherwise have to remember, as commands: `cargo xtask …`.
//!
//! One file per command. A command's file holds its arguments, its work and its errors; what
//! several commands need lies in [`workspace`], [`process`], [`environment`] and [`parts`].
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a development tool speaks to the person at the terminal"
)]

mod bench_build;
mod bench_proxy;
mod bench_reload;
mod bench_x509;
mod callgrind;
mod deny;
mod environment;
mod forward_cost;
mod fuzz;
mod generate;
mod hot;
mod judges;
mod mutants;
mod parts;
mod process;
mod programs;
mod shipped;
mod simulate;
mod size;
mod soak;
mod test;
mod tidy;
mod workspace;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::environment::Environment;
use crate::workspace::Workspace;

/// Development tasks of newleaf.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check what the compiler cannot: module docs, wide comments, room borders, pages, links.
    Tidy,
    /// Fetch the real parts, then run every test against them.
    Test(test::Arguments),
    /// Check licences, banned crates and sources of every dependency with cargo-deny.
    Deny,
    /// Make the generated files that are checked in, or compare them.
    Generate(generate::Arguments),
    /// Break each invariant of the rotation on purpose and see that a test notices.
    MutantsRotation,
    /// Play whole rotations in memory, with everything that goes wrong.
    Simulate(simulate::Arguments),
    /// Run the fuzz targets for a while each.
    Fuzz(fuzz::Arguments),
    /// Measure the cold release build of the demo in an empty target directory.
    BenchBuild(bench_build::Arguments),
    /// Build newleaf-proxy as it is shipped, and see that it is still small.
    Size(size::Arguments),
    /// See which functions of newleaf-proxy run, and lay them side by side in what is shipped.
    Hot,
    /// Measure what a call costs through the proxy, and through what is used in its place.
    BenchProxy(bench_proxy::Arguments),
    /// Measure what callers notice of a new identity, and of servers that misbehave.
    BenchReload(bench_reload::Arguments),
    /// Count the instructions that a call costs the proxy's data path, and hold them against what was agreed.
    ForwardCost(forward_cost::Arguments),
    /// Run workers of Temporal's SDKs behind the proxy while its identity is swapped, each beside its twin on mTLS of its own.
    Soak(soak::Arguments),
    /// Bring what newleaf issues before webpki, OpenSSL, Go and pkilint: every profile with every kind of key.
    Judges(judges::Arguments),
    /// Measure issuing, reading and linting certificates, beside what other tools do.
    BenchX509(bench_x509::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments.command) {
        Ok(code) => code,
        Err(error) => {
            report(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

/// Runs one command. A command that has said everything itself answers with its exit code; one
/// that could not do its work answers with an error.
fn run(command: &Command) -> Result<ExitCode, Box<dyn Error>> {
    let workspace = Workspace::of_this_build();
    let environment = Environment::read();
    match command {
        Command::Tidy => Ok(tidy::run(&workspace)?),
        Command::Test(arguments) => Ok(test::run(&workspace, &environment, arguments)?),
        Command::Deny => Ok(deny::run(&workspace, &environment)?),
        Command::Generate(arguments) => Ok(generate::run(&workspace, arguments)?),
        Command::MutantsRotation => Ok(mutants::run(&workspace, &environment)?),
        Command::Simulate(arguments) => Ok(simulate::run(arguments)),
        Command::Fuzz(arguments) => Ok(fuzz::run(&workspace, &environment, arguments)?),
        Command::Soak(arguments) => Ok(soak::run(&workspace, &environment, arguments)?),
        Command::Judges(arguments) => Ok(judges::run(&workspace, &environment, arguments)?),
        Command::BenchX509(arguments) => Ok(bench_x509::run(&workspace, &environment, arguments)?),
        Command::BenchBuild(arguments) => Ok(bench_build::run(&workspace, arguments)?),
        Command::ForwardCost(arguments) => {
            Ok(forward_cost::run(&workspace, &environment, arguments)?)
        }
        Command::Hot => Ok(hot::run(&workspace, &environment)?),
        Command::Size(arguments) => Ok(size::run(&workspace, arguments)?),
        Command::BenchReload(arguments) => {
            Ok(bench_reload::run(&workspace, &environment, arguments)?)
        }
        Command::BenchProxy(arguments) => {
            Ok(bench_proxy::run(&workspace, &environment, arguments)?)
        }
    }
}

/// Prints an error and everything that caused it.
fn report(error: &dyn Error) {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  caused by: {error}");
        cause = error.source();
    }
}
