//! `cargo xtask simulate`: thousands of whole rotations against a world that fails often.
//!
//! A violation prints the seed that shows it, the fewest faults that still show it, and the events up to it.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use newleaf_rotation::simulator::{self, Report, Scenario};
use serde::Serialize;

/// What `cargo xtask simulate` is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many rotations to play.
    #[arg(long, default_value_t = 10_000)]
    rotations: u64,
    /// The first rotation's seed; the others count on from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one JSON object instead of sentences.
    #[arg(long)]
    json: bool,
}

/// What a batch of rotations came to.
#[derive(Debug, Default)]
struct Batch {
    violating_seeds: Vec<u64>,
    schedules: BTreeSet<String>,
}

/// The answer in JSON.
#[derive(Debug, Serialize)]
struct Summary {
    rotations: u64,
    violations: usize,
    schedules: usize,
    seconds: f64,
}

/// Plays the rotations on every core, and succeeds only if no invariant was broken.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let (batch, took) = play(arguments);
    let summary = Summary {
        rotations: arguments.rotations,
        violations: batch.violating_seeds.len(),
        schedules: batch.schedules.len(),
        seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
    };
    if let Some(seed) = batch.violating_seeds.iter().min() {
        explain(*seed);
    }
    if arguments.json {
        match serde_json::to_string(&summary) {
            Ok(line) => println!("{line}"),
            Err(error) => eprintln!("error: could not print the summary: {error}"),
        }
    } else {
        println!(
            "{} rotations, {} different schedules, {} violations, {:.1} s",
            summary.rotations, summary.schedules, summary.violations, summary.seconds
        );
    }
    if summary.violations == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long it took is part of the answer"
)]
fn play(arguments: &Arguments) -> (Batch, Duration) {
    let began = Instant::now();
    let lanes = thread::available_parallelism().map_or(1, usize::from);
    let lanes = u64::try_from(lanes).unwrap_or(1);
    let mut whole = Batch::default();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..lanes)
            .map(|lane| scope.spawn(move || play_lane(arguments, lane, lanes)))
            .collect();
        for thread in threads {
            match thread.join() {
                Ok(batch) => {
                    whole.violating_seeds.extend(batch.violating_seeds);
                    whole.schedules.extend(batch.schedules);
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    (whole, began.elapsed())
}

fn play_lane(arguments: &Arguments, lane: u64, lanes: u64) -> Batch {
    let mut batch = Batch::default();
    let mut index = lane;
    while index < arguments.rotations {
        let seed = arguments.seed.wrapping_add(index);
        let scenario = Scenario::random(seed);
        batch.schedules.insert(format!("{:?}", scenario.faults));
        if !simulator::run(&scenario).violations.is_empty() {
            batch.violating_seeds.push(seed);
        }
        index = index.saturating_add(lanes);
    }
    batch
}

/// Says what happened, as shortly as it can be shown.
fn explain(seed: u64) {
    let smallest = simulator::shrink(&Scenario::random(seed));
    let Report {
        end,
        violations,
        journal,
        ..
    } = simulator::run(&smallest);
    eprintln!("seed {seed}: {} faults are enough:", smallest.faults.len());
    for fault in &smallest.faults {
        eprintln!("  call {}: {:?}", fault.call, fault.kind);
    }
    let first = violations.iter().map(|violation| violation.at).min();
    for (at, event) in journal
        .iter()
        .take_while(|(at, _)| first.is_none_or(|first| *at <= first))
    {
        match serde_json::to_string(event) {
            Ok(line) => eprintln!("  {at} {line}"),
            Err(error) => eprintln!("  {at} (could not print the event: {error})"),
        }
    }
    for violation in &violations {
        eprintln!("  violated: {violation}");
    }
    eprintln!("  ended: {end:?}");
}
