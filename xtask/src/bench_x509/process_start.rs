//! Whole processes, from their start to their exit: wall time and the most memory, taking turns.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{BenchError, measured};
use crate::environment::Environment;
use crate::parts::{self, PARTS};

/// How often each process is started.
const ROUNDS: usize = 41;

/// How often pkilint is: it takes seconds.
const ROUNDS_OF_PKILINT: usize = 3;

/// Measures `newleaf lint FILE` beside `openssl x509 -noout`.
pub(super) fn measure(newleaf: &Path, one: &Path) -> Result<Value, BenchError> {
    let lint = || {
        let mut command = Command::new(newleaf);
        command
            .args(["lint", "--format", "json", "--at", "2026-11-19T00:00:00Z"])
            .arg(one);
        command
    };
    let openssl = || {
        let mut command = Command::new("openssl");
        command.args(["x509", "-noout", "-in"]).arg(one);
        command
    };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(wall(&mut lint())?);
        theirs.push(wall(&mut openssl())?);
    }
    Ok(json!({
        "newleaf lint, microseconds": median(ours),
        "openssl x509 -noout, microseconds": median(theirs),
        "newleaf lint, KiB": peak(&lint())?,
        "openssl x509 -noout, KiB": peak(&openssl())?,
    }))
}

/// Measures pkilint on one certificate, its start included: it has no other way to be run. Nothing if it is not here.
pub(super) fn pkilint(environment: &Environment, one: &Path) -> Result<Value, BenchError> {
    let part = PARTS.iter().filter(|part| part.name == "pkilint");
    let Ok(prepared) = parts::prepare(environment, part) else {
        return Ok(Value::Null);
    };
    if prepared.missing().next().is_some() {
        return Ok(Value::Null);
    }
    let program = prepared.directory.join("bin/lint_pkix_cert");
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS_OF_PKILINT {
        // It ends with how many findings it has, of which the time is no part: it knows no URI without a dot in its host.
        rounds.push(wall(
            Command::new(&program)
                .args(["lint", "-s", "FATAL"])
                .arg(one),
        )?);
    }
    Ok(json!({ "one certificate, microseconds": median(rounds) }))
}

fn wall(command: &mut Command) -> Result<Duration, BenchError> {
    let began = now();
    measured(command)?;
    Ok(began.elapsed())
}

fn median(mut rounds: Vec<Duration>) -> u64 {
    rounds.sort_unstable();
    let median = rounds.get(rounds.len() / 2).copied().unwrap_or_default();
    u64::try_from(median.as_micros()).unwrap_or(u64::MAX)
}

/// Asks GNU time for the most memory that a process had; nothing if there is none.
fn peak(command: &Command) -> Result<Option<u64>, BenchError> {
    let mut time = Command::new("/usr/bin/time");
    time.args(["-f", "%M", "-o", "/dev/stdout"])
        .arg(command.get_program())
        .args(command.get_args());
    if !Path::new("/usr/bin/time").exists() {
        return Ok(None);
    }
    let said = measured(&mut time)?;
    Ok(said
        .lines()
        .last()
        .and_then(|line| line.trim().parse().ok()))
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch is a clock")]
fn now() -> Instant {
    Instant::now()
}
