//! The binary `newleaf-proxy`: parse, run until a signal or check once, exit.

use std::{
    error::Error,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser as _;
use newleaf_proxy::{
    Options, Plane, Proxy, StartError,
    check::{self, Verdict},
    cli::Args,
    config::{self, ConfigError, Environment},
    life, log,
};
use tracing_subscriber::filter::Targets;

/// Arguments, variables or files that say nothing sensible.
const USAGE: u8 = 2;

/// The world said no, for instance to an address.
const REFUSED: u8 = 1;

/// `check` found no credentials that could be tried.
const CREDENTIALS: u8 = 3;

#[derive(Debug, clap::Parser)]
#[command(
    name = "newleaf-proxy",
    version,
    about,
    long_about = None,
    args_conflicts_with_subcommands = true,
    max_term_width = 120
)]
struct Cli {
    #[command(flatten)]
    what: What,

    #[command(subcommand)]
    command: Option<Command>,
}

// What to run, and how to speak of it. No doc comment: help would begin with it, and not with that of `Args`.
#[derive(Debug, clap::Args)]
struct What {
    #[command(flatten)]
    args: Args,

    /// YAML file with listeners and upstreams; flags and variables override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Which log lines are shown: a level, or `module=level` pairs with commas between
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: Targets,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Check(Box<Check>),
}

/// Load the credentials, dial each server, prove them by a call, say what was seen, and exit; nothing is listened on
///
/// Exit codes: 0 all is well; 1 a server could not be reached, or refused, or files of CAs or of a listener's TLS cannot be
/// used now; 2 the configuration cannot be used; 3 there are no credentials that could be tried.
#[derive(Debug, clap::Args)]
struct Check {
    #[command(flatten)]
    what: What,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl What {
    fn resolve(self) -> Result<Options, ConfigError> {
        config::resolve(
            self.args,
            self.config.as_deref(),
            &Environment::of_process(),
        )
    }
}

/// One thread carries all calls ([`Plane`]), on purpose: measured, to share them out doubles the CPU that each call costs.
fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
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
    let what = match &cli.command {
        None => &cli.what,
        Some(Command::Check(check)) => &check.what,
    };
    let ending = match log::to_stderr(what.log.clone()) {
        Ok(ending) => ending,
        Err(error) => return Failure::new(REFUSED, &error).tell(),
    };
    let done = life::block_on(async {
        match cli.command {
            None => carry(cli.what).await,
            Some(Command::Check(args)) => check(*args).await,
        }
    });
    // The last words come last.
    drop(ending);
    done.unwrap_or_else(|e| Err(Failure::new(REFUSED, &e)))
        .unwrap_or_else(Failure::tell)
}

async fn carry(what: What) -> Result<ExitCode, Failure> {
    let options = what.resolve().map_err(|e| Failure::new(USAGE, &e))?;
    let plane = Plane::start().map_err(|e| Failure::new(REFUSED, &e))?;
    let proxy = Proxy::bind_on(options, plane.handle()).await;
    let proxy = proxy.map_err(|error| Failure::of_start(&error))?;
    let served = life::serve(proxy).await;
    served.map_err(|e| Failure::new(REFUSED, &e))?;
    Ok(ExitCode::SUCCESS)
}

async fn check(Check { what, json }: Check) -> Result<ExitCode, Failure> {
    let options = what.resolve().map_err(|e| Failure::new(USAGE, &e))?;
    let report = check::check(&options).await;
    let report = report.map_err(|error| Failure::of_start(&error))?;
    let text = if json {
        serde_json::to_string(&report).map(|text| text + "\n")
    } else {
        Ok(report.to_string())
    };
    let text = text.map_err(|e| Failure::new(REFUSED, &e))?;
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever reads has read enough, as `head` does; the verdict stands.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.map_err(|e| Failure::new(REFUSED, &e))?,
    }
    Ok(ExitCode::from(match report.verdict() {
        Verdict::Good => 0,
        Verdict::Refused => REFUSED,
        Verdict::BadCredentials => CREDENTIALS,
    }))
}

/// Why the process ends, and how.
struct Failure {
    code: u8,
    report: String,
}

impl Failure {
    fn new(code: u8, error: &dyn Error) -> Self {
        let mut report = format!("error: {error}\n");
        let mut source = error.source();
        while let Some(cause) = source {
            report.push_str("  caused by: ");
            report.push_str(&cause.to_string());
            report.push('\n');
            source = cause.source();
        }
        Self { code, report }
    }

    fn of_start(error: &StartError) -> Self {
        let code = if error.is_usage() { USAGE } else { REFUSED };
        Self::new(code, error)
    }

    fn tell(self) -> ExitCode {
        // Where stderr is closed, the exit code must do.
        let _closed_pipe = io::stderr().write_all(self.report.as_bytes());
        ExitCode::from(self.code)
    }
}
