//! A program that runs beside us: ended by its own id when it is dropped, and never left behind.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::clock::await_some;

/// How long a program may take to end when it is asked to.
const END: Duration = Duration::from_secs(5);

/// Why a program does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunningError {
    #[error("could not keep the output in `{program}.log`")]
    KeepOutput { program: String, source: io::Error },
    #[error("could not start the program of `{program}.log`, by `setpriv`")]
    Start { program: String, source: io::Error },
}

/// The command of a program that ends when we do, however we end. `setpriv` becomes that program; process ids are the same.
pub(super) fn command(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// A program that runs until this is dropped.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts a program whose whole output goes to `log`.
    pub(super) fn start(command: &mut Command, log: &Path) -> Result<Self, RunningError> {
        Self::spawn(command.stdin(Stdio::null()), log, Output::ToLog)
    }

    /// Starts a program to speak with; what it says on the side goes to `log`.
    pub(super) fn converse(command: &mut Command, log: &Path) -> Result<Self, RunningError> {
        Self::spawn(command.stdin(Stdio::piped()), log, Output::ToUs)
    }

    fn spawn(command: &mut Command, log: &Path, output: Output) -> Result<Self, RunningError> {
        let program = log.file_stem().unwrap_or_default();
        let program = program.to_string_lossy().into_owned();
        let files = fs_err::File::create(log).and_then(|errors| Ok((errors.try_clone()?, errors)));
        let (said, errors) = match files {
            Ok(files) => files,
            Err(source) => return Err(RunningError::KeepOutput { program, source }),
        };
        command.stderr(errors.into_parts().0);
        command.stdout(match output {
            Output::ToLog => said.into_parts().0.into(),
            Output::ToUs => Stdio::piped(),
        });
        match command.spawn() {
            Ok(child) => Ok(Self {
                child,
                log: log.to_owned(),
            }),
            Err(source) => Err(RunningError::Start { program, source }),
        }
    }

    /// Its ends of the pipes, for whom it speaks with.
    pub(super) fn pipes(&mut self) -> (Option<ChildStdin>, Option<ChildStdout>) {
        (self.child.stdin.take(), self.child.stdout.take())
    }

    /// Where its output is.
    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// Waits until it ends by itself, for a while; answers whether it ended well.
    pub(super) fn ends_well(&mut self, limit: Duration) -> bool {
        let ended = await_some(limit, || self.child.try_wait().ok().flatten());
        ended.is_some_and(|status| status.success())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let id = Pid::from_child(&self.child);
            // It may end by itself just now; then there is nothing to end.
            let _gone = kill_process(id, Signal::TERM);
            if await_some(END, || self.child.try_wait().ok().flatten()).is_none() {
                let _gone = self.child.kill();
            }
        }
        drop(self.child.wait());
    }
}

/// Where a program's standard output goes.
#[derive(Clone, Copy, Debug)]
enum Output {
    ToLog,
    ToUs,
}
