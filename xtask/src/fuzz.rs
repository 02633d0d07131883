//! `cargo xtask fuzz`: what strangers may send, by the million. Builds the targets of `fuzz/` with the coverage that
//! libFuzzer steers by, and runs each for a while, one after the other, with one thread, unattended.
//!
//! The stable compiler is enough: the passes that count edges have been in it all along, and memory errors need no
//! sanitizer where the compiler forbids `unsafe`. Everything that is built and found stays in the cache, so that
//! each run goes on where the last one ended; what is worth keeping is copied to `fuzz/corpus` by hand.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use crate::environment::Environment;
use crate::process::{self, Ended};
use crate::programs;
use crate::workspace::Workspace;

/// How the code is instrumented: as cargo-fuzz does it, but for the address sanitizer.
const INSTRUMENTED: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
    "-Ccodegen-units=1",
];

/// Seconds for one input. The largest takes milliseconds; more means that somebody can make us work.
const TIMEOUT: &str = "-timeout=10";
/// MiB of memory: no input may make us keep much more than its own length.
const MEMORY: &str = "-rss_limit_mb=1024";
/// The longest input. Blocks and certificates of a stranger are bounded where they come in, at far more.
const LENGTH: &str = "-max_len=16384";
/// What a run may take beyond its time to fuzz: it reads its corpus first.
const OVERTIME: Duration = Duration::from_mins(5);

/// What `cargo xtask fuzz` is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Run only these targets; all, if none is named.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// Show the targets and run nothing.
    #[arg(long)]
    list: bool,
    /// How long each target runs, one after the other.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// The same, in hours.
    #[arg(long, conflicts_with = "seconds")]
    hours: Option<u32>,
    /// A few seconds each, from the seeds alone: what CI has time for. The configuration is left out, unless it is named.
    #[arg(long, conflicts_with_all = ["seconds", "hours"])]
    smoke: bool,
}

/// Enough for the seeds and some ten thousand inputs around them.
const SMOKE_SECONDS: u32 = 4;
const SECONDS_PER_HOUR: u32 = 3600;

/// Stands on all of newleaf, and takes longer to build than the other targets together. Its seeds are read by the tests
/// of newleaf too.
const HEAVY: &str = "config";

impl Arguments {
    fn seconds(&self) -> u32 {
        let hours = self
            .hours
            .map(|hours| hours.saturating_mul(SECONDS_PER_HOUR));
        let smoke = self.smoke.then_some(SMOKE_SECONDS);
        hours.or(smoke).unwrap_or(self.seconds)
    }
}

/// Why nothing could be fuzzed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FuzzError {
    #[error("could not read the list of targets")]
    ReadTargets { source: io::Error },
    #[error("expected one of the targets {}, found `{found}`", known.join(", "))]
    UnknownTarget { found: String, known: Vec<String> },
    #[error(transparent)]
    AskCompiler(#[from] programs::BuildError),
    #[error("could not build the targets")]
    Build { source: process::RunError },
    #[error("could not make `{}`", path.display())]
    MakeDirectory { path: PathBuf, source: io::Error },
    #[error("could not run the target `{target}`")]
    Run {
        target: String,
        source: process::RunError,
    },
    #[error("could not read what the target `{target}` said")]
    ReadLog { target: String, source: io::Error },
}

/// Where everything is.
struct Places {
    /// The workspace of the targets.
    sources: PathBuf,
    /// What is built and found.
    cache: PathBuf,
    /// Where cargo puts binaries.
    binaries: PathBuf,
}

/// Builds what was asked for, runs it, and succeeds only if nothing was found.
pub(crate) fn run(
    workspace: &Workspace,
    environment: &Environment,
    arguments: &Arguments,
) -> Result<ExitCode, FuzzError> {
    let sources = workspace.root().join("fuzz");
    let known = targets(&sources).map_err(|source| FuzzError::ReadTargets { source })?;
    if arguments.list {
        println!("{}", known.join("\n"));
        return Ok(ExitCode::SUCCESS);
    }
    let mut chosen = choose(known, &arguments.targets)?;
    if arguments.smoke && arguments.targets.is_empty() {
        chosen.retain(|target| target != HEAVY);
    }
    let host = programs::host()?;
    let cache = environment.cache().join("fuzz");
    let places = Places {
        binaries: cache.join("target").join(&host).join("release"),
        sources,
        cache,
    };
    build(&places, &host, &chosen)?;
    println!("target            inputs/s     inputs  coverage  seconds  found");
    let mut found = false;
    for target in &chosen {
        found |= !fuzz(&places, target, arguments)?;
    }
    Ok(ExitCode::from(u8::from(found)))
}

