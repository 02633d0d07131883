//! `cargo xtask forward-cost`: counts the instructions that a call costs the proxy's data path, and fails if they have
//! become more than was agreed. Instructions hold on any machine, however busy; seconds do not.

use std::process::ExitCode;

use crate::callgrind;
use crate::environment::Environment;
use crate::programs::{self, BuildError};
use crate::workspace::Workspace;

/// What is counted, with the toolchain of `rust-toolchain.toml` and the profile `release`. Whoever makes the data path cheaper
/// lowers a budget; whoever raises it says why in the commit.
const COUNTS: [Count; 2] = [
    Count {
        what: "a call",
        ways: ("relay", "nothing"),
        budget: 3_800,
    },
    Count {
        what: "a call with a deadline of its own",
        ways: ("deadlines", "nothing-deadlines"),
        budget: 9_000,
    },
];
/// The rounds of the two runs whose difference is counted, and the calls of a round.
const ROUNDS: (u64, u64) = (100, 300);
const CALLS: u64 = 100;

const EXAMPLE: &str = "forward_cost";

/// One kind of call.
struct Count {
    what: &'static str,
    /// What the example is told to do, and what it is told to do without the relay.
    ways: (&'static str, &'static str),
    /// What one call may cost at most.
    budget: u64,
}

/// What `cargo xtask forward-cost` is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Print JSON objects instead of sentences.
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
    let mut kept = true;
    for Count { what, ways, budget } in COUNTS {
        let found = grown(ways.0)?.saturating_sub(grown(ways.1)?);
        if arguments.json {
            let line = serde_json::json!({ "what": ways.0, "instructions_per_call": found, "budget": budget });
            println!("{line}");
        } else {
            println!("{what} costs the data path {found} instructions; agreed are {budget}");
        }
        kept &= found <= budget;
    }
    Ok(ExitCode::from(u8::from(!kept)))
}
