//! `newleaf demo`: the main job, live.

use std::{ffi::OsString, hash::BuildHasher as _, path::PathBuf};

use tokio::time::Instant;

use super::{block_on, stop_signal};
use crate::{
    code,
    console::GOOD,
    demo::{
        self, DemoError, Options, hook,
        picture::Paint,
        screen::{Form, Screen},
        tied,
    },
    failure::{Exit, Failure},
    session::Session,
};

/// Show a CA rollover under live traffic: a sandbox, three clients, a crash, and not one failed call
///
/// A Temporal Cloud of its own is started on loopback, with a real Temporal dev server behind it if the `temporal` command is
/// found. Three clients call it all the time and never retry: one through newleaf-proxy, one that reads its files at each
/// connection, one that must be restarted. Then newleaf issues, renews and replaces their identities, is killed in the
/// middle, is asked to distrust the old CA too early, and ends with nobody trusting it.
///
/// Kill the controller yourself if you like: each event with a `controller_pid` (in words, "process N is the controller") names
/// the process that drives from then on. The demo resumes it, as systemd would, and counts the crash.
///
/// Exit code 0 means: no call failed, the old leaf is refused, and every other promise was seen kept.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    hidden: Option<Hidden>,
    /// Print the summary as one object, the last line of stdout; off a terminal, stderr has an object for each event
    #[arg(long)]
    json: bool,
    /// Leave everything running after the end, to look around
    #[arg(long)]
    keep: bool,
    /// How many times the controller is killed with SIGKILL, at random instants
    #[arg(long, value_name = "N", default_value_t = 1)]
    crashes: u32,
    /// Where the random instants come from; the summary tells it, so that a run can be repeated
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
}

/// What the demo's own processes ask of each other.
#[derive(Debug, clap::Subcommand)]
#[command(disable_help_subcommand = true)]
enum Hidden {
    /// Restart the client behind this door: the restart hook of the demo's configuration
    #[command(hide = true)]
    RestartClient {
        /// The demo's socket
        door: PathBuf,
    },
    /// Become a program that ends with the demo
    #[command(hide = true)]
    Tied {
        /// The demo's process
        parent: u32,
        /// The program
        program: PathBuf,
        /// What the program is given
        #[arg(allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// Runs `newleaf demo`.
pub(crate) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let failed = |error| Failure::new(&code::DEMO, error);
    match &args.hidden {
        Some(Hidden::RestartClient { door }) => block_on(async {
            let restarted = hook::restart_client(door).await;
            restarted.map(|()| Exit::Done).map_err(failed)
        }),
        Some(Hidden::Tied {
            parent,
            program,
            arguments,
        }) => match tied::become_program(*parent, program, arguments) {
            Ok(never) => match never {},
            Err(error) => Err(Failure::new(&code::DEMO, error)),
        },
        None => block_on(show(args, session)),
    }
}

async fn show(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let console = session.console();
    let paint = if console.has_colour_err() {
        Paint::Colour
    } else {
        Paint::Plain
    };
    let otherwise = if args.json {
        Form::Objects
    } else {
        Form::Lines
    };
    let screen = Screen::new(Form::of_stderr(paint, otherwise), Instant::now());
    let options = Options {
        crashes: args.crashes,
        seed: args.seed.unwrap_or_else(any_seed),
        temporal: demo::find_temporal(
            std::env::var_os("NEWLEAF_PARTS").as_deref(),
            std::env::var_os("PATH").as_deref(),
        ),
        now: session.now(),
    };
    let stop = stop_signal().map_err(|error| Failure::new(&code::DEMO, error))?;
    let mut stop = std::pin::pin!(stop);
    let mut performance = demo::run(options, &screen, &mut stop)
        .await
        .map_err(failed)?;
    let report = &performance.report;
    if args.json {
        let line =
            serde_json::to_string(report).map_err(|error| Failure::new(&code::BUG, error))?;
        console.say(line)?;
    } else {
        console.print(format_args!("\n{report}"))?;
    }
    if args.keep {
        console.note(performance.keep());
        stop.await;
    }
    let broken = performance.report.broken();
    if broken.is_empty() {
        console.note(console.paint_err(GOOD, "every promise was kept"));
        return Ok(Exit::Done);
    }
    Err(Failure::new(
        &code::DEMO,
        format!(
            "expected every promise to be kept, found: {}",
            broken.join("; ")
        ),
    ))
}

fn failed(error: DemoError) -> Failure {
    Failure::new(&code::DEMO, error)
}

/// Draws a seed from what the standard library seeds its hashers with. Nothing depends on its quality.
fn any_seed() -> u64 {
    std::hash::RandomState::new().hash_one(0_u8) % 1_000_000
}
