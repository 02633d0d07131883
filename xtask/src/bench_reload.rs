//! `cargo xtask bench-reload`: what callers notice while an identity is replaced, target beside target.

use std::process::ExitCode;

use crate::bench_proxy::{BenchError, Instruments, measure};
use crate::environment::Environment;
use crate::workspace::Workspace;

/// What `cargo xtask bench-reload` is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Several targets at once, at a lower rate: a few minutes.
    #[arg(long)]
    quick: bool,
    /// Whom to measure, as `newleaf,envoy`; all if not given.
    #[arg(long, value_name = "NAMES")]
    targets: Option<String>,
    /// Which scenes, as `rotation,rejected`; all if not given.
    #[arg(long, value_name = "NAMES")]
    scenes: Option<String>,
    /// Print one JSON object a line, instead of a table.
    #[arg(long)]
    json: bool,
}

/// Builds, fetches, measures.
pub(crate) fn run(
    workspace: &Workspace,
    environment: &Environment,
    arguments: &Arguments,
) -> Result<ExitCode, BenchError> {
    let instruments = Instruments::prepare(workspace, environment)?;
    let mut command = instruments.command("reload");
    for (flag, value) in [
        ("--targets", &arguments.targets),
        ("--scenes", &arguments.scenes),
    ] {
        if let Some(value) = value {
            command.arg(flag).arg(value);
        }
    }
    measure(&mut command, arguments.quick, arguments.json)
}
