//! `cargo xtask bench-x509`: how fast certificates are issued, read and linted, side by side with what others do, in one
//! run on one machine. Times are those of a core, so that others on the machine do not count; instructions are counted by
//! callgrind, where valgrind is installed, so that they hold on any machine.

mod process_start;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use serde_json::{Value, json};

use crate::callgrind;
use crate::environment::Environment;
use crate::process::{self, RunError};
use crate::programs::{self, BuildError};
use crate::shipped::{self, ShipError};
use crate::workspace::Workspace;

/// How many leaves are issued and linted.
const CERTIFICATES: &str = "10000";

/// How often a work is repeated under callgrind; the instructions of a run without it are taken off.
const COUNTED: u64 = 200;

/// The works whose instructions are counted.
const WORKS: [&str; 7] = [
    "parse, x509-parser",
    "parse",
    "parse and describe",
    "parse and lint",
    "parse and lint, x509_lint",
    "sign, P-256 alone",
    "issue a P-256 leaf",
];

/// What `cargo xtask bench-x509` is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Print the figures as JSON.
    #[arg(long)]
    json: bool,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    #[error("could not make a place for the certificates")]
    MakeRoom { source: io::Error },
    #[error("could not build what is measured")]
    Build { source: RunError },
    #[error(transparent)]
    BuildProgram(#[from] BuildError),
    #[error("could not build newleaf as it is shipped")]
    Ship(#[from] ShipError),
    #[error("could not measure")]
    Measure { source: RunError },
    #[error("could not keep a certificate")]
    Keep { source: io::Error },
    #[error("cannot understand what was measured")]
    Read { source: serde_json::Error },
    #[error("could not count")]
    Count(#[from] callgrind::CountError),
}

/// Builds, measures, prints.
pub(crate) fn run(
    workspace: &Workspace,
    environment: &Environment,
    arguments: &Arguments,
) -> Result<ExitCode, BenchError> {
    let here = workspace.root().join("xtask/bench-x509");
    let ours = build(workspace, &here.join("Cargo.toml"))?;
    let newleaf = shipped::newleaf(workspace)?;
    let room = tempfile::tempdir().map_err(|source| BenchError::MakeRoom { source })?;
    let leaves = room.path().join("leaves.pem");
    measured(
        Command::new(&ours)
            .args(["make", CERTIFICATES])
            .arg(&leaves),
    )?;
    let text = fs_err::read_to_string(&leaves).map_err(|source| BenchError::Keep { source })?;
    let first = text.split_inclusive("-----END CERTIFICATE-----\n").next();
    let one = room.path().join("one.pem");
    fs_err::write(&one, first.unwrap_or_default()).map_err(|source| BenchError::Keep { source })?;
    let figures = json!({
        "library": parsed(&measured(Command::new(&ours).arg("time").arg(&leaves))?)?,
        "instructions": instructions(environment, &ours, &one)?,
        "zlint": zlint(environment, &here.join("zlint"), room.path(), &leaves)?,
        "pkilint": process_start::pkilint(environment, &one)?,
        "process": process_start::measure(&newleaf, &one)?,
    });
    if arguments.json {
        println!("{figures:#}");
    } else {
        print!("{}", table(&figures));
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds what measures, and returns where it is.
fn build(workspace: &Workspace, manifest: &Path) -> Result<PathBuf, BenchError> {
    let mut cargo = workspace.cargo();
    cargo
        .args(["build", "--quiet", "--profile", "release"])
        .args(["--bin", "bench-x509", "--manifest-path"])
        .arg(manifest);
    Ok(programs::build(&mut cargo)?.get("bench-x509")?.to_owned())
}

fn measured(command: &mut Command) -> Result<String, BenchError> {
    process::capture(command).map_err(|source| BenchError::Measure { source })
}

fn parsed(text: &str) -> Result<Value, BenchError> {
    serde_json::from_str(text).map_err(|source| BenchError::Read { source })
}

/// Counts the instructions of each work on one certificate; nothing without valgrind.
fn instructions(environment: &Environment, ours: &Path, one: &Path) -> Result<Value, BenchError> {
    let Some(valgrind) = environment.find("valgrind") else {
        return Ok(Value::Null);
    };
    let count = |work: &str, n: u64| {
        let n = n.to_string();
        let arguments = ["do".as_ref(), work.as_ref(), n.as_ref(), one.as_os_str()];
        callgrind::count(&valgrind, ours, arguments)
    };
    let mut counted = serde_json::Map::new();
    for work in WORKS {
        let each = count(work, COUNTED)?.saturating_sub(count(work, 0)?) / COUNTED;
        counted.insert(work.to_owned(), each.into());
    }
    Ok(counted.into())
}

/// Measures zlint on the same certificates; nothing without Go.
fn zlint(
    environment: &Environment,
    source: &Path,
    room: &Path,
    leaves: &Path,
) -> Result<Value, BenchError> {
    let Some(go) = environment.find("go") else {
        return Ok(Value::Null);
    };
    let program = room.join("bench-zlint");
    let mut build = Command::new(go);
    build
        .current_dir(source)
        .args(["build", "-o"])
        .arg(&program)
        .arg(".");
    process::capture(&mut build).map_err(|source| BenchError::Build { source })?;
    parsed(&measured(Command::new(program).arg(leaves))?)
}

/// One figure a line, as a path of names and a number.
fn table(figures: &Value) -> String {
    lines("", figures).concat()
}

fn lines(place: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let within =
                |(name, value): (&String, &Value)| lines(&format!("{place}{name}: "), value);
            fields.iter().flat_map(within).collect()
        }
        Value::Null => vec![format!("{place}not here\n")],
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            vec![format!("{place}{value}\n")]
        }
    }
}
