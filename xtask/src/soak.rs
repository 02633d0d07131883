//! `cargo xtask soak`: workers of Temporal's own SDKs behind `newleaf-proxy`, for as long as it is told, while the proxy's
//! identity is swapped again and again. Beside each of them runs its twin, the same program with the same load, that speaks
//! mTLS itself and whose identity stays: what the twin shows too is the machine's or the SDK's, the rest is ours. The program in
//! Rust runs a third time, on a channel of `newleaf-identity`, whose identity is swapped with the proxy's.

mod clock;
mod identity;
mod report;
mod running;
mod sdk;
mod stage;
mod worker;

use std::collections::BTreeMap;
use std::io;
use std::process::{Command, ExitCode};
use std::time::Duration;

use self::clock::Stopwatch;
use self::identity::Holder;
use self::report::{Report, Seen, Side, Swaps};
use self::running::RunningError;
use self::sdk::{Program, Sdk};
use self::stage::Stage;
use self::worker::Worker;
use crate::environment::Environment;
use crate::parts::{self, PARTS, PEERS, Prepared};
use crate::process;
use crate::programs::{self, BuildError};
use crate::shipped::{self, ShipError};
use crate::workspace::Workspace;

/// Parts without which nothing can be played.
const NEEDED: [&str; 4] = ["temporal", "temporalio", "openssl", "envoy"];

