//! The binary `newleaf-proxy`: parse, run until a signal, exit.

use std::{
    error::Error,
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser as _;
use newleaf_proxy::{
    Proxy,
    cli::Args,
    config::{self, Environment},
    life,
};
use tracing_subscriber::{
    filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// Arguments or files that say nothing sensible.
const USAGE: u8 = 2;

/// The world said no, for instance to an address.
const REFUSED: u8 = 1;

#[derive(Debug, clap::Parser)]
#[command(name = "newleaf-proxy", version, about, long_about = None)]
struct Cli {
    #[command(flatten)]
    args: Args,

    /// YAML file with listeners and upstreams; flags and variables count more than it says
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Which log lines are shown, as `tracing` filters are written
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: String,
}

/// One thread on purpose: measured, a second one doubles the CPU that each call costs.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Cli { args, config, log } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, and belong to stdout.
            let _closed_pipe = error.print();
            return if error.use_stderr() {
                ExitCode::from(USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let filter: Targets = match log.parse() {
        Ok(filter) => filter,
        Err(error) => return fail(USAGE, &error),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .init();
    let options = match config::resolve(args, config.as_deref(), &Environment::of_process()) {
        Ok(options) => options,
        Err(error) => return fail(USAGE, &error),
    };
    let proxy = match Proxy::bind(options).await {
        Ok(proxy) => proxy,
        Err(error) if error.is_usage() => return fail(USAGE, &error),
        Err(error) => return fail(REFUSED, &error),
    };
    keep_heap();
    match life::serve(proxy).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(REFUSED, &error),
    }
}

/// Teaches glibc's allocator not to give memory back to the kernel after each large message, only to fetch it again for
/// the next; in a prototype, a tenth of the CPU time of messages of 128 KB went into page faults. It learns from what is freed
/// (`mallopt(3)`, `M_MMAP_THRESHOLD`): after one block of 4 MiB, up to 8 MiB at its end stay with the process.
fn keep_heap() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(4 << 20)));
}

fn fail(code: u8, error: &dyn Error) -> ExitCode {
    let mut report = format!("error: {error}\n");
    let mut source = error.source();
    while let Some(cause) = source {
        report.push_str("  caused by: ");
        report.push_str(&cause.to_string());
        report.push('\n');
        source = cause.source();
    }
    // Where stderr is closed, the exit code must do.
    let _closed_pipe = std::io::stderr().write_all(report.as_bytes());
    ExitCode::from(code)
}
