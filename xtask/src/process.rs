//! Running other programs: to their end, and always with what they said at hand when they fail.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

/// Why a program gave no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error("could not run `{program}`")]
    Start { program: String, source: io::Error },
    #[error("`{program}` failed with {status}\n{said}")]
    Failed {
        program: String,
        status: ExitStatus,
        said: String,
    },
    #[error("could not keep the output of `{program}` in `{}`", log.display())]
    KeepOutput {
        program: String,
        log: PathBuf,
        source: io::Error,
    },
    #[error("could not end `{program}`")]
    Kill { program: String, source: io::Error },
    #[error("`{program}` could not be waited for")]
    Lost { program: String },
}

/// How a program ended that had only so much time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Passed,
    Failed,
    TooLate,
    /// It had said enough before it came to its end.
    Enough,
}

/// How often what a program has said is read while it runs.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// The program and its first arguments, enough for a person to recognise it.
fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args().take(4));
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    words.join(" ")
}

/// Runs a program that shares our terminal; answers whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool, RunError> {
    let program = describe(command);
    let status = command.stdin(Stdio::null()).status();
    status
        .map(|status| status.success())
        .map_err(|source| RunError::Start { program, source })
}

/// Runs a program silently; answers with its standard output. A failure carries all it said.
pub(crate) fn capture(command: &mut Command) -> Result<String, RunError> {
    let program = describe(command);
    let output = match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(source) => return Err(RunError::Start { program, source }),
    };
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(RunError::Failed {
        program,
        status: output.status,
        said: said.trim_end().to_owned(),
    })
}

/// Runs a program for at most `limit`, its output going to `log`. When the time is over, it dies; it must not have
/// started others.
pub(crate) fn finish_within(
    command: &mut Command,
    limit: Duration,
    log: &Path,
) -> Result<Ended, RunError> {
    finish_early(command, limit, log, |_said| false)
}

/// Runs a program as [`finish_within`] does, and ends it too when `enough` was said.
pub(crate) fn finish_early(
    command: &mut Command,
    limit: Duration,
    log: &Path,
    enough: impl Fn(&str) -> bool,
) -> Result<Ended, RunError> {
    let program = describe(command);
    let keep = |source| RunError::KeepOutput {
        program: program.clone(),
        log: log.into(),
        source,
    };
    let output = fs_err::File::create(log).map_err(keep)?;
    let errors = output.try_clone().map_err(keep)?;
    command
        .stdin(Stdio::null())
        .stdout(output.into_parts().0)
        .stderr(errors.into_parts().0);
    let start = |source| RunError::Start {
        program: program.clone(),
        source,
    };
    let mut child = command.spawn().map_err(start)?;
    let id = Pid::from_child(&child);
    let (send, ended) = mpsc::channel();
    let waiter = thread::spawn(move || send.send(child.wait()).is_ok());
    let mut left = limit;
    let (last, cut_short) = loop {
        let span = left.min(BETWEEN_LOOKS);
        left = left.saturating_sub(span);
        match ended.recv_timeout(span) {
            Err(RecvTimeoutError::Timeout) if said_enough(log, &enough) => {
                break (Err(RecvTimeoutError::Timeout), Ended::Enough);
            }
            Err(RecvTimeoutError::Timeout) if !left.is_zero() => {}
            last => break (last, Ended::TooLate),
        }
    };
    let result = match last {
        Ok(Ok(status)) if status.success() => Ok(Ended::Passed),
        Ok(Ok(_)) => Ok(Ended::Failed),
        // It may end by itself just now; then there is nothing to kill.
        Err(RecvTimeoutError::Timeout) => match kill_process(id, Signal::KILL) {
            Ok(()) | Err(Errno::SRCH) => Ok(cut_short),
            Err(errno) => {
                return Err(RunError::Kill {
                    program,
                    source: errno.into(),
                });
            }
        },
        Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Err(RunError::Lost { program }),
    };
    drop(waiter.join());
    result
}

/// What cannot be read now is read at the next look.
fn said_enough(log: &Path, enough: impl Fn(&str) -> bool) -> bool {
    fs_err::read(log).is_ok_and(|said| enough(&String::from_utf8_lossy(&said)))
}

#[cfg(test)]
mod tests;
