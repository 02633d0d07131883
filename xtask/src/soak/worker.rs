//! One worker program: started, left alone, and asked in the end what happened.

use std::io::{BufRead as _, BufReader};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use super::SoakError;
use super::report::{Side, Told, WorkerReport};
use super::running::Running;
use super::sdk::{Program, Sdk};
use super::stage::Stage;

/// How long the first workflow may take, from the start of the program: TypeScript bundles the workflow first.
const BEGIN: Duration = Duration::from_mins(2);

/// How long the last workflows may take when no more are started: 4 s are usual, an SDK's longest pause between two tries is
/// 10 s, and polls are let end.
const FINISH: Duration = Duration::from_secs(100);

/// How many of an SDK's warnings are shown; all are counted.
const SHOWN: usize = 5;

/// A worker at work.
#[derive(Debug)]
pub(super) struct Worker {
    sdk: Sdk,
    side: Side,
    running: Running,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Worker {
    /// Starts it, and returns when its first workflow is over.
    pub(super) fn start(stage: &Stage, program: &Program, side: Side) -> Result<Self, SoakError> {
        let name = format!("{}-{side}", program.sdk);
        let mut command = program.command();
        command.arg(&name).envs(stage.environment(side));
        let log = stage.room().join(format!("{name}.log"));
        let mut running = Running::converse(&mut command, &log)?;
        let (input, output) = running.pipes();
        let worker = Self {
            sdk: program.sdk,
            side,
            running,
            input,
            lines: listen(output),
        };
        match worker.lines.recv_timeout(BEGIN) {
            Ok(_began) => Ok(worker),
            Err(_silence) => Err(SoakError::Late {
                what: format!("the first workflow of {name}"),
                limit: BEGIN,
                said: fs_err::read_to_string(worker.running.log())?,
            }),
        }
    }

    /// Tells it to start no more workflows.
    pub(super) fn close(&mut self) {
        drop(self.input.take());
    }

    /// Waits for its end, and for what it tells. A worker that is gone tells nothing.
    pub(super) fn finish(mut self) -> WorkerReport {
        let told = self.lines.recv_timeout(FINISH).ok();
        let told = told.and_then(|line| serde_json::from_str::<Told>(&line).ok());
        let ended_well = self.running.ends_well(FINISH);
        let log = fs_err::read_to_string(self.running.log()).unwrap_or_default();
        let warnings: Vec<_> = log.lines().filter(|line| is_warning(line)).collect();
        WorkerReport {
            sdk: self.sdk,
            side: self.side,
            told: told.filter(|_| ended_well),
            warnings: warnings.len(),
            first_warnings: warnings
                .into_iter()
                .take(SHOWN)
                .map(str::to_owned)
                .collect(),
        }
    }
}

/// Whether a line of a log is a warning or worse. Each SDK has a form of its own, and all name the level in capitals.
pub(super) fn is_warning(line: &str) -> bool {
    ["WARN", "ERROR"].iter().any(|level| line.contains(level))
}

fn listen(output: Option<ChildStdout>) -> Receiver<String> {
    let (send, lines) = mpsc::channel();
    if let Some(output) = output {
        thread::spawn(move || {
            let mut said = BufReader::new(output).lines().map_while(Result::ok);
            said.try_for_each(|line| send.send(line)).is_ok()
        });
    }
    lines
}
