//! `cargo xtask deny`: the rules of `deny.toml`, judged by cargo-deny.

use std::process::{Command, ExitCode};

use crate::environment::Environment;
use crate::parts::{self, PARTS};
use crate::process;
use crate::workspace::Workspace;

const CARGO_DENY: &str = "cargo-deny";

/// Why the rules could not be judged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DenyError {
    #[error("could not prepare cargo-deny")]
    Prepare { source: parts::PrepareError },
    #[error("could not run cargo-deny")]
    RunDeny { source: process::RunError },
}

/// Checks licences, bans and sources. Advisories are left to those who can reach a database of
/// them: its absence here must not look like a clean bill.
pub(crate) fn run(workspace: &Workspace, environment: &Environment) -> Result<ExitCode, DenyError> {
    let part = PARTS.iter().filter(|part| part.name == CARGO_DENY);
    let prepared =
        parts::prepare(environment, part).map_err(|source| DenyError::Prepare { source })?;
    if prepared.missing().next().is_some() {
        eprint!("{}", crate::test::table(&prepared));
        eprintln!("error: licences, bans and sources were NOT checked");
        let failed = environment.is_ci() && crate::test::lacks_required(&prepared);
        return Ok(ExitCode::from(u8::from(failed)));
    }
    let mut deny = Command::new(prepared.directory.join("bin").join(CARGO_DENY));
    deny.current_dir(workspace.root());
    deny.args([
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ]);
    let passed = process::succeeds(&mut deny).map_err(|source| DenyError::RunDeny { source })?;
    Ok(ExitCode::from(u8::from(!passed)))
}