/// What `cargo xtask soak` is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How long the workers work.
    #[arg(long, default_value_t = 3)]
    minutes: u32,
    /// The time between two identities, as `30s`.
    #[arg(long, value_name = "SECONDS", default_value = "30s", value_parser = seconds)]
    swap_every: Duration,
    /// Whose workers to run.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Sdk::ALL)]
    sdks: Vec<Sdk>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SoakError {
    #[error("could not prepare the parts")]
    Prepare { source: parts::PrepareError },
    #[error("could not get `{part}`: {reason}")]
    Missing { part: &'static str, reason: String },
    #[error("could not get the SDK of any worker")]
    NoWorker,
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("could not build newleaf-proxy as it is shipped")]
    Ship(#[from] ShipError),
    #[error("could not issue a certificate")]
    Issue { source: process::RunError },
    #[error("cannot read the leaf that was issued")]
    ReadIssued {
        source: newleaf_x509::certificate::CertificatesError,
    },
    #[error("could not read or write a file of the stage")]
    Keep { source: io::Error },
    #[error("could not run a program of the stage")]
    Run { source: RunningError },
    #[error("expected `{what}` within {limit:?}, found nothing\n{said}")]
    Late {
        what: String,
        limit: Duration,
        said: String,
    },
    #[error("could not ask the proxy for its status")]
    Ask { source: io::Error },
    #[error("could not ask Temporal for the histories")]
    Judge { source: process::RunError },
    #[error("cannot understand what {who} said")]
    Understand {
        who: String,
        source: serde_json::Error,
    },
}

impl From<io::Error> for SoakError {
    fn from(source: io::Error) -> Self {
        Self::Keep { source }
    }
}

impl From<RunningError> for SoakError {
    fn from(source: RunningError) -> Self {
        Self::Run { source }
    }
}

/// Prepares, plays, reports.
pub(crate) fn run(
    workspace: &Workspace,
    environment: &Environment,
    arguments: &Arguments,
) -> Result<ExitCode, SoakError> {
    let prepared = prepare(environment)?;
    let mut workers = Vec::new();
    let mut missing = BTreeMap::new();
    for sdk in &arguments.sdks {
        match sdk.prepare(workspace, environment, &prepared) {
            Ok(program) => workers.push(program),
            Err(reason) => {
                eprintln!("missing: the {sdk} SDK: {}", reason.in_full());
                missing.insert(*sdk, reason.in_full());
            }
        }
    }
    if workers.is_empty() {
        return Err(SoakError::NoWorker);
    }
    eprintln!("building newleaf and newleaf-proxy");
    let stage = Stage::set(&programs(workspace)?, &prepared)?;
    let report = play(&stage, &workers, arguments)?;
    let report = Report {
        minutes: arguments.minutes,
        swap_every_s: arguments.swap_every.as_secs(),
        missing,
        ..report
    };
    report.print(arguments.json)?;
    if !report.passed() {
        eprintln!("the logs are kept in `{}`", stage.keep().display());
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn prepare(environment: &Environment) -> Result<Prepared, SoakError> {
    let needed = PARTS.iter().chain(PEERS);
    let needed = needed.filter(|part| NEEDED.contains(&part.name));
    let prepared =
        parts::prepare(environment, needed).map_err(|source| SoakError::Prepare { source })?;
    let gone = prepared.missing().next();
    let gone = gone.map(|(part, reason)| SoakError::Missing {
        part: part.name,
        reason: reason.in_full(),
    });
    gone.map_or(Ok(prepared), Err)
}

/// The programs of this checkout: the proxy as it is shipped, newleaf as it builds fastest.
fn programs(workspace: &Workspace) -> Result<stage::Ours, SoakError> {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--locked", "--quiet", "--bin", "newleaf"]);
    let newleaf = programs::build(&mut cargo)?.get("newleaf")?.to_owned();
    let proxy = shipped::proxy(workspace)?;
    Ok(stage::Ours { newleaf, proxy })
}

/// Lets every worker and its twin work for the time that was asked, and swaps the identity meanwhile.
fn play(stage: &Stage, programs: &[Program], arguments: &Arguments) -> Result<Report, SoakError> {
    let mut workers = Vec::new();
    for program in programs {
        for side in program.sdk.sides() {
            eprintln!("starting the {} worker, {side}", program.sdk);
            workers.push(Worker::start(stage, program, *side)?);
        }
    }
    let whole = Duration::from_mins(arguments.minutes.into());
    let watch = Stopwatch::start();
    let mut swaps = Vec::new();
    // The last identity has its time too.
    while watch.elapsed() + 2 * arguments.swap_every <= whole {
        watch.wait_until(arguments.swap_every * (1 + count(&swaps)));
        let swap = stage.swap(1 + count(&swaps))?;
        eprintln!(
            "identity {}: adopted after {} ms",
            swap.generation, swap.adopted_ms
        );
        swaps.push(swap);
    }
    watch.wait_until(whole);
    for worker in &mut workers {
        worker.close();
    }
    let workers: Vec<_> = workers.into_iter().map(Worker::finish).collect();
    let seen = stage.seen()?;
    let is_embedded = workers.iter().any(|worker| worker.side == Side::Embedded);
    Ok(Report {
        workers,
        embedded: is_embedded.then(|| Seen::of(Holder::Embedded, &swaps, &seen)),
        swaps: Swaps::of(&swaps, &seen),
        proxy: stage.status()?,
        proxy_warnings: stage.proxy_warnings()?,
        histories: histories(stage)?,
        ..Report::default()
    })
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

/// Has Temporal's own records of all workflows read.
fn histories(stage: &Stage) -> Result<report::Histories, SoakError> {
    let mut command = Command::new(stage.part("python"));
    command.args(["-c", include_str!("../soak/judge.py")]);
    command.args([&stage.temporal_address().to_string(), stage::NAMESPACE]);
    let said = process::capture(&mut command).map_err(|source| SoakError::Judge { source })?;
    serde_json::from_str(&said).map_err(|source| SoakError::Understand {
        who: "the judge of histories".into(),
        source,
    })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.strip_suffix('s').unwrap_or(text).parse::<u32>();
    match number {
        Ok(number) if number >= 1 => Ok(Duration::from_secs(number.into())),
        Ok(_) | Err(_) => Err(format!(
            "expected seconds, as `30s`, of at least 1, found `{text}`"
        )),
    }
}

#[cfg(test)]
mod tests;
