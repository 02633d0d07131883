//! `cargo xtask bench-proxy`: builds the proxy as it is shipped, fetches its peers, and has `newleaf-benches` measure
//! them side by side. The instruments know the loads and targets; this file only sees that everything is there.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::environment::Environment;
use crate::parts::{self, PEERS, Prepared};
use crate::process;
use crate::programs::{self, BuildError};
use crate::shipped::{self, ShipError};
use crate::workspace::Workspace;

/// What `cargo xtask bench-proxy` is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Fewer rounds, shorter, and only the loads that decide: a few minutes.
    #[arg(long)]
    quick: bool,
    /// Whom to measure, as `newleaf,envoy`; all if not given.
    #[arg(long, value_name = "NAMES")]
    targets: Option<String>,
    /// Which loads, as `S,M`; all if not given.
    #[arg(long, value_name = "NAMES")]
    loads: Option<String>,
    /// Print one JSON object a line, instead of a table.
    #[arg(long)]
    json: bool,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    #[error("could not prepare the peers")]
    Prepare { source: parts::PrepareError },
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("could not build newleaf-proxy as it is shipped")]
    Ship(#[from] ShipError),
    #[error("could not measure")]
    Measure { source: process::RunError },
}

/// Builds, fetches, measures.
pub(crate) fn run(
    workspace: &Workspace,
    environment: &Environment,
    arguments: &Arguments,
) -> Result<ExitCode, BenchError> {
    let instruments = Instruments::prepare(workspace, environment)?;
    let mut command = instruments.command("proxy");
    for (flag, value) in [
        ("--targets", &arguments.targets),
        ("--loads", &arguments.loads),
    ] {
        if let Some(value) = value {
            command.arg(flag).arg(value);
        }
    }
    measure(&mut command, arguments.quick, arguments.json)
}

/// All that a measurement needs.
#[derive(Debug)]
pub(crate) struct Instruments {
    benches: PathBuf,
    proxy: PathBuf,
    peers: Prepared,
}

impl Instruments {
    /// Builds what is ours, and fetches what is not. A peer that cannot be had is named, and left out.
    pub(crate) fn prepare(
        workspace: &Workspace,
        environment: &Environment,
    ) -> Result<Self, BenchError> {
        let peers =
            parts::prepare(environment, PEERS).map_err(|source| BenchError::Prepare { source })?;
        for (part, reason) in peers.missing() {
            eprintln!("missing: {}: {}", part.name, reason.in_full());
        }
        eprintln!("building newleaf-proxy and newleaf-benches");
        let mut cargo = workspace.cargo();
        cargo
            .args(["build", "--locked", "--quiet", "--profile", "dist"])
            .args(["--package", "newleaf-benches"]);
        let built = programs::build(&mut cargo)?;
        Ok(Self {
            benches: built.get("newleaf-benches")?.to_owned(),
            proxy: shipped::proxy(workspace)?,
            peers,
        })
    }

    /// The command of one measurement.
    pub(crate) fn command(&self, measurement: &str) -> Command {
        let mut command = Command::new(&self.benches);
        command.arg(measurement).arg("--newleaf").arg(&self.proxy);
        command.arg("--parts").arg(self.peers.directory.join("bin"));
        command
    }
}

/// Runs a measurement; what it prints is what we print.
pub(crate) fn measure(
    command: &mut Command,
    quick: bool,
    json: bool,
) -> Result<ExitCode, BenchError> {
    for (flag, given) in [("--quick", quick), ("--json", json)] {
        if given {
            command.arg(flag);
        }
    }
    let passed = process::succeeds(command).map_err(|source| BenchError::Measure { source })?;
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
