//! One run of newleaf, as a process: waited for, told to stop, or killed.

use std::{os::unix::process::ExitStatusExt as _, path::PathBuf, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use crate::{bench::Bench, rig::PATIENCE};

/// The number of SIGKILL.
const KILL: i32 = 9;

/// A running newleaf. It ends with the test at the latest.
pub(crate) struct Run {
    child: Child,
    log: PathBuf,
}

impl Run {
    /// Starts newleaf; what it says goes to the log of the bench.
    pub(crate) fn start(bench: &Bench, arguments: &str) -> Self {
        let log = bench.path("log");
        let mut options = fs_err::OpenOptions::new();
        let open = options.create(true).append(true).open(&log).unwrap();
        let child = Command::from(bench.newleaf(arguments))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::from(open.into_file()))
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { child, log }
    }

    /// Waits until it ends, and returns its exit code; none if a signal was its end.
    pub(crate) async fn end(&mut self) -> Option<i32> {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let status = ended.unwrap_or_else(|_late| panic!("never ended: {}", self.said()));
        status.unwrap().code()
    }

    /// Waits until it ends, but not longer than this; it must end by itself.
    pub(crate) async fn ended_within(&mut self, span: Duration) -> Option<i32> {
        let status = timeout(span, self.child.wait()).await.ok()?.unwrap();
        let code = status.code();
        Some(code.unwrap_or_else(|| panic!("{status}: {}", self.said())))
    }

    /// Waits until it ends, which must be with success.
    pub(crate) async fn succeeds(&mut self) {
        assert_eq!(self.end().await, Some(0), "{}", self.said());
    }

    /// Asks it to stop, with SIGTERM.
    pub(crate) fn terminate(&self) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
    }

    /// Kills it with SIGKILL: nothing runs any more, nothing is written, nothing is said. Returns whether that was its end:
    /// it may have come to its own just before.
    pub(crate) async fn kill(&mut self) -> bool {
        self.child.start_kill().unwrap();
        let status = self.child.wait().await.unwrap();
        status.signal() == Some(KILL)
    }

    /// Returns what every run on this bench has said.
    pub(crate) fn said(&self) -> String {
        fs_err::read_to_string(&self.log).unwrap()
    }
}
