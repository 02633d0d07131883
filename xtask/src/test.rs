//! `cargo xtask test`: the second command of the README. Makes the parts real, runs every test of
//! the workspace, and says in a table what the tests ran against.

use std::process::ExitCode;

use crate::environment::Environment;
use crate::parts::{self, PARTS, Prepared, Standing};
use crate::process;
use crate::workspace::Workspace;

/// What `cargo xtask test` is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Show each part as real, fake or missing, and run nothing.
    #[arg(long)]
    list: bool,
    /// Given to every test binary: names to filter by, or options such as `--nocapture`.
    #[arg(last = true)]
    filter: Vec<String>,
}

/// Why the tests could not be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TestError {
    #[error("could not prepare the real parts")]
    Prepare { source: parts::PrepareError },
    #[error("could not run the tests")]
    RunTests { source: process::RunError },
}

/// Prepares, tests, reports.
pub(crate) fn run(
    workspace: &Workspace,
    environment: &Environment,
    arguments: &Arguments,
) -> Result<ExitCode, TestError> {
    eprintln!(
        "preparing the real parts in {}",
        environment.cache().display()
    );
    let prepared =
        parts::prepare(environment, PARTS).map_err(|source| TestError::Prepare { source })?;
    print!("{}", table(&prepared));
    if environment.is_ci() && lacks_required(&prepared) {
        return Ok(ExitCode::FAILURE);
    }
    if arguments.list {
        return Ok(ExitCode::SUCCESS);
    }
    let mut cargo = workspace.cargo();
    cargo
        .args(["test", "--workspace", "--all-features", "--no-fail-fast"])
        .env("NEWLEAF_PARTS", &prepared.directory);
    if let Some(backtrace) = environment.backtrace_to_set() {
        cargo.env("RUST_BACKTRACE", backtrace);
    }
    if !arguments.filter.is_empty() {
        cargo.arg("--").args(&arguments.filter);
    }
    let passed = process::succeeds(&mut cargo).map_err(|source| TestError::RunTests { source })?;
    print!("\n{}", table(&prepared));
    println!("{}", verdict(passed, &prepared));
    Ok(ExitCode::from(u8::from(!passed)))
}

/// Says what is required and missing, if anything is.
pub(crate) fn lacks_required(prepared: &Prepared) -> bool {
    let mut required = prepared
        .missing()
        .filter(|(part, _)| part.is_required())
        .peekable();
    let lacks = required.peek().is_some();
    for (part, reason) in required {
        eprintln!(
            "error: with CI=true the part {} is required, but {}",
            part.name,
            reason.in_full()
        );
    }
    lacks
}

/// One line for each part: name, standing, and what is known about it.
pub(crate) fn table(prepared: &Prepared) -> String {
    let line = |(part, standing): &(&parts::Part, Standing)| {
        let (word, detail) = match standing {
            Standing::Real(proof) => ("real", proof.clone()),
            Standing::Fake(player) => ("fake", format!("played by {player}")),
            Standing::Missing(reason) => ("missing", reason.in_short()),
        };
        format!("{:<15} {word:<8} {} ({detail})\n", part.name, part.purpose)
    };
    prepared.parts.iter().map(line).collect()
}

/// The last line. That tests were skipped for want of a part must not be overlooked.
fn verdict(passed: bool, prepared: &Prepared) -> String {
    let missing: Vec<_> = prepared.missing().map(|(part, _)| part.name).collect();
    let tests = if passed {
        "all tests passed"
    } else {
        "tests FAILED"
    };
    match missing.as_slice() {
        [] => format!("{tests}; no part was missing"),
        names => format!("{tests}; what needs {} was NOT tested", names.join(", ")),
    }
}
