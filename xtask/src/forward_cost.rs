//! `cargo xtask forward-cost`: counts the instructions that a call costs the proxy's data path, and fails if they have
//! become more than was agreed. Instructions hold on any machine, however busy; seconds do not.

use std::process::ExitCode;

use crate::callgrind;
use crate::environment::Environment;
use crate::programs::{self, BuildError};
use crate::workspace::Workspace;

/// What one call of the load `S` may cost at most, with the toolchain of `rust-toolchain.toml` and the profile `release`.
/// Whoever makes the data path cheaper lowers it; whoever raises it says why in the commit.
const BUDGET: u64 = 5_400;
/// The rounds of the two runs whose difference is counted, and the calls of a round.
const ROUNDS: (u64, u64) = (100, 300);
const CALLS: u64 = 100;

const EXAMPLE: &str = "forward_cost";

/// What `cargo xtask forward-cost` is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Print one JSON object instead of a sentence.
    #[arg(long)]
    json: bool,
}

/// Why nothing was counted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CountError {
    #[error("expected valgrind on the path, found none")]
    NoValgrind,
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("could not count")]
    Count(#[from] callgrind::CountError),
}

/// Builds, counts, judges.
pub(crate) fn run(
    workspace: &Workspace,
    environment: &Environment,
    arguments: &Arguments,
) -> Result<ExitCode, CountError> {
    let valgrind = environment.find("valgrind").ok_or(CountError::NoValgrind)?;
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--quiet", "--locked", "--profile", "release"]);
    cargo.args(["--package", "newleaf-proxy", "--example", EXAMPLE]);
    let built = programs::build(&mut cargo)?;
    let program = built.get(EXAMPLE)?;
    let grown = |way: &str| -> Result<u64, CountError> {
        let (few, many) = ROUNDS;
        let count = |rounds: u64| callgrind::count(&valgrind, program, [way, &rounds.to_string()]);
        Ok(count(many)?.saturating_sub(count(few)?) / ((many - few) * CALLS))
    };
    let found = grown("relay")?.saturating_sub(grown("nothing")?);
    if arguments.json {
        let line = serde_json::json!({ "instructions_per_call": found, "budget": BUDGET });
        println!("{line}");
    } else {
        println!("a call costs the data path {found} instructions; agreed are {BUDGET}");
    }
    Ok(if found <= BUDGET {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
