//! The processes of a measurement: started on a core, ended by their id, and never left behind.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use crate::usage;

/// How long a program may take to end when it is asked to.
const END: Duration = Duration::from_secs(3);

/// Why a process is of no use.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It does not start.
    #[error("could not start `{program}`")]
    Start {
        /// What was to be started.
        program: String,
        /// Why it was not.
        source: io::Error,
    },
    /// It ended, or says something else.
    #[error("expected `{expected}` of `{program}`, found {found:?}")]
    Says {
        /// The program.
        program: String,
        /// What it should have said.
        expected: &'static str,
        /// What it said, if anything.
        found: Option<String>,
    },
    /// The system does not allow what is needed.
    #[error("could not prepare processes")]
    Prepare(#[from] io::Error),
}

/// A program that runs until it is dropped.
#[derive(Debug)]
pub struct Process {
    program: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Option<Receiver<String>>,
}

impl Process {
    /// Starts a program on a core, what it says going to the file `log`.
    pub fn start(command: &mut Command, core: usize, log: &Path) -> Result<Self, ProcessError> {
        let output = fs_err::File::create(log)?.into_parts().0;
        let errors = output.try_clone()?;
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        Self::spawn(command, core)
    }

    /// Starts a program on a core, to speak with it.
    pub fn converse(command: &mut Command, core: usize, log: &Path) -> Result<Self, ProcessError> {
        let errors = fs_err::File::create(log)?.into_parts().0;
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors);
        let mut process = Self::spawn(command, core)?;
        process.input = process.child.stdin.take();
        process.lines = process.child.stdout.take().map(listen);
        Ok(process)
    }

    fn spawn(command: &mut Command, core: usize) -> Result<Self, ProcessError> {
        let program = command.get_program().to_string_lossy().into_owned();
        // A child begins on the cores of the thread that starts it.
        usage::pin(None, core)?;
        let child = command.spawn().map_err(|source| ProcessError::Start {
            program: program.clone(),
            source,
        })?;
        Ok(Self {
            program,
            child,
            input: None,
            lines: None,
        })
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Moves its main thread to another core.
    pub fn move_to(&self, core: usize) -> Result<(), ProcessError> {
        Ok(usage::pin(Some(Pid::from_child(&self.child)), core)?)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> Result<(), ProcessError> {
        Ok(kill_process(Pid::from_child(&self.child), signal).map_err(io::Error::from)?)
    }

    /// Whether it runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Tells it one line.
    pub fn tell(&mut self, line: &str) -> Result<(), ProcessError> {
        match &mut self.input {
            Some(input) => Ok(writeln!(input, "{line}")?),
            None => Ok(()),
        }
    }

    /// Waits for the next line that it says.
    pub fn hear(
        &mut self,
        expected: &'static str,
        limit: Duration,
    ) -> Result<String, ProcessError> {
        let heard = self.lines.as_ref().map(|lines| lines.recv_timeout(limit));
        match heard {
            Some(Ok(line)) => Ok(line),
            Some(Err(_)) | None => Err(ProcessError::Says {
                program: self.program.clone(),
                expected,
                found: None,
            }),
        }
    }

    /// Waits until it ends by itself, for a while.
    pub fn wait(&mut self, limit: Duration) {
        let until = Instant::now() + limit;
        while self.is_alive() && Instant::now() < until {
            pause(Duration::from_millis(10));
        }
    }

    fn end(&mut self) {
        if !self.is_alive() {
            return;
        }
        // Some keep others working for them, whom they end if they are asked, and leave behind if they are killed.
        if self.signal(Signal::TERM).is_ok() {
            self.wait(END);
        }
        for id in usage::tree(self.id()).into_iter().rev() {
            let id = i32::try_from(id).ok().and_then(Pid::from_raw);
            // It may have ended by itself just now.
            let _gone = id.map(|id| kill_process(id, Signal::KILL));
        }
        drop(self.child.wait());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

fn listen(output: ChildStdout) -> Receiver<String> {
    let (send, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Does nothing for a while: the measuring processes work, this one waits.
#[expect(
    clippy::disallowed_methods,
    reason = "the conductor of a measurement has nothing else to do"
)]
pub fn pause(time: Duration) {
    thread::sleep(time);
}

/// An address of loopback that is free now.
pub fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
