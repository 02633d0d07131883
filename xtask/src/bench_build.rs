//! `cargo xtask bench-build`: how long the README's first command takes on a machine that has
//! never built newleaf. Dependencies are downloaded before the clock starts: their time is the
//! network's, not ours.

use std::io;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use crate::process;
use crate::workspace::Workspace;

/// What `cargo xtask bench-build` is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Run the demo afterwards and measure it too.
    #[arg(long)]
    with_demo: bool,
}

/// Why the build could not be measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    #[error("could not make an empty target directory")]
    MakeTarget { source: io::Error },
    #[error("could not run cargo")]
    RunCargo { source: process::RunError },
}

/// Builds in an empty target directory, which is removed afterwards, and prints the seconds.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode, BenchError> {
    let target = tempfile::tempdir().map_err(|source| BenchError::MakeTarget { source })?;
    let cargo = |words: &[&str]| {
        let mut command = workspace.cargo();
        command.args(words).env("CARGO_TARGET_DIR", target.path());
        command
    };
    let build = ["build", "--release", "--locked", "--bin", "newleaf"];
    let demo = [
        "run",
        "--release",
        "--locked",
        "--bin",
        "newleaf",
        "--",
        "demo",
        "--json",
    ];
    let Some(_) = measure(&mut cargo(&["fetch", "--locked"]))? else {
        return Ok(ExitCode::FAILURE);
    };
    let Some(built) = measure(&mut cargo(&build))? else {
        return Ok(ExitCode::FAILURE);
    };
    println!("cold release build: {:.1} s", built.as_secs_f64());
    if arguments.with_demo {
        let Some(ran) = measure(&mut cargo(&demo))? else {
            return Ok(ExitCode::FAILURE);
        };
        println!(
            "demo: {:.1} s; together: {:.1} s",
            ran.as_secs_f64(),
            (built + ran).as_secs_f64()
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a command; answers with its time, or with nothing if it failed.
fn measure(command: &mut Command) -> Result<Option<Duration>, BenchError> {
    let began = now();
    let passed = process::succeeds(command).map_err(|source| BenchError::RunCargo { source })?;
    Ok(passed.then(|| began.elapsed()))
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch is a clock")]
fn now() -> Instant {
    Instant::now()
}