/// The names of the targets: of the files in `fuzz_targets`.
fn targets(sources: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs_err::read_dir(sources.join("fuzz_targets"))? {
        let path = entry?.path();
        let name = path.file_stem().map(|name| name.to_string_lossy());
        names.extend(name.map(String::from));
    }
    names.sort();
    Ok(names)
}

/// Those that were asked for, or all.
fn choose(known: Vec<String>, asked: &[String]) -> Result<Vec<String>, FuzzError> {
    if let Some(found) = asked.iter().find(|name| !known.contains(name)) {
        let found = found.clone();
        return Err(FuzzError::UnknownTarget { found, known });
    }
    Ok(if asked.is_empty() {
        known
    } else {
        asked.to_vec()
    })
}

/// Builds the targets, and of what they stand on no more than they need.
fn build(places: &Places, host: &str, targets: &[String]) -> Result<(), FuzzError> {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&places.sources)
        .args(["build", "--release", "--locked", "--workspace"])
        .args(targets.iter().flat_map(|target| ["--bin", target]))
        .args(["--target", host])
        .arg("--target-dir")
        .arg(places.cache.join("target"))
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", INSTRUMENTED.join(" "));
    process::capture(&mut cargo)
        .map(drop)
        .map_err(|source| FuzzError::Build { source })
}

/// Runs one target; answers whether it found nothing.
fn fuzz(places: &Places, target: &str, arguments: &Arguments) -> Result<bool, FuzzError> {
    let findings = directory(places.cache.join("findings").join(target))?;
    let log = places.cache.join(format!("{target}.log"));
    let seconds = arguments.seconds();
    let mut command = Command::new(places.binaries.join(target));
    command
        .args([TIMEOUT, MEMORY, LENGTH, "-print_final_stats=1"])
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", findings.display()));
    let kept = places.cache.join("corpus").join(target);
    let seeds = places.sources.join("corpus").join(target);
    // What is new goes into the first directory; the others are only read.
    if arguments.smoke {
        command.arg(emptied(places.cache.join("smoke").join(target))?);
    } else {
        command.arg(directory(kept)?);
    }
    command.arg(seeds);
    let limit = Duration::from_secs(seconds.into()) + OVERTIME;
    let ended =
        process::finish_within(&mut command, limit, &log).map_err(|source| FuzzError::Run {
            target: target.to_owned(),
            source,
        })?;
    let said = fs_err::read_to_string(&log).map_err(|source| FuzzError::ReadLog {
        target: target.to_owned(),
        source,
    })?;
    let figures = Figures::of(&said);
    match ended {
        Ended::Passed => println!("{target:<16} {figures}  nothing"),
        Ended::Failed => println!(
            "{target:<16} {figures}  SOMETHING, see {}\n{}",
            log.display(),
            end(&said)
        ),
        Ended::TooLate | Ended::Enough => {
            println!(
                "{target:<16} {figures}  NO END in time, see {}",
                log.display()
            );
        }
    }
    Ok(ended == Ended::Passed)
}

/// What libFuzzer counted, as it wrote it.
#[derive(Debug, PartialEq, Eq)]
struct Figures<'said> {
    /// Inputs a second.
    speed: &'said str,
    /// Inputs.
    inputs: &'said str,
    /// Edges of the program that some input went along.
    coverage: &'said str,
    /// How long it ran.
    seconds: &'said str,
}

impl<'said> Figures<'said> {
    fn of(said: &'said str) -> Self {
        let after = |label: &str| {
            let found = said.lines().rev().find_map(|line| line.split_once(label));
            let word = found.and_then(|(_, rest)| rest.split_whitespace().next());
            word.unwrap_or("?")
        };
        Self {
            speed: after("stat::average_exec_per_sec:"),
            inputs: after("stat::number_of_executed_units:"),
            coverage: after(" cov: "),
            seconds: after(" runs in "),
        }
    }
}

impl fmt::Display for Figures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            speed,
            inputs,
            coverage,
            seconds,
        } = self;
        write!(f, "{speed:>9} {inputs:>10} {coverage:>9} {seconds:>8}")
    }
}

fn emptied(path: PathBuf) -> Result<PathBuf, FuzzError> {
    match fs_err::remove_dir_all(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(FuzzError::MakeDirectory { path, source })
        }
        Ok(()) | Err(_) => directory(path),
    }
}

fn directory(path: PathBuf) -> Result<PathBuf, FuzzError> {
    match fs_err::create_dir_all(&path) {
        Ok(()) => Ok(path),
        Err(source) => Err(FuzzError::MakeDirectory { path, source }),
    }
}

/// The last lines of a log: the panic, and where the input was kept.
fn end(said: &str) -> String {
    let lines: Vec<_> = said.lines().collect();
    let first = lines.len().saturating_sub(25);
    lines.get(first..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests;
