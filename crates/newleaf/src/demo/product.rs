//! newleaf itself, as the demo uses it: the same program, run as anybody would run it.
//!
//! The demo holds no part of the controller in its own process. What it kills is a process, and what it resumes is
//! what the journal says.

use std::{
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Output, Stdio},
};

use tokio::process::{Child, Command};

use crate::demo::tied;

/// How many lines of the log an error shows.
const SHOWN_LINES: usize = 12;

/// The program and its configuration.
#[derive(Clone, Debug)]
pub(crate) struct Product {
    program: PathBuf,
    config: PathBuf,
    log: PathBuf,
}

/// Why newleaf did not do what the demo asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProductError {
    /// The program does not run.
    #[error("could not run `newleaf {command}`")]
    Run {
        /// What it was to do.
        command: String,
        /// Why.
        source: io::Error,
    },
    /// It ran, and failed.
    #[error("expected `newleaf {command}` to succeed, found {status}:\n{said}")]
    Failed {
        /// What it was to do.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it said.
        said: String,
    },
}

impl Product {
    /// Takes the program that runs now, the configuration, and the file that long runs log to.
    pub(crate) fn new(config: PathBuf, log: PathBuf) -> io::Result<Self> {
        let program = std::env::current_exe()?;
        Ok(Self {
            program,
            config,
            log,
        })
    }

    /// Returns the program, for the hook in the configuration.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Runs a short command to its end, whatever that is.
    pub(crate) async fn output(&self, arguments: &[&str]) -> Result<Output, ProductError> {
        self.command(arguments)
            .output()
            .await
            .map_err(|source| failed_to_run(arguments, source))
    }

    /// Runs a short command that must succeed.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Result<(), ProductError> {
        let output = self.output(arguments).await?;
        if output.status.success() {
            return Ok(());
        }
        Err(ProductError::Failed {
            command: arguments.join(" "),
            status: output.status,
            said: end_of(&String::from_utf8_lossy(&output.stderr)),
        })
    }

    /// Starts a long command; what it says goes to the log. It ends with the demo at the latest, however that ends.
    pub(crate) fn start(&self, arguments: &[&str]) -> Result<Child, ProductError> {
        let log = || {
            fs_err::OpenOptions::new()
                .create(true)
                .append(true)
                .open(&self.log)
                .map(|file| Stdio::from(file.into_file()))
        };
        let spawn = || {
            self.command(arguments)
                .stdout(log()?)
                .stderr(log()?)
                .spawn()
        };
        spawn().map_err(|source| failed_to_run(arguments, source))
    }

    /// Says how a long command failed.
    pub(crate) fn failure(&self, arguments: &[&str], status: ExitStatus) -> ProductError {
        ProductError::Failed {
            command: arguments.join(" "),
            status,
            said: self.last_words(),
        }
    }

    /// Returns what long commands said last.
    pub(crate) fn last_words(&self) -> String {
        end_of(&fs_err::read_to_string(&self.log).unwrap_or_default())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = tied::command(&self.program, &self.program);
        command
            .arg("--config")
            .arg(&self.config)
            .args(arguments)
            .stdin(Stdio::null());
        command
    }
}

fn failed_to_run(arguments: &[&str], source: io::Error) -> ProductError {
    ProductError::Run {
        command: arguments.join(" "),
        source,
    }
}

fn end_of(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    let skipped = lines.len().saturating_sub(SHOWN_LINES);
    lines
        .into_iter()
        .skip(skipped)
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
