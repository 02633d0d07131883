//! The binary `newleaf-benches`: the measurements, and the processes they are made of.

use std::{error::Error, io::Write as _, process::ExitCode};

use clap::Parser as _;
use jiff::Timestamp;
use newleaf_benches::{delay, load, proxy_bench, reload_bench, tunnel, upstream};

#[derive(Debug, clap::Parser)]
#[command(name = "newleaf-benches", version, about, long_about = None)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Be the callers
    Load(load::Options),
    /// Be the server
    Upstream(upstream::Options),
    /// Be the raw TLS tunnel
    Tunnel(tunnel::Options),
    /// Be a far network
    Delay(delay::Options),
    /// Measure what each call costs, target beside target
    Proxy(proxy_bench::Options),
    /// Measure what callers notice of a new identity, and of servers that misbehave
    Reload(reload_bench::Options),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(error.as_ref()),
    }
}

fn run(command: Command) -> Result<(), Box<dyn Error>> {
    // One thread each: every process of a measurement lives on one core.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match command {
        Command::Load(options) => Ok(runtime.block_on(load::run(options))?),
        Command::Upstream(options) => Ok(runtime.block_on(upstream::run(options))?),
        Command::Tunnel(options) => Ok(runtime.block_on(tunnel::run(options))?),
        Command::Delay(options) => Ok(runtime.block_on(delay::run(options))?),
        Command::Proxy(options) => Ok(proxy_bench::run(&options, now())?),
        Command::Reload(options) => Ok(reload_bench::run(&options, now)?),
    }
}

#[expect(clippy::disallowed_methods, reason = "a program knows what time it is")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn fail(error: &dyn Error) -> ExitCode {
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
    ExitCode::FAILURE
}
